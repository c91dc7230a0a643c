"""What puts a finding right: each remedy is one function that may be repeated, through the same ports as the product."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from orders.doctor.checks import Finding, Remedy
from orders.domain.errors import CartwrightError
from orders.domain.ids import OrderId
from orders.domain.inventory import StockMovement
from orders.ports import (
    AttemptStatus,
    Clock,
    InventoryStore,
    OrderBook,
    OrderQueue,
    PaymentAttempt,
    PaymentProvider,
    TrackingStore,
)
from orders.services.sweep import sweep
from orders.services.tracking_views import view_of


@dataclass(frozen=True, slots=True)
class Tools:
    """What the repairs work with."""

    inventory: InventoryStore
    tracking: TrackingStore
    book: OrderBook
    queue: OrderQueue
    payments: PaymentProvider
    clock: Clock
    journal: Journal


class Journal(Protocol):
    """Where staff's stock movements are told."""

    def add(self, movement: StockMovement, reason: str) -> None:
        """Enter a movement, once. Raises Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Repair:
    """What a repair did, or why it could not."""

    finding: Finding
    is_done: bool
    detail: str = ""


class NotMendable(CartwrightError):
    """This finding cannot be repaired this way; the text says what a person should do."""

    code = "not_mendable"


def repair(finding: Finding, tools: Tools) -> Repair:
    """Apply a finding's remedy. Never raises for a remedy that did not work: the report says so."""
    action = _ACTIONS.get(finding.remedy)
    if action is None:
        return Repair(finding, is_done=False, detail=finding.remedy.value)
    try:
        action(OrderId(finding.subject), tools)
    except CartwrightError as error:
        return Repair(finding, is_done=False, detail=str(error))
    return Repair(finding, is_done=True)


def _resend(order_id: OrderId, tools: Tools) -> None:
    reservation = tools.inventory.find_reservation(order_id)
    if reservation is None or not reservation.message:
        raise NotMendable("its message is gone; restore the book from a backup that has the order")
    tools.queue.send(reservation.message, queue="orders")
    tools.inventory.mark_sent(order_id, reservation.state)


def _project(order_id: OrderId, tools: Tools) -> None:
    with tools.book.transaction() as tx:
        record = tx.get_order(order_id)
        if record is None:
            raise NotMendable("the book does not have it")
        events = tx.events(order_id)
    tools.tracking.project(view_of(record, events, events[-1].at))


def _expire(order_id: OrderId, tools: Tools) -> None:
    sweep(inventory=tools.inventory, queue=tools.queue, clock=tools.clock, sweep_after_seconds=0)


def _release(order_id: OrderId, tools: Tools) -> None:
    tools.inventory.release(order_id)


def _confirm(order_id: OrderId, tools: Tools) -> None:
    tools.inventory.confirm(order_id)


def _void(order_id: OrderId, tools: Tools) -> None:
    """Void every authorisation of an order that never came; the attempt is on record before the call."""
    with tools.book.transaction() as tx:
        attempts = tx.attempts(order_id)
    held = [a for a in attempts if a.kind == "authorise" and a.status is AttemptStatus.SUCCEEDED]
    for authorised in held:
        void = PaymentAttempt(
            id=f"void:{authorised.reference}",
            order_id=order_id,
            kind="void",
            provider=authorised.provider,
            reference=authorised.reference,
            amount_minor=authorised.amount_minor,
            currency=authorised.currency,
            status=AttemptStatus.PENDING,
            created_at=tools.clock.now(),
        )
        with tools.book.transaction() as tx:
            tx.add_attempt(void)
        tools.payments.void(reference=authorised.reference, idempotency_key=void.id)
        with tools.book.transaction() as tx:
            tx.finish_attempt(void.id, AttemptStatus.SUCCEEDED, tools.clock.now())


def _give_back(order_id: OrderId, tools: Tools) -> None:
    with tools.book.transaction() as tx:
        tx.give_back_coupon(order_id)


def _journal(movement_id: str, tools: Tools) -> None:
    for movement in tools.inventory.all_movements():
        if movement.id == movement_id:
            tools.journal.add(movement, "found by the doctor: the console ended before it was written")


_ACTIONS: Mapping[Remedy, Callable[[OrderId, Tools], None]] = {
    Remedy.RESEND: _resend,
    Remedy.PROJECT: _project,
    Remedy.EXPIRE: _expire,
    Remedy.RELEASE: _release,
    Remedy.CONFIRM: _confirm,
    Remedy.VOID: _void,
    Remedy.GIVE_BACK: _give_back,
    Remedy.JOURNAL: _journal,
}
