"""The ports to queues, topic and shopper: what is sent, and where to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class JobMessage:
    """The envelope of every queue message: which job, for which order, with what, and where it came from.

    `id` is unique per logical message and is the key of the worker's inbox: the same id is never applied twice.
    """

    id: str
    job: str
    payload: Mapping[str, Any]
    order_id: str = ""
    correlation_id: str = ""
    traceparent: str = ""
    enqueued_at: datetime | None = None
    schema_version: int = 1


class OrderQueue(Protocol):
    """The sending side of the queues."""

    def send(
        self, body: str, *, queue: str = "orders", delay_seconds: int = 0, attributes: Mapping[str, str] = ...
    ) -> str:
        """Send one encoded message and return the queue's message id. Raises Unavailable or OutcomeUnknown."""
        ...

    def send_many(self, bodies: Sequence[str], *, queue: str = "orders") -> None:
        """Send any number of encoded messages in batches; raises Unavailable if any was not taken."""
        ...


class EventTopic(Protocol):
    """The topic order-events."""

    def publish(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Publish encoded events (see messages.encode_event) in batches, with their filter attributes."""
        ...


@dataclass(frozen=True, slots=True)
class EmailMessage:
    """A rendered e-mail. `tags` become message tags and X- headers; `unsubscribe_url` the List-Unsubscribe header."""

    to: str
    subject: str
    text: str
    html: str
    headers: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


class Notifier(Protocol):
    """Tells the shopper."""

    def send_email(self, message: EmailMessage) -> str:
        """Send and return the provider's id. Raises Unavailable when it certainly was not sent, OutcomeUnknown otherwise."""
        ...

    def send_sms(self, phone: str, text: str, tags: Mapping[str, str]) -> str:
        """Send a text message to an E.164 number and return the provider's id; raises as `send_email` does.

        `tags` travel beside the text, as an e-mail's do: they tie the message to its order and its cause.
        """
        ...
