"""capture_payment and settle_payment: the money follows the book."""

from __future__ import annotations

from orders.domain.errors import NotFound
from orders.domain.ids import OrderId
from orders.ports import JobMessage, PaymentProvider
from orders.services.capture_payment import capture_payment as capture
from orders.services.settle_payment import settle_payment as settle
from worker.context import JobContext
from worker.registry import job
from worker.retry import NotYet, Retry

PATIENT = Retry(max_attempts=5, first_seconds=5, factor=4)
"""A provider that is away for a minute is usual; five tries reach over about ten."""


@job("orders", timeout=30, retry=PATIENT)
def capture_payment(context: JobContext, message: JobMessage) -> None:
    """Take the money of a confirmed order."""
    try:
        capture(context.desk, context.provider, OrderId(message.order_id), attempt_id=message.id)
    except NotFound as error:
        raise NotYet(str(error)) from error


@job("orders", timeout=30, retry=PATIENT)
def settle_payment(context: JobContext, message: JobMessage) -> None:
    """Give back money that is not owed: void before the capture, refund after it."""
    order_id = OrderId(message.order_id)
    settle(context.desk, _provider(context, order_id), order_id, attempt_id=message.id)


def _provider(context: JobContext, order_id: OrderId) -> PaymentProvider:
    with context.desk.book.transaction() as tx:
        record = tx.get_order(order_id)
    if record is None:
        raise NotYet(f"order {order_id} is not in the book yet")
    return context.provider(record.request.payment.provider)
