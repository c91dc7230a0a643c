"""The HTTP server of the local AWS, over real sockets, in front of applications that answer in every way there is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from local.asgi import Message, Receive, Scope, Send
from local.http_server import Connection, Lifespan
from local.ports import LOOPBACK

Asked = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def with_server(application: Any, ask: Asked) -> None:
    """Serve an application for the time in which `ask` talks to it over one connection."""

    async def run() -> None:
        connections: set[Connection] = set()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(application, connections), LOOPBACK, 0)
        reader, writer = await asyncio.open_connection(LOOPBACK, server.sockets[0].getsockname()[1])
        try:
            async with asyncio.timeout(20):
                await ask(reader, writer)
        finally:
            writer.close()
            server.close()
            for connection in list(connections):
                connection.close()

    asyncio.run(run())


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what was asked."""
    body = (await receive())["body"]
    text = b"%s %s?%s %s" % (scope["method"].encode(), scope["path"].encode(), scope["query_string"], body)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-a", b"1")]})
    await send({"type": "http.response.body", "body": text})


async def answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """An answer's head, and its body by its Content-Length."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = [line.split(b":")[1] for line in head.split(b"\r\n") if line.startswith(b"content-length")]
    return head, await reader.readexactly(int(length[0])) if length else b""


def test_requests_of_one_connection_are_answered_in_turn() -> None:
    """Also those that were sent before the first answer."""

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"POST /a%20b?c=d HTTP/1.1\r\nContent-Length: 2\r\n\r\nhiGET /next HTTP/1.1\r\n\r\n")
        head, body = await answer(reader)
        assert head.startswith(b"HTTP/1.1 200 OK\r\nx-a: 1\r\n")
        assert body == b"POST /a b?c=d hi"
        assert (await answer(reader))[1] == b"GET /next? "
        writer.write(b"GET /last HTTP/1.1\r\nConnection: close\r\n\r\n")
        head, body = await answer(reader)
        assert b"connection: close" in head
        assert body == b"GET /last? "
        assert await reader.read() == b""

    with_server(echo, ask)


def test_an_upload_begins_after_the_word_to_continue() -> None:
    """botocore waits a second for it otherwise."""

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"PUT /k HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"body")
        assert (await answer(reader))[1] == b"PUT /k? body"

    with_server(echo, ask)


def test_an_answer_in_parts_without_a_length_comes_in_chunks() -> None:
    """Its end can be told from a broken connection."""

    async def parts(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for part in (b"one", b"", b"two"):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert b"transfer-encoding: chunked" in await reader.readuntil(b"\r\n\r\n")
        assert await reader.readuntil(b"0\r\n\r\n") == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"

    with_server(parts, ask)


def test_an_answer_to_head_has_its_length_and_no_body() -> None:
    """S3 tells an object's size so."""

    async def sized(scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"3000000")]}
        await send(start)
        await send({"type": "http.response.body", "body": b"not sent"})

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HEAD / HTTP/1.1\r\n\r\nHEAD / HTTP/1.1\r\nConnection: close\r\n\r\n")
        given = await reader.read()
        assert given.count(b"content-length: 3000000") == 2
        assert b"not sent" not in given

    with_server(sized, ask)


@pytest.mark.parametrize("is_begun", [False, True])
def test_an_application_that_fails_ends_its_connection(
    is_begun: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """With 500 where the answer was not begun; else the caller must not take half of it for all."""

    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        if is_begun:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise ValueError("a bug")

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        given = await reader.read()
        assert given.endswith(b"half" if is_begun else b"content-length: 0\r\nconnection: close\r\n\r\n")
        assert given.startswith(b"HTTP/1.1 200" if is_begun else b"HTTP/1.1 500")

    with caplog.at_level(logging.ERROR):
        with_server(failing, ask)
    assert "a bug" in caplog.text


def test_what_is_no_request_is_answered_with_400() -> None:
    """And the connection ends, for nobody knows where the next request begins."""

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"nonsense\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 400 Bad Request\r\n")

    with_server(echo, ask)


def test_an_application_learns_that_its_caller_has_gone() -> None:
    """And is not broken off: what a call does, it does, as on AWS."""
    told: list[Message] = []
    is_told = asyncio.Event()

    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        told.append(await receive())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"into the void"})
        is_told.set()

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        await writer.drain()
        writer.close()
        await is_told.wait()

    with_server(waiting, ask)
    assert told == [{"type": "http.disconnect"}]


def test_a_slow_reader_gets_a_large_answer_whole() -> None:
    """The application waits for it: what is written ahead stays bounded."""
    piece, pieces = b"x" * 100_000, 200

    async def large(scope: Scope, receive: Receive, send: Send) -> None:
        length = str(len(piece) * pieces).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        for number in range(pieces):
            await send({"type": "http.response.body", "body": piece, "more_body": number < pieces - 1})

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        assert len(await reader.readexactly(len(piece) * pieces)) == len(piece) * pieces

    with_server(large, ask)


def test_an_application_that_cannot_start_says_why() -> None:
    """The local AWS refuses to serve without its state."""

    async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "the state is broken"})

    async def dying(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError("no state")

    async def start(application: Any) -> None:
        await Lifespan(application).start()

    with pytest.raises(RuntimeError, match="the state is broken"):
        asyncio.run(start(refusing))
    with pytest.raises(ValueError, match="no state"):
        asyncio.run(start(dying))
