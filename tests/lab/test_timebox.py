"""A run whose time is up ends in order, and is a failure only when something had failed before."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.estate import REPOSITORY
from tests.lab.timebox import VARIABLE

RUN = """
import threading
import pytest
from tests.lab.conftest import pytest_terminal_summary
from tests.lab.timebox import bounded

@pytest.fixture(scope="session")
def lab(request):
    with bounded(request.session) as timer:
        yield
        timer.cancel()
        print("taken down")

def test_before():
    assert {before}

def test_that_takes_for_ever(lab):
    threading.Event().wait()
"""


@pytest.mark.slow
@pytest.mark.parametrize(("before", "status"), [(True, 0), (False, 1)])
def test_when_the_time_is_up_all_is_torn_down_and_only_a_failure_is_one(
    tmp_path: Path, before: bool, status: int
) -> None:
    """The time begins with the second test, which would run for ever; what the first one said stands."""
    (tmp_path / "conftest.py").write_text(RUN.format(before=before), encoding="utf-8")
    (tmp_path / "test_run.py").write_text("from conftest import *\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-s", "-p", "no:cacheprovider", "-c", os.devnull, str(tmp_path)],
        cwd=REPOSITORY,
        env={**os.environ, VARIABLE: "0.5", "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "taken down" in done.stdout
    assert "not at its end" in done.stdout.partition("THE LAB DID NOT COME TO ITS END")[2]
    assert "1 passed" in done.stdout or not before
