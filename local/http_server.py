"""The HTTP/1.1 server in front of the local AWS: an asyncio protocol around an ASGI application, and nothing more.

An order makes some 25 calls of AWS, all of them small. Hypercorn, which ministack would bring, spends more on each than
DynamoDB's own work takes: an event object for every part of a request, a task group, queues, and an answer in two
writes, for which its caller wakes up twice. What it offers besides (TLS, HTTP/2, WebSockets) nobody here asks for.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from http import HTTPStatus
from typing import cast
from urllib.parse import unquote

from local.asgi import Application, Message, Scope
from local.http_requests import BadRequest, Request, Requests

GRACE_SECONDS = 3.0
"""What runs when the server is told to stop may take so long to end."""
BACKLOG = 512
_NO_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

log = logging.getLogger(__name__)


async def serve(application: Application, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT, then let what runs end and the application shut down. Raises OSError when the port
    is taken, RuntimeError when the application does not start."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    connections: set[Connection] = set()
    server = await loop.create_server(
        lambda: Connection(application, connections), host, port, backlog=BACKLOG, start_serving=False
    )
    lifespan = Lifespan(application)
    await lifespan.start()
    await server.start_serving()
    await stop.wait()
    server.close()
    running = [connection.task for connection in connections if connection.task is not None]
    if running:
        await asyncio.wait(running, timeout=GRACE_SECONDS)
    for connection in list(connections):
        connection.close()
    await lifespan.stop()


class Connection(asyncio.Protocol):
    """One connection: a request at a time, in the order in which they come."""

    def __init__(self, application: Application, connections: set[Connection]) -> None:
        self.task: asyncio.Task[None] | None = None
        self._application = application
        self._connections = connections
        self._requests = Requests()
        self._gone = asyncio.Event()
        self._can_write = asyncio.Event()
        self._can_write.set()
        self._client: tuple[str, int] | None = None

    # --- what asyncio calls -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody has connected."""
        self._transport = cast(asyncio.Transport, transport)
        self._client = (self._transport.get_extra_info("peername") or ("", 0))[:2]
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        """A part of a request, or of several."""
        self._requests.feed(data)
        if self.task is None:
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side has gone: what runs is told, and is not broken off, as AWS does not break it off."""
        self._connections.discard(self)
        self._gone.set()
        self._can_write.set()

    def pause_writing(self) -> None:
        """The other side reads more slowly than is written."""
        self._can_write.clear()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._can_write.set()

    # --- one request ------------------------------------------------------------------------------------------

    def close(self) -> None:
        """End the connection once what was written is sent."""
        self._transport.close()

    def _next(self) -> None:
        """Begin with the next request if all of it is there."""
        try:
            request = self._requests.next()
        except BadRequest as error:
            log.warning("not a request: %s", error)
            self._transport.write(_head(HTTPStatus.BAD_REQUEST, [(b"content-length", b"0"), _CLOSE]))
            self.close()
            return
        if request is not None:
            self.task = asyncio.get_running_loop().create_task(self._answer(request))
        elif self._requests.wants_continue():
            self._transport.write(_CONTINUE)

    async def _answer(self, request: Request) -> None:
        exchange = _Exchange(request, self._transport, self._gone, self._can_write)
        try:
            await self._application(_scope(request, self._client), exchange.receive, exchange.send)
        except ConnectionError as error:
            log.warning("%s %s: %s", request.method, request.target.decode("latin-1"), error)
        except Exception:
            # The outermost loop of a request: the connection may be in the middle of an answer, the server goes on.
            log.exception("%s %s", request.method, request.target.decode("latin-1"))
        exchange.end()
        self.task = None
        if not self._transport.is_closing():
            self._next()


class _Exchange:
    """A request and its answer, as the application sees them."""

    def __init__(
        self, request: Request, transport: asyncio.Transport, gone: asyncio.Event, can_write: asyncio.Event
    ) -> None:
        self._request = request
        self._transport = transport
        self._gone = gone
        self._can_write = can_write
        self._is_read = self._is_begun = self._is_whole = self._is_chunked = False
        self._start: Message = {}

    async def receive(self) -> Message:
        """The whole request at once; after it, that the caller has gone, when it has."""
        if not self._is_read:
            self._is_read = True
            return {"type": "http.request", "body": self._request.body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """The head waits for the first part of the body, so that a small answer is one write."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        body, is_last = bytes(message.get("body", b"")), not message.get("more_body", False)
        head = b"" if self._is_begun else self._begin(len(body) if is_last else None)
        self._is_whole = is_last
        if not self._transport.is_closing():
            self._transport.write(head + self._part(body, is_last))
        if not is_last:
            await self._can_write.wait()

    def end(self) -> None:
        """The application has returned: a broken answer ends the connection, and so does a caller who wishes it."""
        if not self._is_begun and not self._transport.is_closing():
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            self._transport.write(_head(status, [(b"content-length", b"0"), _CLOSE]))
        if not self._is_whole or not self._request.is_kept_alive:
            self._transport.close()

    def _begin(self, length: int | None) -> bytes:
        """The head of the answer; `length` is that of its body, where the first part is all of it."""
        self._is_begun = True
        status, headers = self._start["status"], list(self._start.get("headers", ()))
        names = {name.lower() for name, _ in headers}
        if self._has_body() and not names & {b"content-length", b"transfer-encoding"}:
            self._is_chunked = length is None
            headers.append(
                (b"transfer-encoding", b"chunked")
                if length is None
                else (b"content-length", str(length).encode())
            )
        if not self._request.is_kept_alive:
            headers.append(_CLOSE)
        return _head(status, headers)

    def _part(self, body: bytes, is_last: bool) -> bytes:
        if not self._has_body():
            return b""
        if not self._is_chunked:
            return body
        chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
        return chunk + b"0\r\n\r\n" if is_last else chunk

    def _has_body(self) -> bool:
        return self._request.method != "HEAD" and self._start["status"] not in _NO_BODY


_CLOSE = (b"connection", b"close")


def _head(status: int, headers: list[tuple[bytes, bytes]]) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    lines = [f"HTTP/1.1 {status} {phrase}".encode()]
    lines += [name + b": " + value for name, value in headers]
    return b"\r\n".join([*lines, b"", b""])


def _scope(request: Request, client: tuple[str, int] | None) -> Scope:
    path, _, query = request.target.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.1"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": unquote(path.decode("ascii")),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": request.headers,
        "client": client,
        "server": None,
        "extensions": {},
    }


class Lifespan:
    """The application's start and end."""

    def __init__(self, application: Application) -> None:
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._said: asyncio.Queue[Message] = asyncio.Queue()
        self._task = asyncio.ensure_future(
            application({"type": "lifespan", "asgi": {}}, self._inbox.get, self._said.put)
        )

    async def start(self) -> None:
        """Raises RuntimeError when the application says that it cannot, and whatever it dies of."""
        await self._ask("lifespan.startup")

    async def stop(self) -> None:
        """Returns when the application has said goodbye."""
        await self._ask("lifespan.shutdown")
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _ask(self, what: str) -> None:
        await self._inbox.put({"type": what})
        answer = asyncio.ensure_future(self._said.get())
        await asyncio.wait({answer, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            answer.cancel()
            await self._task
            raise RuntimeError(f"the application ended at {what}")
        if (said := answer.result())["type"] != f"{what}.complete":
            raise RuntimeError(f"{said['type']}: {said.get('message', '')}")
