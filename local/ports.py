"""Free TCP ports on the loopback address."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import tempfile
from pathlib import Path
from typing import IO

from local.options import StartRefused

LOOPBACK = "127.0.0.1"
HOW_FAR_TO_LOOK = 50


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now; a connection in TIME_WAIT does not count as taken."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def any_free() -> int:
    """A port that nobody uses now, chosen by the kernel."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


class PortChoice:
    """The ports of one run, no two alike. Held against other runs of this user until `release` or the process's end.

    A port is free until somebody listens on it, and two runs that start side by side look before either does: so each
    locks a file in the temporary folder for what it has chosen.
    """

    def __init__(self) -> None:
        self._held: list[IO[bytes]] = []

    def choose(self, what: str, usual: int, forced: int | None, variable: str) -> int:
        """The port for one server: the forced one or a refusal, else the usual one or the next free one after it."""
        if forced is not None:
            if not self._take(forced):
                raise StartRefused(
                    f"Port {forced} for {what} ({variable}={forced}) is taken by another program.\n"
                    f"Stop that program, give another {variable}, or leave it out and a free port is chosen."
                )
            return forced
        for port in range(usual, usual + HOW_FAR_TO_LOOK):
            if self._take(port):
                return port
        return any_free()

    def release(self) -> None:
        """Let others have the ports; call it when the servers have stopped."""
        while self._held:
            self._held.pop().close()

    def _take(self, port: int) -> bool:
        lock = (Path(tempfile.gettempdir()) / f"cartwright-port-{port}-{os.getuid()}").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        if not is_free(port):
            lock.close()
            return False
        self._held.append(lock)
        return True


def accepts(port: int) -> bool:
    """Whether somebody listens on the port now."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((LOOPBACK, port)) == 0
