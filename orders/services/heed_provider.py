"""What the payment provider tells about an order by itself: a dispute stops the order, a lost refund asks for a person."""

from __future__ import annotations

from orders.domain.events import Actor, EventType
from orders.domain.ids import OrderId
from orders.domain.order import TRANSITIONS
from orders.ports import OrderRecord
from orders.services.changes import open_order, write
from orders.services.desk import OrderDesk

JOB = "heed_provider"


def heed_dispute(desk: OrderDesk, order_id: OrderId, *, event_id: str, provider: str) -> OrderRecord:
    """Note that the cardholder disputes the payment, and hold the order if it is still in the house; once per `event_id`.

    Raises NotFound, Unavailable.
    """
    return _heed(desk, order_id, event_id, provider, "the cardholder disputes the payment", holds=True)


def heed_failed_refund(desk: OrderDesk, order_id: OrderId, *, event_id: str, provider: str) -> OrderRecord:
    """Note that money which was paid back did not arrive, once per `event_id`. Raises NotFound, Unavailable."""
    text = "a refund did not arrive: the card's bank sent it back; pay it in another way"
    return _heed(desk, order_id, event_id, provider, text, holds=False)


def _heed(
    desk: OrderDesk, order_id: OrderId, event_id: str, provider: str, text: str, *, holds: bool
) -> OrderRecord:
    with desk.book.transaction() as tx:
        change = open_order(tx, desk, order_id, Actor("provider", provider))
        if not tx.accept_messages([f"{provider}:{event_id}"], JOB):
            return change.record
        if holds and TRANSITIONS[EventType.ORDER_HELD].allows(change.record.state):
            change.apply(EventType.ORDER_HELD, text, {"hold_reason": "payment"}, hold_reason="payment")
        else:
            change.apply(EventType.NOTE_ADDED, text, {"provider_event": event_id})
        return write(tx, change)
