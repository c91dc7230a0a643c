"""What the in-box knows: the messages that the local AWS accepted, newest first, kept in a file between runs."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

KEPT = 2_000
"""So many messages are held in memory and survive a restart; older ones are forgotten."""


@dataclass(frozen=True)
class Mail:
    """One e-mail or text message."""

    id: str
    channel: str
    """`email` or `sms`."""
    at: datetime
    sender: str
    to: tuple[str, ...]
    subject: str
    text: str
    html: str
    headers: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def correlation_id(self) -> str:
        """Ties the message to the browser's request that caused it; empty when the message carries none."""
        lowered = {
            name.lower().replace("_", "-"): value for name, value in (self.tags | self.headers).items()
        }
        return lowered.get("x-correlation-id", "") or lowered.get("correlation-id", "")

    def concerns(self, order_id: str) -> bool:
        """Whether the order is named in a header, a tag or the text."""
        named = (*self.headers.values(), *self.tags.values())
        return order_id in named or order_id in self.text or order_id in self.html

    def is_to(self, recipient: str) -> bool:
        """Whether the recipient, or a part of its address, is among those it went to."""
        return any(recipient.lower() in address.lower() for address in self.to)

    def as_json(self) -> dict[str, Any]:
        """For /messages.json."""
        return {
            "id": self.id,
            "channel": self.channel,
            "at": self.at.isoformat(),
            "from": self.sender,
            "to": list(self.to),
            "subject": self.subject,
            "text": self.text,
            "html": self.html,
            "headers": self.headers,
            "tags": self.tags,
            "correlation_id": self.correlation_id,
        }


class Mailbox:
    """Reads the file of messages as it grows. Safe to use from several threads."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._mails: deque[Mail] = deque(maxlen=KEPT)
        self._position = 0
        self._forget_the_oldest()

    def mails(
        self, *, to: str = "", order_id: str = "", correlation_id: str = "", channel: str = ""
    ) -> list[Mail]:
        """The messages that fit all given filters, newest first."""
        with self._lock:
            self._read_on()
            return [
                mail
                for mail in reversed(self._mails)
                if (not to or mail.is_to(to))
                and (not order_id or mail.concerns(order_id))
                and (not correlation_id or mail.correlation_id == correlation_id)
                and (not channel or mail.channel == channel)
            ]

    def find(self, mail_id: str) -> Mail | None:
        """One message, or None when it is unknown or forgotten."""
        return next((mail for mail in self.mails() if mail.id == mail_id), None)

    def recipients(self) -> list[str]:
        """Everybody who ever got a message, the latest first."""
        return list(dict.fromkeys(address for mail in self.mails() for address in mail.to))

    def _read_on(self) -> None:
        try:
            with self._file.open("rb") as source:
                source.seek(self._position)
                for line in source:
                    if not line.endswith(b"\n"):
                        break  # Half a line: its writer is still at it.
                    self._position += len(line)
                    self._mails.extend(_parse(line))
        except FileNotFoundError:
            return

    def _forget_the_oldest(self) -> None:
        """Cut the file to what is kept, once per run and before anybody writes to it."""
        if not self._file.exists():
            return
        with self._file.open("rb") as source:
            lines = deque(source, maxlen=KEPT)
        if sum(map(len, lines)) < self._file.stat().st_size:
            fresh = self._file.with_suffix(".new")
            fresh.write_bytes(b"".join(lines))
            fresh.replace(self._file)


def _parse(line: bytes) -> Iterator[Mail]:
    try:
        stored = json.loads(line)
        yield Mail(
            id=stored["id"],
            channel=stored["channel"],
            at=datetime.fromisoformat(stored["at"]),
            sender=stored["from"],
            to=tuple(stored["to"]),
            subject=stored["subject"],
            text=stored["text"],
            html=stored["html"],
            headers=stored["headers"],
            tags=stored["tags"],
        )
    except (ValueError, KeyError, TypeError):
        return  # A line cut short by a killed writer is no message.
