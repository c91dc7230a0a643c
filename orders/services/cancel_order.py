"""Cancelling an order before it leaves the house: the stock goes back on the shelf and the money to the shopper."""

from __future__ import annotations

from orders.domain import ledger
from orders.domain.errors import TransitionRefused
from orders.domain.events import Actor, EventType
from orders.domain.ids import OrderId
from orders.domain.order import SHOPPER_MAY_CANCEL_IN, OrderStatus
from orders.ports import Effect, OrderRecord, OrderTransaction
from orders.services.changes import OrderChange, confirmation_key, open_order, write
from orders.services.desk import OrderDesk

JOB = "cancel_order"


def cancel_order(
    desk: OrderDesk,
    order_id: OrderId,
    *,
    command_id: str,
    actor: Actor,
    reason: str = "",
    expected_version: int | None = None,
) -> OrderRecord:
    """Cancel an order, once per `command_id`; an order that is cancelled already stays as it is.

    A shopper may until picking starts, staff until the first parcel leaves. Raises NotFound, TransitionRefused when
    it is too late, VersionConflict when `expected_version` is not the order's, Unavailable.
    """
    with desk.book.transaction() as tx:
        change = open_order(tx, desk, order_id, actor)
        if not tx.accept_messages([command_id], JOB) or change.record.state.order is OrderStatus.CANCELLED:
            return change.record
        change.expect(expected_version)
        if actor.kind == "shopper" and change.record.state.fulfilment not in SHOPPER_MAY_CANCEL_IN:
            raise TransitionRefused("the order is being picked: it is too late to cancel it yourself")
        end_early(tx, change, EventType.ORDER_CANCELLED, reason)
        return write(tx, change)


def end_early(tx: OrderTransaction, change: OrderChange, event: EventType, reason: str) -> None:
    """What cancelling and expiring share: nothing is owed any more, nothing is held, the money and the coupon go back."""
    change.apply(event, reason)
    for line in change.record.request.lines:
        counts = change.record.counts_of(line.sku)
        change.count(line.sku, cancelled=line.quantity - counts.shipped - counts.cancelled)
    rest = ledger.balances([*tx.postings(change.order_id), *change.postings])
    change.post(ledger.reversal_of_rest(str(event), rest))
    tx.withdraw(confirmation_key(change.order_id))
    if change.record.request.discount_code:
        tx.give_back_coupon(change.order_id)
    change.promise(Effect.RELEASE_STOCK, "release-stock", {})
    change.promise_job("settle_payment")


def refuse_cancellation(
    desk: OrderDesk, order_id: OrderId, *, command_id: str, actor: Actor, why: str
) -> None:
    """Note on the timeline that a queued cancellation came too late, once per `command_id`."""
    with desk.book.transaction() as tx:
        change = open_order(tx, desk, order_id, actor)
        if tx.accept_messages([command_id], JOB):
            change.apply(EventType.NOTE_ADDED, why, {"refused": "cancellation"})
            write(tx, change)
