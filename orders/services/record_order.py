"""Recording accepted orders in the book: a batch of them in one transaction, each once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from orders.domain.events import EventType
from orders.domain.ids import OrderId
from orders.domain.order import INITIAL
from orders.domain.request import OrderRequest, check
from orders.ports import Effect, OrderRecord
from orders.services.changes import OrderChange, new_order, write_new
from orders.services.desk import OrderDesk

JOB = "record_order"


@dataclass(frozen=True, slots=True)
class AcceptedOrder:
    """An order that the order API accepted; `message_id` is the key of the inbox."""

    message_id: str
    request: OrderRequest
    accepted_at: datetime
    correlation_id: str = ""


def record_orders(desk: OrderDesk, accepted: Sequence[AcceptedOrder]) -> list[OrderId]:
    """Record accepted orders, confirmed at once where no rule holds them; returns the ids that are new to the book.

    One transaction holds inbox, orders, lines, timeline, ledger and outbox: all of it or nothing, and a repeat finds
    the inbox row. Raises InvalidRequest for an order whose sums are wrong, Unavailable when the book is away.
    """
    with desk.book.transaction() as tx:
        fresh = tx.accept_messages([order.message_id for order in accepted], JOB)
        todo = {order.request.order_id: order for order in accepted if order.message_id in fresh}
        if not todo:
            return []
        wants = tx.preferences([order.request.contact.email for order in todo.values()])
        changes = [
            begin(desk, order, wants.get(order.request.contact.email.lower())) for order in todo.values()
        ]
        return [change.order_id for change in write_new(tx, changes)]


def begin(desk: OrderDesk, accepted: AcceptedOrder, notify: Mapping[str, bool] | None = None) -> OrderChange:
    """A new order with everything that follows from its placing; `notify` is what the shopper chose by channel."""
    record = replace(to_record(accepted), notify=notify or {})
    change = new_order(desk, record)
    change.promise(Effect.CONFIRM_STOCK, "confirm-stock", {})
    reasons = desk.holds.reasons(record)
    if reasons:
        change.apply(
            EventType.ORDER_HELD, ", ".join(reasons), {"reasons": list(reasons)}, hold_reason=reasons[0]
        )
    else:
        confirm(desk, change)
    return change


def confirm(desk: OrderDesk, change: OrderChange) -> None:
    """Let an order go ahead, and take the money where the rule says so."""
    change.apply(EventType.ORDER_CONFIRMED)
    if desk.settings.capture_rule == "confirm":
        change.promise_job("capture_payment", "1")


def to_record(accepted: AcceptedOrder) -> OrderRecord:
    """The record of an order as it was accepted, priced anew by the one rule."""
    return OrderRecord(
        request=accepted.request,
        state=INITIAL,
        priced=check(accepted.request),
        placed_at=accepted.accepted_at,
        correlation_id=accepted.correlation_id,
    )
