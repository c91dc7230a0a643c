"""What the worker needs of a queue: sqs.SqsQueue has it, and so has its in-memory twin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from orders.adapters.sqs import QueueDepth, ReceivedMessage


class Source(Protocol):
    """One queue."""

    def receive(
        self, max_messages: int = 10, wait_seconds: int = 0, visibility_seconds: int | None = None
    ) -> list[ReceivedMessage]:
        """Take up to ten messages."""
        ...

    def delete_many(self, handles: Sequence[str]) -> list[str]:
        """Delete deliveries; returns the refused handles."""
        ...

    def change_visibility_many(self, handles: Sequence[str], seconds: int) -> list[str]:
        """Hide deliveries for `seconds` from now; returns the refused handles."""
        ...

    def send(self, body: str, *, delay_seconds: int = 0, attributes: Mapping[str, str] = ...) -> str:
        """Send one message."""
        ...

    def send_many(self, bodies: Sequence[str]) -> None:
        """Send several."""
        ...

    def depth(self) -> QueueDepth:
        """How full it is."""
        ...
