"""Starting other programs: run one to its end, keep one in the background, wait for what it makes true."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path

POLL_SECONDS = 0.05
_started: list[subprocess.Popen[bytes]] = []
"""Kept, so that Python does not complain about programs that shall outlive it."""


class LabError(Exception):
    """The lab could not do what it was asked for; the text says what and why."""


def say(text: str) -> None:
    """Tell the person at the terminal."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def run(*command: str | Path, stdin: str | None = None, environment: Mapping[str, str] | None = None) -> str:
    """Run to the end and return the output; raises LabError with all that it printed when it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        input=stdin,
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if done.returncode:
        raise LabError(
            f"{' '.join(map(str, command))} failed ({done.returncode}):\n{done.stdout}{done.stderr}"
        )
    return done.stdout


def start(
    command: Sequence[str | Path], pid_file: Path, log: Path, directory: Path, environment: Mapping[str, str]
) -> None:
    """Start a background program that outlives this one, in a session of its own."""
    pid_file.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=directory,
            env=environment,
        )
    _started.append(process)
    # Its start time goes with it: after a crash the number may belong to a stranger.
    pid_file.write_text(f"{process.pid} {started_at(process.pid)}\n", encoding="ascii")


def started_at(pid: int) -> str:
    """When the process began, in the kernel's ticks; empty when there is none, or only its remains."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] in {"Z", "X"} else fields[19]


def living(pid_file: Path) -> int | None:
    """The process that a pid file names, while it still lives and still is that process."""
    try:
        pid, _, since = pid_file.read_text(encoding="ascii").strip().partition(" ")
    except FileNotFoundError:
        return None
    return int(pid) if since and started_at(int(pid)) == since else None


def stop(pid_file: Path, within_seconds: float = 60.0) -> None:
    """Ask a background program to end, kill it when it does not; does nothing when it is not there."""
    pid = living(pid_file)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        try:
            wait_until(lambda: living(pid_file) is None, within_seconds, f"process {pid} to end")
        except LabError:
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: living(pid_file) is None, 10.0, f"process {pid} to die")
    pid_file.unlink(missing_ok=True)


def carrying(variable: str, value: str) -> list[int]:
    """The processes, but for this one, that were started with this variable in their environment."""
    wanted = f"{variable}={value}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdigit() and wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return [pid for pid in found if pid != os.getpid() and started_at(pid)]


def end(pids: Sequence[int], within_seconds: float = 10.0) -> None:
    """Ask processes to end, and kill those that do not."""
    for name in (signal.SIGTERM, signal.SIGKILL):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, name)
        with suppress(LabError):
            wait_until(lambda: not any(map(started_at, pids)), within_seconds, "processes to end")
            return
    raise LabError(f"these processes do not die: {', '.join(map(str, pids))}")


def wait_for_end(pid: int) -> None:
    """Wait, however long it takes, until a process is no more; returns at once when there is none."""
    with suppress(ProcessLookupError), os.fdopen(os.pidfd_open(pid)) as ending:
        select.select([ending], [], [])


def wait_until(is_true: Callable[[], object], within_seconds: float, what: str) -> None:
    """Wait for an event; raises LabError when it does not come in time."""
    deadline = time.monotonic() + within_seconds
    while not is_true():
        if time.monotonic() > deadline:
            raise LabError(f"waited {within_seconds:.0f} s in vain for {what}")
        time.sleep(POLL_SECONDS)


def accepts(address: str, port: int) -> bool:
    """Whether somebody listens there now."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((address, port)) == 0
