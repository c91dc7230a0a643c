"""docs/worker.md names tests and commands that exist."""

from __future__ import annotations

import re
from pathlib import Path

from worker.cli import parser

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "worker.md").read_text("utf-8")


def test_every_promise_names_a_test_that_exists() -> None:
    """A guarantee without its proof is a wish."""
    tests = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = re.findall(r"`(test_\w+|Test\w+)`", PAGE)
    assert len(named) > 10
    for name in named:
        assert f"def {name}(" in tests or f"\n{name} = " in tests, name


def test_every_command_is_on_the_page() -> None:
    """And every one on the page is a command."""
    known = set(re.findall(r"\n    (\w+) ", parser().format_help()))
    shown = {name for group in re.findall(r"python -m worker ([\w|]+)", PAGE) for name in group.split("|")}
    assert shown <= known | {"completion"}
    assert known - {"jobs", "result", "completion"} <= shown
