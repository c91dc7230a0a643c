"""Free TCP ports on the loopback address."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Collection

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


def choose(what: str, usual: int, forced: int | None, variable: str, taken: Collection[int] = ()) -> int:
    """The port for one server: the forced one or a refusal, else the usual one or the next free one after it.

    `taken` names ports that this run has already given to another server, which does not listen yet.
    """
    if forced is not None:
        if forced in taken or not is_free(forced):
            raise StartRefused(
                f"Port {forced} for {what} ({variable}={forced}) is taken by another program.\n"
                f"Stop that program, give another {variable}, or leave it out and a free port is chosen."
            )
        return forced
    for port in range(usual, usual + HOW_FAR_TO_LOOK):
        if port not in taken and is_free(port):
            return port
    return any_free()


def accepts(port: int) -> bool:
    """Whether somebody listens on the port now."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((LOOPBACK, port)) == 0
