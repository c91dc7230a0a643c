"""The quarantine: messages that failed for good, looked at, replayed or dropped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from orders.adapters.rds.models import QuarantinedMessage
from orders.adapters.sqs import ReceivedMessage
from orders.domain.errors import NotFound, Refused
from orders.ports import OrderQueue

HIDE_SECONDS = 5
"""How long a dead letter is hidden while its quarantine id is looked at."""
MOST_LOOKS = 60
"""Receives of ten: a dead-letter queue with more than 600 messages is emptied by the redrive command."""


class DeadLetters(Protocol):
    """The receiving side of a dead-letter queue."""

    def receive(
        self, max_messages: int = 10, wait_seconds: int = 0, visibility_seconds: int | None = None
    ) -> list[ReceivedMessage]:
        """Take up to ten messages."""
        ...

    def delete_many(self, handles: Sequence[str]) -> list[str]:
        """Delete deliveries."""
        ...


def quarantined_messages(
    session: Session, *, is_open: bool = True, limit: int = 200
) -> Sequence[QuarantinedMessage]:
    """Messages that wait for a person (or those that do not any more), newest first."""
    condition = (
        QuarantinedMessage.resolved_at.is_(None) if is_open else QuarantinedMessage.resolved_at.is_not(None)
    )
    return session.scalars(
        select(QuarantinedMessage).where(condition).order_by(QuarantinedMessage.failed_at.desc()).limit(limit)
    ).all()


def lock_open(session: Session, message_id: str) -> QuarantinedMessage:
    """A message that waits, its row locked: two clerks replay it once. Raises NotFound, Refused when it was resolved."""
    found = session.scalar(
        select(QuarantinedMessage).where(QuarantinedMessage.id == message_id).with_for_update()
    )
    if found is None:
        raise NotFound(f"no message {message_id} in quarantine")
    if found.resolved_at is not None:
        raise Refused(f"the message was {found.resolution or 'resolved'} already")
    return found


def resolve(
    session: Session,
    message_id: str,
    resolution: str,
    now: datetime,
    queue: OrderQueue | None,
    dead: DeadLetters | None,
) -> QuarantinedMessage:
    """Replay a message (with `queue`) or drop it, take its copy out of the dead-letter queue, and note it.

    The body is sent before anything is deleted: a crash in between sends it twice, which the inbox makes once.
    The caller commits. Raises NotFound, Refused, Unavailable.
    """
    message = lock_open(session, message_id)
    if queue is not None:
        queue.send(message.body, queue=message.queue)
    if dead is not None:
        take_out(dead, message_id)
    message.resolved_at, message.resolution = now, resolution
    return message


def take_out(dead: DeadLetters, message_id: str) -> bool:
    """Delete the dead letter of a quarantined message. False when it was not found (expired, or redriven before)."""
    for _ in range(MOST_LOOKS):
        received = dead.receive(10, 0, HIDE_SECONDS)
        if not received:
            return False
        for letter in received:
            if letter.attributes.get("quarantine_id") == message_id:
                dead.delete_many([letter.handle])
                return True
    return False
