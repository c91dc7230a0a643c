"""expire_order: the reservation of an order ended before the order was confirmed."""

from __future__ import annotations

from orders.domain.errors import NotFound
from orders.domain.ids import OrderId
from orders.ports import JobMessage
from orders.services.expire_order import expire_order as expire
from orders.services.expire_order import expire_recorded
from worker.context import JobContext
from worker.jobs.record_order import accepted_order
from worker.registry import job
from worker.retry import NotYet


@job("orders", timeout=20)
def expire_order(context: JobContext, message: JobMessage) -> None:
    """Expire an order and let its money go; one that the book never saw is put on record first."""
    if "order" in message.payload:
        expire(context.desk, accepted_order(message))
        return
    try:
        expire_recorded(context.desk, OrderId(message.order_id), message.id)
    except NotFound as error:
        raise NotYet(str(error)) from error
