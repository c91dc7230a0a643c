"""The lab is gone when whoever was lent it has ended: in order, by Ctrl-C, or killed without a chance to clean up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import lab
from tests.lab.estate import REPOSITORY, Estate
from tests.lab.shell import living, wait_until

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(600)]

UP_SECONDS = 400.0
"""The first one to come makes the base image."""


@pytest.fixture
def nobodys(able: None) -> Iterator[Estate]:
    """A lab that nobody has now."""
    chosen = Estate.from_environment()
    if chosen.machines_made():
        pytest.skip("the lab is kept up, so that it cannot be lent to these tests")
    yield chosen
    lab.down(chosen)


@pytest.fixture
def holder(nobodys: Estate, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that was lent one machine."""
    said = tmp_path / "said"
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.lab", "hold", "lb1"], cwd=REPOSITORY, stderr=output
        )
    try:
        wait_until(
            lambda: "lab: up" in said.read_text("utf-8") or process.poll() is not None,
            UP_SECONDS,
            "the machine",
        )
        assert process.poll() is None, said.read_text("utf-8")
        yield process
    finally:
        process.kill()
        process.wait()


def test_nothing_is_left_after_ctrl_c(nobodys: Estate, holder: subprocess.Popen[bytes]) -> None:
    """No mount, no bridge, no cgroup, no process; and while it was up there were all of these."""
    kinds = {found.split()[0] for found in lab.leftovers(nobodys)}
    assert kinds == {"mount", "bridge", "group", "process", "machine"}
    holder.send_signal(signal.SIGINT)
    assert holder.wait(timeout=90) == 0
    assert lab.leftovers(nobodys) == []


def test_nothing_is_left_after_a_kill(nobodys: Estate, holder: subprocess.Popen[bytes]) -> None:
    """The guard sees the end of the process and cleans up."""
    holder.kill()
    wait_until(lambda: lab.leftovers(nobodys) == [], 90, "the guard to take the lab down")


def test_the_next_one_finds_nothing_of_a_lab_whose_guard_was_killed_too(
    nobodys: Estate, holder: subprocess.Popen[bytes]
) -> None:
    """Every process of the lab was killed: mounts, bridge and groups are left, and are gone before the next lab."""
    guard = living(nobodys.run / "guard.pid")
    assert guard is not None
    for pid in (guard, holder.pid, *lab.parts(nobodys)):
        os.kill(pid, signal.SIGKILL)
    assert lab.leftovers(nobodys) != []
    found: list[str] = []

    def fail_inside() -> None:
        with lab.lent(nobodys, [], with_backing=False):
            found.extend(lab.leftovers(nobodys))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_inside()
    assert {one.split()[0] for one in found} == {"bridge", "process"}
    assert lab.leftovers(nobodys) == []
