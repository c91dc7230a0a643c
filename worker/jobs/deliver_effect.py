"""deliver_effect: an effect that the outbox gave up, delivered by a person's replay from the quarantine."""

from __future__ import annotations

from datetime import datetime

from orders.domain.errors import Poison
from orders.domain.ids import OrderId
from orders.ports import Effect, JobMessage, OutboxRow
from worker.context import JobContext
from worker.registry import job

JOB = "deliver_effect"
QUEUE = "orders"


@job(QUEUE, timeout=20)
def deliver_effect(context: JobContext, message: JobMessage) -> None:
    """Deliver one effect; every effect may be repeated without harm."""
    payload = message.payload
    try:
        row = OutboxRow(
            str(payload["key"]),
            Effect(payload["effect"]),
            OrderId(message.order_id),
            payload["payload"],
            message.correlation_id,
        )
    except (KeyError, ValueError) as error:
        raise Poison(f"the message describes no effect: {error}") from error
    context.effects.apply(row)


def message_for(seq: int, row: OutboxRow, now: datetime) -> JobMessage:
    """The message that stands for a row of the outbox."""
    return JobMessage(
        id=f"{JOB}:{seq}",
        job=JOB,
        payload={"key": row.key, "effect": str(row.effect), "payload": dict(row.payload)},
        order_id=row.order_id,
        correlation_id=row.correlation_id,
        enqueued_at=now,
    )
