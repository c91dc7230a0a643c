"""The fault proxy does what the chaos report will say it did."""

import http.client
import http.server
import threading
from collections.abc import Iterator

import pytest

from bench.chaos.proxy import FaultProxy, Mode


class _Counter(http.server.BaseHTTPRequestHandler):
    served: list[str]

    def do_GET(self) -> None:
        self.served.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@pytest.fixture
def served() -> list[str]:
    """The paths that reached the server behind the proxy."""
    return []


@pytest.fixture
def proxy(served: list[str]) -> Iterator[FaultProxy]:
    """A proxy before a real HTTP server."""
    handler = type("Handler", (_Counter,), {"served": served})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        with FaultProxy(server.server_address[1]) as made:
            yield made
        server.shutdown()
        thread.join(10)


def ask(connection: http.client.HTTPConnection) -> bytes:
    """One request on a connection that may be kept alive."""
    connection.request("GET", "/")
    return connection.getresponse().read()


def get(proxy: FaultProxy, timeout: float = 5.0) -> bytes:
    """One request over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=timeout)
    try:
        return ask(connection)
    finally:
        connection.close()


def test_it_passes_everything_on(proxy: FaultProxy, served: list[str]) -> None:
    """Without a fault nobody notices it."""
    assert get(proxy) == b"ok"
    assert served == ["/"]


def test_a_lost_reply_was_executed(proxy: FaultProxy, served: list[str]) -> None:
    """The caller sees a reset, the server did the work: the fault that idempotency keys are for."""
    proxy.set_mode(Mode.LOSE_REPLIES)
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        get(proxy)
    assert served == ["/"]


def test_a_reset_reaches_open_connections(proxy: FaultProxy) -> None:
    """An idle kept-alive connection is cut too."""
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=5)
    assert ask(connection) == b"ok"
    proxy.set_mode(Mode.RESET)
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        ask(connection)
    connection.close()


def test_a_blackhole_times_out_and_heals(proxy: FaultProxy) -> None:
    """No answer while it lasts, and answers again afterwards."""
    proxy.set_mode(Mode.BLACKHOLE)
    with pytest.raises(TimeoutError):
        get(proxy, timeout=0.3)
    proxy.set_mode(Mode.PASS)
    assert get(proxy) == b"ok"
