"""Recording accepted orders in the book: a batch of them in one transaction, each once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from orders.domain.events import EventType
from orders.domain.ids import OrderId
from orders.domain.order import INITIAL
from orders.domain.request import OrderRequest, check
from orders.domain.risk import RiskHit, hold_until
from orders.ports import Effect, OrderRecord
from orders.services.assess_risk import assess
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
        records = [
            replace(to_record(order), notify=wants.get(order.request.contact.email.lower(), {}))
            for order in todo.values()
        ]
        hits = assess(tx, records)
        new = write_new(tx, [begin(desk, record, hits.get(record.order_id, ())) for record in records])
        tx.add_risk_hits({change.order_id: found for change in new if (found := hits.get(change.order_id))})
        return [change.order_id for change in new]


def begin(desk: OrderDesk, record: OrderRecord, hits: Sequence[RiskHit] = ()) -> OrderChange:
    """A new order with everything that follows from its placing; held when one of the risk rules says so."""
    change = new_order(desk, record)
    change.promise(Effect.CONFIRM_STOCK, "confirm-stock", {})
    holding = [hit for hit in hits if hit.holds]
    if not holding:
        confirm(desk, change)
        return change
    until = hold_until(holding)
    facts = {"rules": [hit.rule for hit in holding], "until": until.isoformat() if until else None}
    why = "; ".join(f"{hit.rule}: {hit.why}" for hit in holding)
    change.apply(EventType.ORDER_HELD, why, facts, hold_reason=holding[0].hold_kind, hold_until=until)
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
