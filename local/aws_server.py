"""The process of the local AWS: ministack's application behind uvicorn, with a thin layer between them.

The layer changes no request and no answer, unless a chaos run asks for faults (aws_faults.py); calls of DynamoDB and SQS
take a shorter way through ministack (aws_shortcut.py). It writes accepted e-mails and text messages down for the in-box (the
server's own capture page drops the headers, and the correlation id is one of them), and it marks the time between
a start and a clean stop. Run as `python -m local.aws_server` by local/aws.py.
"""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from pathlib import Path
from typing import Any, cast

import uvicorn

from local import postmark
from local.asgi import Application, Message, Receive, Scope, Send
from local.aws_faults import FaultyAws
from local.aws_shortcut import Shortcut

KEEP_ALIVE_SECONDS = 600
"""Longer than any client keeps a connection that it does not use: none meets one that is being closed."""
GRACE_SECONDS = 3
"""What runs when the server is told to stop may take so long to end."""
RECEIVE = b"AmazonSQS.ReceiveMessage"
NOTHING_CAME = b"{}"


class FrontDoor:
    """An ASGI application in front of another one."""

    def __init__(self, application: Application, mail: Path, unclean_marker: Path) -> None:
        self._application = application
        self._mail = mail
        self._unclean_marker = unclean_marker
        self._polls: set[asyncio.Task[Any]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, self._noting_the_end(send))
            return
        headers = dict(scope["headers"])
        if headers.get(b"x-amz-target") == RECEIVE:
            await self._long_poll(scope, receive, send)
        elif postmark.is_wanted(
            scope["method"], scope["path"], headers.get(b"content-type", b"").decode("latin-1")
        ):
            await self._noting_messages(scope, receive, send)
        else:
            await self._application(scope, receive, send)

    def end_polls(self) -> None:
        """Have everybody who waits for messages told now that none came: the server is about to stop.

        Those who wait have often gone long ago, and the server waits up to 20 seconds on their behalf.
        """
        for poll in self._polls:
            poll.cancel()

    async def _long_poll(self, scope: Scope, receive: Receive, send: Send) -> None:
        poll = cast("asyncio.Task[Any]", asyncio.current_task())  # The server makes every request a task.
        self._polls.add(poll)

        async def sending(message: Message) -> None:
            # From here on it has messages to hand over, and must not be ended.
            self._polls.discard(poll)
            await send(message)

        try:
            await self._application(scope, receive, sending)
        except asyncio.CancelledError:
            # It was waiting between two looks into the queue: no message had been taken out.
            if poll not in self._polls:
                raise
            await _answer_nothing_came(send)
        finally:
            self._polls.discard(poll)

    def _noting_the_end(self, send: Send) -> Send:
        async def noting(message: Message) -> None:
            # ministack has saved its state when it reports this.
            if message["type"] == "lifespan.shutdown.complete":
                self._unclean_marker.unlink(missing_ok=True)
            await send(message)

        return noting

    async def _noting_messages(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked, answered = bytearray(), bytearray()
        path: str = scope["path"]
        status = 0

        async def receiving() -> Message:
            message = await receive()
            asked.extend(message.get("body", b""))
            return message

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            answered.extend(message.get("body", b""))
            # Noted before the caller learns of it: who has seen the answer finds the message in the in-box.
            if message["type"] == "http.response.body" and not message.get("more_body") and status == 200:
                postmark.note(self._mail, path, bytes(asked), bytes(answered))
            await send(message)

        await self._application(scope, receiving, sending)


async def _answer_nothing_came(send: Send) -> None:
    headers = [
        (b"content-type", b"application/x-amz-json-1.0"),
        (b"content-length", str(len(NOTHING_CAME)).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": NOTHING_CAME, "more_body": False})


class PromptServer(uvicorn.Server):
    """Uvicorn, which waits for nobody's long poll when it is told to stop."""

    def __init__(self, configuration: uvicorn.Config, door: FrontDoor) -> None:
        super().__init__(configuration)
        self._door = door

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the long polls, then wait for the other requests and have the state saved."""
        self._door.end_polls()
        await super().shutdown(sockets)


def main() -> None:
    """Serve until SIGTERM, with the settings that ministack reads from its environment."""
    import ministack.app as ministack

    # Taken out of the environment, which every Lambda process inherits.
    mail, marker = (
        Path(os.environ.pop(name)) for name in ("CARTWRIGHT_MAIL_FOLDER", "CARTWRIGHT_UNCLEAN_MARKER")
    )
    faults = os.environ.pop("CARTWRIGHT_AWS_FAULTS", "")
    marker.touch()
    door = FrontDoor(Shortcut(ministack), mail, marker)
    application: Application = FaultyAws(door, Path(faults)) if faults else door
    _open_many_files()
    # An order makes some 25 small calls of AWS: the server that ministack brings takes longer over each than DynamoDB's own work.
    configuration = uvicorn.Config(
        application,
        host=os.environ["BIND_HOST"],
        port=int(os.environ["GATEWAY_PORT"]),
        # uvloop was tried: no difference that could be told from noise (0.26 ms of processor a call with either).
        loop="asyncio",
        http="httptools",
        ws="none",
        lifespan="on",
        # No proxy stands in front.
        proxy_headers=False,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = PromptServer(configuration, door)
    server.run()
    if not server.started:
        raise SystemExit("the local AWS did not start")


def _open_many_files() -> None:
    """Every connection is a file; the usual soft limit of 1,024 is less than the system gives."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    main()
