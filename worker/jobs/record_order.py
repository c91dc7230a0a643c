"""Order path 7/9: record_order - accepted orders go into the book, a batch of messages in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from orders.domain.errors import Poison
from orders.messages import decode_order_request
from orders.ports import JobMessage
from orders.services.record_order import AcceptedOrder, record_orders
from worker.context import JobContext
from worker.registry import job


@job("orders", batch=100, timeout=20)
def record_order(context: JobContext, messages: Sequence[JobMessage]) -> None:
    """Record accepted orders in the book."""
    record_orders(context.desk, [accepted_order(message) for message in messages])


def accepted_order(message: JobMessage) -> AcceptedOrder:
    """The order in a message of the order API. Raises InvalidRequest or Poison."""
    if "order" not in message.payload:
        raise Poison("the message carries no order")
    return AcceptedOrder(
        message_id=message.id,
        request=decode_order_request(message.payload["order"]),
        accepted_at=_accepted_at(message),
        correlation_id=message.correlation_id,
    )


def _accepted_at(message: JobMessage) -> datetime:
    given = message.payload.get("accepted_at")
    try:
        at = datetime.fromisoformat(str(given)) if given else message.enqueued_at
    except ValueError as error:
        raise Poison(f"accepted_at is not a time: {given!r}") from error
    if at is None or at.tzinfo is None:
        raise Poison("accepted_at is missing or has no time zone")
    return at.astimezone(UTC)
