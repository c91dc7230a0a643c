"""Expiring an order whose reservation ended before it was on record: it is kept, its money goes back."""

from __future__ import annotations

from orders.domain.events import EventType
from orders.domain.ids import OrderId
from orders.domain.order import TRANSITIONS
from orders.services.cancel_order import end_early
from orders.services.changes import new_order, open_order, write, write_new
from orders.services.desk import OrderDesk
from orders.services.record_order import AcceptedOrder, to_record

JOB = "expire_order"
_REASON = "its reservation ended before the order was confirmed"


def expire_order(desk: OrderDesk, accepted: AcceptedOrder) -> None:
    """Expire an order, also one that the book never saw: an accepted order is always on record (promise I2).

    An order that was closed or shipped meanwhile stays as it is. Once per message. Raises InvalidRequest,
    Unavailable.
    """
    change = new_order(desk, to_record(accepted))
    with desk.book.transaction() as tx:
        end_early(tx, change, EventType.ORDER_EXPIRED, _REASON)
        # The order comes before its inbox row here: a message whose order is on record falls through to the
        # second transaction, which then decides by the order's state.
        if write_new(tx, [change]):
            tx.accept_messages([accepted.message_id], JOB)
            tx.save_counts(change.order_id, change.counts)
            return
    expire_recorded(desk, accepted.request.order_id, accepted.message_id)


def expire_recorded(desk: OrderDesk, order_id: OrderId, message_id: str) -> None:
    """Expire an order of the book whose stock was given back. Raises NotFound, Unavailable."""
    with desk.book.transaction() as tx:
        change = open_order(tx, desk, order_id)
        if not tx.accept_messages([message_id], JOB):
            return
        if TRANSITIONS[EventType.ORDER_EXPIRED].allows(change.record.state):
            end_early(tx, change, EventType.ORDER_EXPIRED, _REASON)
            write(tx, change)
