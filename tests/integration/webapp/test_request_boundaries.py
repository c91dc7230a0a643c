"""Where a request ends is read in one way only: nothing can be smuggled behind another's (ASVS 4.2.1, RFC 9112, 6.3)."""

from __future__ import annotations

import socket

import pytest

from bench.web_server import gunicorn

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: shop.example\r\n\r\n"
AMBIGUOUS = {
    "a length and chunks": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "two lengths": b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
    "two lengths in one line": b"Content-Length: 0, %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
    "a length with a sign": b"Content-Length: +0\r\n\r\n" + HIDDEN,
    "a coding that is not known": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunked twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a space before the colon": b"Content-Length : 0\r\n\r\n" + HIDDEN,
    "a folded header": b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
}


def answers(port: int, request: bytes) -> bytes:
    """All that the server says to these bytes, until it closes the connection."""
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        said = b""
        while part := connection.recv(65_536):
            said += part
    return said


@pytest.mark.slow
def test_a_request_whose_end_is_ambiguous_is_refused_and_ends_the_connection() -> None:
    """By gunicorn as the shop configures it. Before it, the balancer is set to its strictest mode (tests/infra)."""
    with gunicorn("bench.storefront:hello", {}) as server:
        plain = answers(server.port, b"GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
        assert plain.startswith(b"HTTP/1.1 200")
        for name, rest in AMBIGUOUS.items():
            said = answers(server.port, b"POST / HTTP/1.1\r\nHost: shop.example\r\n" + rest)
            first = said.split(b"\r\n")[0]
            assert said.count(b"HTTP/1.1 ") == 1, (name, said)
            assert first.split()[1] in {b"400", b"501"}, (name, first)
