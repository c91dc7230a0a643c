"""Holding an order back and letting it go on."""

from __future__ import annotations

from orders.domain.events import Actor, EventType
from orders.domain.ids import OrderId
from orders.domain.order import OrderStatus, PaymentStatus
from orders.ports import OrderRecord
from orders.services.changes import open_order, write
from orders.services.desk import OrderDesk
from orders.services.record_order import confirm


def hold_order(
    desk: OrderDesk,
    order_id: OrderId,
    *,
    command_id: str,
    actor: Actor,
    hold_reason: str,
    reason: str = "",
    expected_version: int | None = None,
) -> OrderRecord:
    """Stop an order where it is, once per `command_id`; `hold_reason` is the kind (fraud, address, stock, manual)."""
    with desk.book.transaction() as tx:
        change = open_order(tx, desk, order_id, actor)
        if tx.accept_messages([command_id], "hold_order"):
            change.expect(expected_version)
            change.apply(EventType.ORDER_HELD, reason, {"hold_reason": hold_reason}, hold_reason=hold_reason)
            write(tx, change)
        return change.record


def release_order(
    desk: OrderDesk,
    order_id: OrderId,
    *,
    command_id: str,
    actor: Actor,
    reason: str = "",
    expected_version: int | None = None,
) -> OrderRecord:
    """Let a held order go on, once per `command_id`: confirmed if it was not yet, its payment tried again if it failed."""
    with desk.book.transaction() as tx:
        change = open_order(tx, desk, order_id, actor)
        if tx.accept_messages([command_id], "release_order"):
            change.expect(expected_version)
            change.apply(EventType.ORDER_RELEASED, reason, hold_reason="")
            if change.record.state.payment is PaymentStatus.FAILED:
                change.promise_job("capture_payment", f"v{change.record.state.version}")
            elif change.record.state.order is OrderStatus.PLACED:
                confirm(desk, change)
            write(tx, change)
        return change.record
