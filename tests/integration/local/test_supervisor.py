"""The supervisor, over small real processes: it starts again what dies and leaves nobody behind."""

from __future__ import annotations

import os
import pty
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.child import Child
from local.home import Home
from local.options import StartFailed
from local.supervisor import Supervisor, backoff_seconds
from tests.integration.local.waiting import is_alive, until

REPOSITORY = Path(__file__).resolve().parents[3]


def child(folder: Path, script: str, **changes: object) -> Child:
    fields = {
        "name": "child",
        "title": "the child",
        "command": ["/bin/sh", "-c", script],
        "log": folder / "child.log",
        "environment": {"PATH": os.environ["PATH"], "FOLDER": str(folder)},
        "ready_within_seconds": 20.0,
    }
    return Child(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(said: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(say=said.append)
    yield supervisor
    supervisor.stop_all()


def look_until(supervisor: Supervisor, happened: object, what: str) -> None:
    def look() -> bool:
        supervisor.look()
        return bool(happened())  # type: ignore[operator]

    until(look, what)


def test_a_child_that_was_killed_runs_again_and_the_person_is_told(
    tmp_path: Path, supervisor: Supervisor, said: list[str]
) -> None:
    """A dead child is started again from its spec, and both facts are said."""
    supervisor.start(child(tmp_path, "exec sleep 600"))
    first = supervisor.pids()["child"]
    os.kill(first, signal.SIGKILL)
    look_until(supervisor, lambda: supervisor.pids()["child"] != first, "the restart")
    assert is_alive(supervisor.pids()["child"])
    assert "killed by SIGKILL" in said[0]
    assert said[-1] == "the child runs again."


def test_what_a_killed_child_forked_ends_with_it(tmp_path: Path, supervisor: Supervisor) -> None:
    """A web server's workers would keep its port, and the new master would fail until the last of them has ended."""
    script = 'sleep 600 & echo $! > "$FOLDER/new" && mv "$FOLDER/new" "$FOLDER/pid"; wait'
    supervisor.start(child(tmp_path, script, is_ready=(tmp_path / "pid").exists))
    first, forked = supervisor.pids()["child"], int((tmp_path / "pid").read_text())
    os.kill(first, signal.SIGKILL)
    look_until(supervisor, lambda: supervisor.pids()["child"] != first, "the restart")
    until(lambda: not is_alive(forked), "the end of what was forked")


def test_a_child_that_keeps_dying_is_tried_less_and_less_often() -> None:
    """The first restart is immediate, later ones wait twice as long each, up to half a minute."""
    delays = [backoff_seconds(deaths) for deaths in range(1, 12)]
    assert delays[0] == 0.0
    assert delays == sorted(delays)
    assert delays[1] > 0
    assert delays[-1] == 30.0


def test_a_start_that_needs_a_second_try_succeeds(tmp_path: Path, supervisor: Supervisor) -> None:
    """PostgreSQL refuses while a backend of its killed predecessor lives; the start goes on trying."""
    script = 'if [ ! -e "$FOLDER/tried" ]; then touch "$FOLDER/tried"; exit 1; fi; touch "$FOLDER/up"; exec sleep 600'
    supervisor.start(child(tmp_path, script, is_ready=(tmp_path / "up").exists))
    assert is_alive(supervisor.pids()["child"])


def test_a_child_that_cannot_start_shows_the_end_of_its_log(tmp_path: Path, supervisor: Supervisor) -> None:
    """The message says how the program ended and what it wrote last."""
    broken = child(
        tmp_path, "echo the disk is on fire; exit 3", is_ready=lambda: False, ready_within_seconds=1.0
    )
    with pytest.raises(StartFailed, match=r"exit code 3(?s:.)*the disk is on fire"):
        supervisor.start(broken)


def test_a_program_that_does_not_exist_is_named(tmp_path: Path, supervisor: Supervisor) -> None:
    """A missing program is a message, not a traceback."""
    missing = child(tmp_path, "", command=[str(tmp_path / "no-such-program")], is_ready=lambda: False)
    with pytest.raises(StartFailed, match="no-such-program"):
        supervisor.start(Child(**{**vars(missing), "ready_within_seconds": 1.0}))


def test_a_child_that_ignores_the_request_to_stop_is_killed_with_all_it_started(
    tmp_path: Path, supervisor: Supervisor, said: list[str]
) -> None:
    """After its time the whole group goes, grandchildren too."""
    script = (
        'trap "" TERM; sleep 600 & echo $! > "$FOLDER/grandchild"; touch "$FOLDER/up"; while :; do wait; done'
    )
    stubborn = child(tmp_path, script, stop_within_seconds=0.3, is_ready=(tmp_path / "up").exists)
    supervisor.start(stubborn)
    pid, grandchild = supervisor.pids()["child"], int((tmp_path / "grandchild").read_text())
    supervisor.stop("child")
    until(lambda: not is_alive(pid) and not is_alive(grandchild), "the end of the group")
    assert "is killed" in said[-1]


def test_two_servers_never_share_a_data_directory(tmp_path: Path, supervisor: Supervisor) -> None:
    """The lock lives as long as the process, whoever started it, and as what it has forked."""
    first = child(tmp_path, "exec sleep 600", lock=tmp_path / "lock")
    supervisor.start(first)
    other = Supervisor(say=print)
    second = Child(**{**vars(first), "name": "second", "ready_within_seconds": 0.3})
    with pytest.raises(StartFailed, match="another run still uses"):
        other.start(second)
    supervisor.stop("child")
    other.start(second)
    other.stop_all()


@pytest.fixture(autouse=True)
def no_leftovers(tmp_path: Path) -> Iterator[None]:
    """A test that failed half-way must not leave its processes to the next."""
    yield
    pid = Home(tmp_path).supervisor_pid()
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        until(lambda: Home(tmp_path).supervisor_pid() is None, "the end of a left-over stacklet")


@pytest.fixture(autouse=True)
def _signals_are_heard() -> Iterator[None]:
    """A test run in the background starts with Ctrl-C ignored, and every child would inherit that."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def start_stacklet(folder: Path, **how: object) -> tuple[subprocess.Popen[bytes], dict[str, int]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.local.stacklet", str(folder)],
        cwd=REPOSITORY,
        **how,  # type: ignore[call-overload]
    )
    content = until(Home(folder).read_run_file, "the stacklet")
    return process, content["pids"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_all_children_in_order(tmp_path: Path, number: signal.Signals) -> None:
    """SIGTERM, Ctrl-C and a hang-up end the run the same way: the front first, nobody left, no run.json."""
    process, pids = start_stacklet(tmp_path)
    process.send_signal(number)
    assert process.wait(90) == 0
    assert (tmp_path / "journal").read_text().splitlines() == ["front SIGTERM", "back SIGTERM"]
    assert not any(is_alive(pid) for pid in pids.values())
    assert Home(tmp_path).read_run_file() is None
    assert Home(tmp_path).supervisor_pid() is None


def test_children_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    """SIGKILL gives the supervisor no time; the kernel tells the children."""
    process, pids = start_stacklet(tmp_path)
    process.kill()
    process.wait(90)
    until(lambda: not any(is_alive(pid) for pid in pids.values()), "the end of the children")
    assert sorted((tmp_path / "journal").read_text().splitlines()) == ["back SIGTERM", "front SIGTERM"]


def test_closing_the_terminal_stops_everything(tmp_path: Path) -> None:
    """The terminal goes away while it is being written to: the run still ends in order."""
    master, slave = pty.openpty()
    process, pids = start_stacklet(
        tmp_path, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, preexec_fn=_own_terminal
    )
    os.close(slave)
    os.close(master)
    assert process.wait(90) == 0
    assert not any(is_alive(pid) for pid in pids.values())
    assert (tmp_path / "journal").read_text().splitlines() == ["front SIGTERM", "back SIGTERM"]


def test_closing_a_terminal_that_belongs_to_make_stops_everything(tmp_path: Path) -> None:
    """The session's leader alone hears SIGHUP; a `make` hears it, waits for its child, and tells it nothing."""
    master, slave = pty.openpty()
    leader = 'trap "" HUP; ' + shlex.join([sys.executable, "-c", UNIGNORE, str(tmp_path)]) + " & wait $!"
    process = subprocess.Popen(
        ["/bin/sh", "-c", leader],
        cwd=REPOSITORY,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=_own_terminal,
    )
    pids = until(Home(tmp_path).read_run_file, "the stacklet")["pids"]
    os.close(slave)
    os.close(master)
    assert process.wait(90) == 0
    assert not any(is_alive(pid) for pid in pids.values())


# Starts the stacklet with SIGHUP as usual: the shell around it ignores the signal, as a waiting make does.
UNIGNORE = """
import os, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)
terminal = os.open("/dev/tty", os.O_RDWR)
os.dup2(terminal, 0)
os.execv(sys.executable, [sys.executable, "-m", "tests.integration.local.stacklet", sys.argv[1]])
"""


def _own_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_nohup_survives_the_terminal(tmp_path: Path) -> None:
    """Who starts it with SIGHUP ignored wants it to outlive the terminal."""
    process, pids = start_stacklet(tmp_path, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGHUP)
    os.kill(pids["back"], signal.SIGKILL)  # Its restart shows that the supervisor still works.
    until(lambda: (tmp_path / "back.ready").exists() and process.poll() is None, "life after the hang-up")
    process.terminate()
    assert process.wait(90) == 0
