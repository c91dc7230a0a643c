"""Faults of AWS itself, on demand: calls that fail before or after they were done, and messages that misbehave.

A chaos run names a file (CARTWRIGHT_AWS_FAULTS) and writes into it what shall go wrong from now on; without the variable
this layer does not exist. The faults lie in the server and not in the clients, so that every caller meets them (web,
worker and Lambdas alike) and no program that is deployed carries a switch for them.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from local.asgi import Application, Message, Receive, Scope, Send

LONGEST_MESSAGE_DELAY_SECONDS = 8
"""SQS promises neither order nor promptness; this is late enough to overtake and be overtaken."""


@dataclass(frozen=True, slots=True)
class Faults:
    """The share of calls (0 to 1) that each fault hits."""

    refused: float = 0.0
    """Answered 503 and not done."""
    failed_before: float = 0.0
    """Answered 500 and not done: the caller cannot know that."""
    failed_after: float = 0.0
    """Done, and answered 500."""
    reply_lost: float = 0.0
    """Done, and the connection ends within the answer."""
    throttled: float = 0.0
    """Answered as AWS throttles, and not done."""
    duplicated: float = 0.0
    """Messages (SQS) and notifications (SNS) that are taken twice."""
    delayed: float = 0.0
    """Messages that arrive up to LONGEST_MESSAGE_DELAY_SECONDS late, and so in another order."""
    undeleted: float = 0.0
    """Messages whose deletion is confirmed and forgotten: they come again after their visibility timeout."""

    @classmethod
    def from_json(cls, text: str) -> Faults:
        """Raises ValueError for an unknown name or a share that is none."""
        data = json.loads(text or "{}")
        unknown = data.keys() - {spec.name for spec in fields(cls)}
        if unknown or not all(isinstance(share, int | float) and 0 <= share <= 1 for share in data.values()):
            raise ValueError(f"not faults: {text[:200]}")
        return cls(**data)


class FaultyAws:
    """An ASGI application in front of the local AWS that breaks what the file names."""

    def __init__(self, application: Application, file: Path, seed: int = 0) -> None:
        self._application = application
        self._file = file
        self._random = random.Random(seed)  # noqa: S311 (chance, not a secret)
        self._read_at = -1
        self._faults = Faults()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        faults = self._now()
        if scope["type"] != "http" or faults == Faults():
            await self._application(scope, receive, send)
            return
        body = await _body(receive)
        action = _action(scope, body)
        if not action:
            await self._forward(scope, body, send)
        elif action in _MESSAGES or action in _DELETES:
            await self._message(scope, action, body, send, faults)
        else:
            await self._call(scope, body, send, faults)

    def _now(self) -> Faults:
        try:
            changed = self._file.stat().st_mtime_ns
        except FileNotFoundError:
            return Faults()
        if changed != self._read_at:
            self._faults, self._read_at = Faults.from_json(self._file.read_text("utf-8")), changed
        return self._faults

    def _hits(self, share: float) -> bool:
        return share > 0 and self._random.random() < share

    async def _call(self, scope: Scope, body: bytes, send: Send, faults: Faults) -> None:
        if self._hits(faults.refused):
            await _answer(send, 503, "ServiceUnavailable")
        elif self._hits(faults.failed_before):
            await _answer(send, 500, "InternalServerError")
        elif self._hits(faults.throttled):
            await _answer(send, 400, "ThrottlingException")
        elif self._hits(faults.failed_after):
            await self._forward(scope, body, _nowhere)
            await _answer(send, 500, "InternalServerError")
        elif self._hits(faults.reply_lost):
            await self._forward(scope, body, _nowhere)
            await _break_off(send)
        else:
            await self._forward(scope, body, send)

    async def _message(self, scope: Scope, action: str, body: bytes, send: Send, faults: Faults) -> None:
        if action in _DELETES and self._hits(faults.undeleted):
            await _answer_deleted(send, body)
            return
        if action in _MESSAGES and self._hits(faults.duplicated):
            await self._forward(scope, self._late(action, body), _nowhere)
        if action in _MESSAGES and self._hits(faults.delayed):
            body = self._late(action, body)
        await self._call(scope, body, send, faults)

    def _late(self, action: str, body: bytes) -> bytes:
        """The same messages, each with a delay of its own; a notification (SNS) has none."""
        if action == "Publish":
            return body
        data = json.loads(body)
        for entry in data.get("Entries", [data]):
            entry["DelaySeconds"] = self._random.randint(0, LONGEST_MESSAGE_DELAY_SECONDS)
        return json.dumps(data).encode()

    async def _forward(self, scope: Scope, body: bytes, send: Send) -> None:
        headers = [(name, value) for name, value in scope["headers"] if name.lower() != b"content-length"]
        passed_on = {**scope, "headers": [*headers, (b"content-length", str(len(body)).encode())]}
        given = False

        async def receive() -> Message:
            nonlocal given
            if given:
                return {"type": "http.disconnect"}
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._application(passed_on, receive, send)


_MESSAGES = frozenset({"SendMessage", "SendMessageBatch", "Publish"})
_DELETES = frozenset({"DeleteMessage", "DeleteMessageBatch"})
_SERVICES = ("DynamoDB_", "AmazonSQS.")
_READS_QUEUE = "GetQueueAttributes"


def _action(scope: Scope, body: bytes) -> str:
    """The action of a call that the programs make while they serve; empty for all else (deployment, gateway, Lambda)."""
    headers: Mapping[bytes, bytes] = dict(scope["headers"])
    target = headers.get(b"x-amz-target", b"").decode("latin-1")
    if target.startswith(_SERVICES):
        action = target.partition(".")[2]
        return "" if action == _READS_QUEUE else action
    if body.startswith(b"Action=Publish&") or b"&Action=Publish&" in body:
        return "Publish"
    return ""


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _answer(send: Send, status: int, code: str) -> None:
    await _reply(send, status, {"__type": code, "message": "a planted fault"})


async def _answer_deleted(send: Send, body: bytes) -> None:
    entries = json.loads(body).get("Entries", [])
    await _reply(send, 200, {"Successful": [{"Id": entry["Id"]} for entry in entries], "Failed": []})


async def _reply(send: Send, status: int, content: Mapping[str, Any]) -> None:
    text = json.dumps(content).encode()
    headers = [
        (b"content-type", b"application/x-amz-json-1.0"),
        (b"content-length", str(len(text)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text, "more_body": False})


class ReplyLost(ConnectionError):
    """Raised inside the server so that it closes the connection in the middle of an answer."""


async def _break_off(send: Send) -> None:
    headers = [(b"content-type", b"application/x-amz-json-1.0"), (b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})
    raise ReplyLost("a planted fault")


async def _nowhere(_message: Message) -> None:
    return
