"""The load generator's own HTTP connection reads what a server may send, and says when it was cut off."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.load.connection import Connection


class Handler(BaseHTTPRequestHandler):
    """Answers in the way that the path names."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """See http.server."""
        self.send_response(303 if self.path == "/cookies" else 200)
        if self.path == "/chunks":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n")
            return
        if self.path == "/cookies":
            self.send_header("Set-Cookie", "a=1; Path=/")
            self.send_header("Set-Cookie", "b=2; HttpOnly")
        self.send_header("Content-Length", "99" if self.path == "/cut" else "2")
        if self.path == "/last":
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"ok")
        self.close_connection = self.path in {"/cut", "/last"}

    def do_POST(self) -> None:
        """Echo the body and a header."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = body + b"|" + self.headers["Cookie"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


@pytest.fixture
def connection() -> Iterator[Connection]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    connection = Connection("127.0.0.1", server.server_port, 30)
    yield connection
    connection.close()
    server.shutdown()
    thread.join()
    server.server_close()


def test_answers_follow_each_other_on_one_connection(connection: Connection) -> None:
    """Lengths, chunks, repeated cookies and bodies of requests: each answer ends where the next begins."""
    assert connection.ask("GET", "/", []).body == b"ok"
    assert connection.ask("GET", "/chunks", []).body == b"abcde"
    sent = connection.ask("GET", "/cookies", [])
    assert (sent.status, sent.cookies) == (303, ["a=1; Path=/", "b=2; HttpOnly"])
    assert connection.ask("POST", "/", ["Cookie: a=1"], b"x=1&y=2").body == b"x=1&y=2|a=1"


def test_a_closed_connection_is_opened_again(connection: Connection) -> None:
    """A server that says that it closes is believed."""
    assert connection.ask("GET", "/last", []).body == b"ok"
    assert connection.ask("GET", "/", []).body == b"ok"


def test_an_answer_that_was_cut_off_is_an_error(connection: Connection) -> None:
    """A page that came in part is not taken for a page; the next request has a connection of its own."""
    with pytest.raises(http.client.IncompleteRead):
        connection.ask("GET", "/cut", [])
    assert connection.ask("GET", "/", []).body == b"ok"
