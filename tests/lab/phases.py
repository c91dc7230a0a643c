"""What each phase of a run took, in a file of the lab's folder: several processes of a run add to it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.estate import Estate
from tests.lab.shell import say

FROM_NOTHING = (
    BASE := "the base image",
    UP := "machines, PostgreSQL and the local AWS up",
    FIRST := "first run of the playbooks",
    ROLLED_OUT := "the product rolled out",
    OPEN := "stocked, and all web servers in rotation",
    ORDER := "an order in Chromium, to its e-mail",
    SECOND := "second run, nothing changed",
    CHECK := "--check, nothing to change",
)
"""The way from nothing to machines on which the product runs and nothing is left to do; what is broken on purpose
comes on top."""


def forget(estate: Estate) -> None:
    """A new run begins."""
    (estate.folder / "phases").unlink(missing_ok=True)


@contextmanager
def phase(estate: Estate, name: str) -> Iterator[None]:
    """Say and note what the block took, if it succeeds."""
    began = time.monotonic()
    yield
    seconds = time.monotonic() - began
    say(f"lab: {name}: {seconds:.0f} s")
    with (estate.folder / "phases").open("a", encoding="utf-8") as file:
        file.write(json.dumps([name, round(seconds, 1)]) + "\n")


def noted(estate: Estate) -> list[tuple[str, float]]:
    """The phases of this run from nothing to a clean check, in their order; those that did not happen are left out."""
    try:
        lines = (estate.folder / "phases").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    taken: dict[str, float] = {}
    for name, seconds in map(json.loads, lines):
        # Single machines are booted more than once: the last time it was all of them.
        taken[name] = seconds
    return [(name, taken[name]) for name in FROM_NOTHING if name in taken]
