"""cancel_order: somebody wants an order cancelled; the book decides."""

from __future__ import annotations

from orders.domain.errors import NotFound, TransitionRefused
from orders.domain.events import Actor
from orders.domain.ids import OrderId
from orders.ports import JobMessage
from orders.services.cancel_order import cancel_order as cancel
from orders.services.cancel_order import refuse_cancellation
from worker.context import JobContext
from worker.registry import job
from worker.retry import NotYet, Retry


@job("high", timeout=20, retry=Retry(max_attempts=5, first_seconds=2, factor=3))
def cancel_order(context: JobContext, message: JobMessage) -> None:
    """Cancel an order, or note on its timeline why it was too late."""
    order_id = OrderId(message.order_id)
    kind, _, who = str(message.payload.get("actor", "shopper:")).partition(":")
    actor = Actor(kind, who)
    reason = str(message.payload.get("reason", ""))
    try:
        cancel(context.desk, order_id, command_id=message.id, actor=actor, reason=reason)
    except TransitionRefused as error:
        refuse_cancellation(context.desk, order_id, command_id=message.id, actor=actor, why=str(error))
    except NotFound as error:
        # The cancellation overtook the order, which is still on its way to the book.
        raise NotYet(str(error)) from error
