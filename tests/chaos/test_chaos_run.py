"""The chaos run itself, short: `make chaos` plays, judges and reports, and the shop keeps its promises meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FAULTS = ("worker-killed", "web-child-killed", "postgres-cut", "calls-unanswered")

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(660)]


def test_a_short_run_breaks_no_promise(tmp_path: Path) -> None:
    """Four faults in a minute and a quarter: nothing lost, doubled or oversold, and orders go on after each fault.

    How fast is for `make chaos` to judge, on a machine that does nothing else.
    """
    done = subprocess.run(
        [
            *(sys.executable, "-m", "bench.chaos", "--seed", "1", "--minutes", "1.25", "--rate", "3"),
            *("--only", ",".join(FAULTS), "--folder", str(tmp_path / "shop"), "--out", str(tmp_path / "out")),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=640,
    )
    [written] = (tmp_path / "out").glob("*/report.json")
    report = json.loads(written.read_text("utf-8"))
    assert report["verdict"]["accepted"] > 0, done.stdout
    assert report["violations"] == 0, done.stdout
    assert len(report["faults"]) >= 4
    assert all(fault["recovered_after"] is not None for fault in report["faults"]), done.stdout
    page = written.with_name("report.html").read_text("utf-8")
    assert all(fault["told"] in page for fault in report["faults"])
