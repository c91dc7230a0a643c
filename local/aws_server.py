"""The process of the local AWS: ministack's own server with a thin layer in front.

The layer adds two things that ministack does not have: it notes the headers of accepted e-mails (its capture
page drops them, and the correlation id is one of them), and it removes the marker of an unclean stop once the
state is saved. It changes no request and no answer. Run as `python -m local.aws_server` by local/aws.py.
"""

from __future__ import annotations

import json
import os
from base64 import b64decode
from collections.abc import Awaitable, Callable, MutableMapping
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

SEND_EMAIL_PATH = "/v2/email/outbound-emails"
HEADERS_FILE = "headers.jsonl"


class FrontDoor:
    """An ASGI application in front of another one."""

    def __init__(self, application: Application, mail: Path, unclean_marker: Path) -> None:
        self._application = application
        self._mail = mail
        self._unclean_marker = unclean_marker

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, self._noting_the_end(send))
        elif scope["type"] == "http" and scope["path"] == SEND_EMAIL_PATH and scope["method"] == "POST":
            await self._note_email(scope, receive, send)
        else:
            await self._application(scope, receive, send)

    def _noting_the_end(self, send: Send) -> Send:
        async def noting(message: Message) -> None:
            # ministack has saved its state when it reports this.
            if message["type"] == "lifespan.shutdown.complete":
                self._unclean_marker.unlink(missing_ok=True)
            await send(message)

        return noting

    async def _note_email(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked, answered = bytearray(), bytearray()
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
            await send(message)

        await self._application(scope, receiving, sending)
        if status == 200:
            note_headers(self._mail / HEADERS_FILE, bytes(asked), bytes(answered))


def note_headers(file: Path, request: bytes, answer: bytes) -> None:
    """Append one line with the message's id, headers and tags; nothing for a body that is not what SES v2 takes."""
    try:
        asked, answered = json.loads(request), json.loads(answer)
        content = asked.get("Content", {})
        note = {
            "id": answered["MessageId"],
            "headers": _simple_headers(content.get("Simple", {})) | _raw_headers(content.get("Raw", {})),
            "tags": {tag["Name"]: tag["Value"] for tag in asked.get("EmailTags", [])},
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return
    with file.open("a", encoding="utf-8") as out:
        out.write(json.dumps(note) + "\n")


def _simple_headers(simple: dict[str, Any]) -> dict[str, str]:
    return {header["Name"]: header["Value"] for header in simple.get("Headers", [])}


def _raw_headers(raw: dict[str, Any]) -> dict[str, str]:
    if not raw.get("Data"):
        return {}
    message = message_from_bytes(b64decode(raw["Data"]), policy=policy.default)
    return {name: str(value) for name, value in message.items()}


def main() -> None:
    """Serve until SIGTERM, with the settings that ministack reads from its environment."""
    import ministack.app as ministack

    folder = Path(os.environ.pop("CARTWRIGHT_AWS_FOLDER"))
    mail = Path(os.environ.pop("CARTWRIGHT_MAIL_FOLDER"))
    ministack.app = FrontDoor(ministack.app, mail, folder / "unclean")
    ministack.main()


if __name__ == "__main__":
    main()
