"""How a web process takes connections."""

from __future__ import annotations

from gunicorn.workers import ggevent

from webapp.reception import AT_ONCE, Reception


def test_a_busy_process_takes_several_connections_in_a_round() -> None:
    """gunicorn sets one, on a listener that it makes of a name in its module: ours stands in that place."""
    server = Reception(("127.0.0.1", 0), lambda *_: None)
    server.max_accept = 1
    assert server.max_accept == AT_ONCE
    assert {"StreamServer", "max_accept"} <= set(ggevent.GeventWorker.run.__code__.co_names)
