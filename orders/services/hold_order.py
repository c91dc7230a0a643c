"""Holding an order, or some of its lines, back; letting them go on, by hand or when the hold ends by itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from orders.domain.errors import InvalidRequest, Problem
from orders.domain.events import SYSTEM, Actor, EventType
from orders.domain.ids import OrderId, Sku
from orders.domain.order import OrderStatus, PaymentStatus
from orders.ports import LineHold, OrderRecord, OrderTransaction
from orders.services.changes import OrderChange, open_order, write
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
    until: datetime | None = None,
    expected_version: int | None = None,
) -> OrderRecord:
    """Stop an order where it is, once per `command_id`; `hold_reason` is the kind (fraud, address, stock, manual).

    With `until` it goes on by itself then. Raises InvalidRequest for an `until` that has passed, NotFound,
    TransitionRefused, VersionConflict, Unavailable.
    """
    with desk.book.transaction() as tx:
        change = open_order(tx, desk, order_id, actor)
        if tx.accept_messages([command_id], "hold_order"):
            change.expect(expected_version)
            _check_until(change, until)
            facts = {"hold_reason": hold_reason, "until": until.isoformat() if until else None}
            change.apply(EventType.ORDER_HELD, reason, facts, hold_reason=hold_reason, hold_until=until)
            write(tx, change)
        return change.record


def hold_lines(
    desk: OrderDesk,
    order_id: OrderId,
    skus: Sequence[Sku],
    *,
    command_id: str,
    actor: Actor,
    hold_reason: str,
    reason: str = "",
    until: datetime | None = None,
    expected_version: int | None = None,
) -> OrderRecord:
    """Keep some lines in the house while the rest of the order goes on, once per `command_id`.

    Raises InvalidRequest for a line that the order does not have, and as `hold_order`.
    """
    with desk.book.transaction() as tx:
        change = open_order(tx, desk, order_id, actor)
        if tx.accept_messages([command_id], "hold_lines"):
            change.expect(expected_version)
            _check_until(change, until)
            known = {line.sku for line in change.record.request.lines}
            if not skus or not set(skus) <= known:
                raise InvalidRequest([Problem("/lines", "choose lines of this order")])
            facts = {
                "hold_reason": hold_reason,
                "lines": list(skus),
                "until": until.isoformat() if until else None,
            }
            change.hold_lines(dict.fromkeys(skus, LineHold(hold_reason, until)))
            change.apply(EventType.LINES_HELD, reason, facts)
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
            _release(desk, change, reason)
            write(tx, change)
        return change.record


def release_lines(
    desk: OrderDesk,
    order_id: OrderId,
    skus: Sequence[Sku] = (),
    *,
    command_id: str,
    actor: Actor,
    reason: str = "",
    expected_version: int | None = None,
) -> OrderRecord:
    """Let held lines go, all of them when none is named, once per `command_id`. Raises InvalidRequest for one that is free."""
    with desk.book.transaction() as tx:
        change = open_order(tx, desk, order_id, actor)
        if tx.accept_messages([command_id], "release_lines"):
            change.expect(expected_version)
            _release_lines(change, list(skus) or list(change.record.held_lines), reason)
            write(tx, change)
        return change.record


def release_due(desk: OrderDesk, limit: int = 200) -> int:
    """Let go what was held until now. Returns how many orders went on; each in a transaction of its own.

    Any number of workers may do it at once: the order's row is locked and its hold read again.
    """
    with desk.book.transaction() as tx:
        due = tx.due_holds(desk.clock.now(), limit)
    return sum(_release_overdue(desk, order_id) for order_id in due)


def _release_overdue(desk: OrderDesk, order_id: OrderId) -> bool:
    with desk.book.transaction() as tx:
        change = open_order(tx, desk, order_id, SYSTEM)
        is_over, over = _overdue(tx, change)
        if is_over:
            _release(desk, change, "the hold ended by itself")
        if over:
            _release_lines(change, over, "the hold ended by itself")
        if not (is_over or over):
            return False
        write(tx, change)
        return True


def _overdue(tx: OrderTransaction, change: OrderChange) -> tuple[bool, list[Sku]]:
    record = change.record
    if record.state.is_final:
        return False, []
    is_over = record.state.is_held and record.hold_until is not None and record.hold_until <= change.at
    lines = [
        sku for sku, hold in record.held_lines.items() if hold.until is not None and hold.until <= change.at
    ]
    return is_over, lines


def _release(desk: OrderDesk, change: OrderChange, reason: str) -> None:
    change.apply(EventType.ORDER_RELEASED, reason, hold_reason="")
    if change.record.state.payment is PaymentStatus.FAILED:
        change.promise_job("capture_payment", f"v{change.record.state.version}")
    elif change.record.state.order is OrderStatus.PLACED:
        confirm(desk, change)


def _release_lines(change: OrderChange, skus: Sequence[Sku], reason: str) -> None:
    if not skus or not set(skus) <= set(change.record.held_lines):
        raise InvalidRequest([Problem("/lines", "choose lines that are on hold")])
    change.hold_lines(dict.fromkeys(skus))
    change.apply(EventType.LINES_RELEASED, reason, {"lines": list(skus)})


def _check_until(change: OrderChange, until: datetime | None) -> None:
    if until is not None and until <= change.at:
        raise InvalidRequest([Problem("/until", "choose a moment that is still to come")])
