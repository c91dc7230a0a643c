"""One program under the supervisor: how it is started, when it is ready, how it is asked to stop."""

from __future__ import annotations

import ctypes
import fcntl
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from local.options import StartFailed

PR_SET_PDEATHSIG = 1
"""From linux/prctl.h."""


@dataclass(frozen=True)
class Child:
    """What to run. Equal specs start equal processes, so a child that died is started again from its spec."""

    name: str
    title: str
    """How a person knows it: `the shop`, `PostgreSQL`."""
    command: Sequence[str]
    log: Path
    """Receives stdout and stderr; kept between runs, cut when it grows beyond LOG_LIMIT_BYTES."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """The whole environment of the process, nothing is inherited."""
    directory: Path = Path("/")
    is_ready: Callable[[], bool] = lambda: True
    ready_within_seconds: float = 30.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within_seconds: float = 15.0
    """After this it is killed with SIGKILL."""
    lock: Path | None = None
    """A file locked for the life of the process and of all that it forks: one server per data directory."""
    prefix: Sequence[str] = ()
    """Goes before the command, and before the tether: a user namespace for instance."""


LOG_LIMIT_BYTES = 5_000_000


def spawn(child: Child, lock: int | None = None) -> subprocess.Popen[bytes]:
    """Start the process: in its own session, its output to its log, and bound to die with this thread.

    `lock` is a descriptor from `locked`; the process keeps it for its life. Call this from the main thread
    only: Linux sends the death signal when the *thread* that forked ends. Raises StartFailed when the
    program does not exist.
    """
    child.log.parent.mkdir(parents=True, exist_ok=True)
    tether = _tether(child.stop_signal)
    with _open_log(child.log) as log:
        try:
            return subprocess.Popen(
                [*child.prefix, *tether, *child.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(child.environment),
                cwd=child.directory,
                # Its own session: Ctrl-C reaches the supervisor alone, which then stops the children in order.
                start_new_session=True,
                pass_fds=() if lock is None else (lock,),
                preexec_fn=None if tether else _die_with_parent(child.stop_signal),
            )
        except OSError as error:
            raise StartFailed(f"{child.title} cannot be started: {error}") from error


@contextmanager
def locked(child: Child) -> Iterator[int | None]:
    """Hold the child's lock while it is started; the process itself keeps it from there on.

    Waits as long as a start may take: the server of a killed run may need a moment to finish its work.
    Raises StartFailed when the lock stays taken.
    """
    if child.lock is None:
        yield None
        return
    child.lock.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + child.ready_within_seconds
    with child.lock.open("a+b") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise StartFailed(
                        f"{child.title} of another run still uses this data directory ({child.lock} is locked)."
                    ) from error
                time.sleep(0.1)
        yield file.fileno()


def _tether(stop_signal: signal.Signals) -> list[str]:
    # setpriv works behind a user namespace as well, where a death signal set before would be cleared by the kernel.
    if sys.platform == "linux" and shutil.which("setpriv"):
        return ["setpriv", "--pdeathsig", stop_signal.name.removeprefix("SIG"), "--"]
    return []


def _die_with_parent(stop_signal: signal.Signals) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None  # Other systems have no such call; there a SIGKILL of the supervisor leaves its children.
    libc = ctypes.CDLL(None, use_errno=True)
    return lambda: libc.prctl(PR_SET_PDEATHSIG, int(stop_signal))


def _open_log(path: Path) -> BinaryIO:
    if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


def tail(log: Path, lines: int = 12) -> str:
    """The last lines of a log, for a message about a child that died."""
    try:
        text = log.read_bytes()[-20_000:].decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
