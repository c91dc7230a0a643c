"""Takes connections off the system's queue as they come, so that whoever waits does so in line at the door, and is answered.

A gevent server takes so many connections in each round of its event loop, and gunicorn sets that to one where it has several
workers. A round of a busy loop takes a tenth of a second: ten connections a second, while the others queue in the kernel,
where nobody turns them away and none goes before another. They were answered after twenty seconds, if at all.
"""

from __future__ import annotations

from gevent.server import StreamServer
from gunicorn.workers import ggevent  # type: ignore[import-untyped]

AT_ONCE = 16
"""Enough for hundreds a second on a busy process, few enough to leave an idle neighbour its share of a burst."""


class Reception(StreamServer):  # type: ignore[misc]  # gevent has no types.
    """A server that takes AT_ONCE connections per round, whatever it is told."""

    @property
    def max_accept(self) -> int:
        """See gevent.baseserver.BaseServer."""
        return AT_ONCE

    @max_accept.setter
    def max_accept(self, count: int) -> None:
        """gunicorn's word does not count."""


def open_reception() -> None:
    """Let this worker's listeners be of this kind. Before it begins to listen; there is no setting for it."""
    ggevent.StreamServer = Reception
