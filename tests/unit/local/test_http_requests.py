"""Bytes become requests, however they are cut, and what is no request is refused."""

from __future__ import annotations

import pytest

from local.http_requests import LONGEST_HEAD, BadRequest, Request, Requests

POST = b"POST /a%20b?c=d HTTP/1.1\r\nHost: x\r\nX-Amz-Target: SQS.Send\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"PUT /k HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;extension=1\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n"
GET = b"GET / HTTP/1.1\r\n\r\n"


def requests_of(data: bytes, piece: int) -> list[Request]:
    reader, found = Requests(), []
    for start in range(0, len(data), piece):
        reader.feed(data[start : start + piece])
        while (request := reader.next()) is not None:
            found.append(request)
    return found


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 50, 1000])
def test_requests_are_the_same_however_the_bytes_are_cut(piece: int) -> None:
    """TCP knows no messages: a part may end anywhere, and one may hold several requests."""
    post, chunked, get = requests_of(POST + CHUNKED + GET, piece)
    assert (post.method, post.target, post.body) == ("POST", b"/a%20b?c=d", b"hello")
    assert dict(post.headers)[b"x-amz-target"] == b"SQS.Send"
    assert (chunked.method, chunked.body) == ("PUT", b"hello world")
    assert (get.method, get.body, get.headers) == ("GET", b"", [])


@pytest.mark.parametrize(
    ("head", "is_kept_alive"),
    [
        (b"GET / HTTP/1.1\r\n", True),
        (b"GET / HTTP/1.1\r\nConnection: close\r\n", False),
        (b"GET / HTTP/1.0\r\n", False),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n", True),
    ],
)
def test_a_connection_is_kept_as_its_version_and_its_client_say(head: bytes, is_kept_alive: bool) -> None:
    """RFC 9112, section 9.3."""
    (request,) = requests_of(head + b"\r\n", 1000)
    assert request.is_kept_alive is is_kept_alive


def test_a_client_that_waits_for_a_word_gets_it_once() -> None:
    """botocore sends the body of an upload only after 100 Continue."""
    reader = Requests()
    reader.feed(b"PUT /k HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert reader.next() is None
    assert reader.wants_continue()
    assert not reader.wants_continue()
    reader.feed(b"ok")
    request = reader.next()
    assert request is not None
    assert request.body == b"ok"


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/2.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfive\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nlong\r\n",
        b"GET /" + b"a" * LONGEST_HEAD + b" HTTP/1.1\r\n\r\n",
        b"a" * (LONGEST_HEAD + 1),
    ],
)
def test_what_is_no_request_is_refused(data: bytes) -> None:
    """Where a request ends must not be a matter of opinion."""
    reader = Requests()
    reader.feed(data)
    with pytest.raises(BadRequest):
        reader.next()
