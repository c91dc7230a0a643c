"""Where the lab cannot run it says why, changes nothing, and is no failure."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.lab import readiness
from tests.lab.estate import REPOSITORY
from tests.lab.shell import LabError


@pytest.fixture
def debian(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A computer that can run the lab, whatever this one is."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda program: f"/usr/bin/{program}")
    monkeypatch.setattr(readiness, "mirrors", lambda: ("http://mirror.example/debian",))
    monkeypatch.setattr(readiness, "_mounting_fails", lambda: "")
    monkeypatch.setattr(readiness, "_may_make_groups", lambda: True)
    monkeypatch.setattr(readiness, "base_is_missing", lambda estate: False)
    monkeypatch.setattr(readiness, "bridge_owner", lambda: "")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=50 << 30))
    return monkeypatch


def test_a_computer_that_has_everything_is_asked_for_nothing(debian: pytest.MonkeyPatch) -> None:
    """No reason, and no package to install."""
    assert readiness.prepare() == ""


def test_each_thing_that_is_missing_is_named(debian: pytest.MonkeyPatch) -> None:
    """Root, Debian, mounts, groups: the sentence says which."""
    debian.setattr(readiness, "_may_make_groups", lambda: False)
    assert "control group" in readiness.why_not()
    debian.setattr(readiness, "_mounting_fails", lambda: "Operation not permitted")
    assert "Operation not permitted" in readiness.why_not()
    debian.setattr(readiness, "mirrors", tuple)
    assert "Debian" in readiness.why_not()
    debian.setattr(os, "geteuid", lambda: 1000)
    assert "sudo make ansible" in readiness.why_not()


def test_without_a_base_image_a_mirror_is_asked_first(debian: pytest.MonkeyPatch) -> None:
    """Where none answers the lab cannot run, which is no failure; a kept image needs none."""
    # Nothing listens on port 9 of this computer.
    debian.setattr(readiness, "mirrors", lambda: ("http://127.0.0.1:9/debian",))
    assert readiness.prepare() == ""
    debian.setattr(readiness, "base_is_missing", lambda estate: True)
    reason = readiness.prepare()
    assert "Debian mirror" in reason
    assert "http://127.0.0.1:9/debian" in reason


def test_packages_that_cannot_be_had_are_a_reason_and_no_failure(debian: pytest.MonkeyPatch) -> None:
    """apt is asked twice, once with fresh lists; then the lab says what it lacks."""
    asked: list[tuple[str, ...]] = []

    def no_mirror(*command: str, environment: object) -> str:
        asked.append(command)
        raise LabError("Could not resolve 'mirror.example'")

    debian.setattr(shutil, "which", lambda program: None if program == "mmdebstrap" else program)
    debian.setattr(readiness, "run", no_mirror)
    reason = readiness.prepare()
    assert "mmdebstrap" in reason
    assert "Could not resolve" in reason
    assert [command[1] for command in asked] == ["install", "update"]


def test_another_lab_on_this_computer_is_left_in_peace(debian: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The bridge and its addresses are there once: whoever comes second does not run, and says who was first."""
    debian.setattr(readiness, "bridge_owner", lambda: "/somebody/elses/lab")
    assert "/somebody/elses/lab" in readiness.prepare()
    debian.setattr(readiness, "LOCK", tmp_path / "lock")
    with readiness.alone() as first, readiness.alone() as second:
        assert first == ""
        assert "another run" in second
    with readiness.alone() as third:
        assert third == ""


def test_a_full_disk_is_a_reason(debian: pytest.MonkeyPatch) -> None:
    """The lab would fail on it in the middle, and others on the same computer with it."""
    debian.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1 << 30))
    assert "needs 4 GB of room" in readiness.prepare()


@pytest.mark.slow
def test_a_lab_that_cannot_run_says_so_in_its_last_words_and_succeeds(tmp_path: Path) -> None:
    """Without any program on the path, so that this is no Debian system to it."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-m", "lab", "-p", "no:cacheprovider", "tests/lab/test_hosts.py"],
        cwd=REPOSITORY,
        env={"PATH": str(tmp_path), "CARTWRIGHT_LAB": str(tmp_path / "lab")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" not in done.stdout
    last_words = done.stdout.partition("THE LAB DID NOT RUN")[2]
    assert "the lab" in last_words
    assert "SKIPPED" not in last_words
    assert not (tmp_path / "lab").exists()
