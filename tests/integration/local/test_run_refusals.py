"""What `make run` says when it cannot start, and that it then exits with 2 and changes nothing."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import home as home_module
from local.home import Home
from local.options import StartRefused
from local.ports import PortChoice, any_free

REPOSITORY = Path(__file__).resolve().parents[3]


def run(home: Path, word: str = "run", **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local", word],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "CARTWRIGHT_HOME": str(home), **variables},
        capture_output=True,
        text=True,
        timeout=100,
    )


@contextlib.contextmanager
def taken_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_forced_port_that_is_taken_is_refused_with_its_variable(tmp_path: Path) -> None:
    """A person who names a port wants that one: no silent other port."""
    with taken_port() as port:
        done = run(tmp_path / "home", CARTWRIGHT_PORT=str(port))
    assert done.returncode == 2
    assert f"CARTWRIGHT_PORT={port}" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert not (tmp_path / "home" / "postgres").exists()


@pytest.mark.parametrize("value", ["http", "0", "65536", "-1", "²"])
def test_a_port_that_is_none_is_refused(tmp_path: Path, value: str) -> None:
    """The message names the variable and what it held."""
    done = run(tmp_path / "home", CARTWRIGHT_PORT=value)
    assert done.returncode == 2
    assert f"CARTWRIGHT_PORT={value} is not a port" in done.stderr


def test_a_second_run_on_the_same_home_is_refused(tmp_path: Path) -> None:
    """It names the process that runs, and how to stop it."""
    home = Home(tmp_path)
    home.prepare()
    with home.claimed():
        done = run(tmp_path)
        assert run(tmp_path, "status").returncode == 1
    assert done.returncode == 2
    assert f"already runs on {tmp_path} (process {os.getpid()})" in done.stdout
    assert "make stop" in done.stdout


def test_a_home_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """For instance a file in the place of a folder."""
    (tmp_path / "file").write_text("")
    done = run(tmp_path / "file" / "home")
    assert done.returncode == 2
    assert "Set CARTWRIGHT_HOME elsewhere" in done.stdout


def test_a_full_disk_is_told_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The need is set above what the disk has; the rest is the real check."""
    monkeypatch.setattr(home_module, "NEEDED_BYTES", 10**18)
    with pytest.raises(StartRefused, match=r"Only \d+ MB are free"):
        Home(tmp_path).prepare()


def test_stop_and_status_say_when_nothing_runs(tmp_path: Path) -> None:
    """`make stop` twice is no error; `status` answers by exit code, for scripts."""
    assert run(tmp_path, "stop").returncode == 0
    assert run(tmp_path, "status").returncode == 1


def test_a_usual_port_that_is_taken_gives_the_next_free_one() -> None:
    """Two shops on one laptop, or another program on 8000."""
    free, ours = any_free(), PortChoice()
    with taken_port() as port:
        assert ours.choose("the shop", port, None, "CARTWRIGHT_PORT") > port
    assert ours.choose("the shop", free, None, "CARTWRIGHT_PORT") == free
    assert ours.choose("the in-box", free, None, "CARTWRIGHT_INBOX_PORT") > free
    ours.release()


def test_two_runs_that_start_side_by_side_share_no_port() -> None:
    """Neither listens yet when the other looks; what a run has released is free again."""
    usual, first, second = any_free(), PortChoice(), PortChoice()
    assert first.choose("PostgreSQL", usual, None, "CARTWRIGHT_POSTGRES_PORT") == usual
    assert second.choose("PostgreSQL", usual, None, "CARTWRIGHT_POSTGRES_PORT") > usual
    with pytest.raises(StartRefused, match=f"Port {usual} for PostgreSQL"):
        second.choose("PostgreSQL", usual, usual, "CARTWRIGHT_POSTGRES_PORT")
    first.release()
    assert second.choose("PostgreSQL", usual, usual, "CARTWRIGHT_POSTGRES_PORT") == usual
    second.release()
