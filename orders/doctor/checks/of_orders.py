"""I2, I3, I4, I6: an accepted order is recorded once, as it was accepted, and its history leads to what is shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from orders.doctor.checks.finding import Finding, Remedy
from orders.doctor.snapshot import OrderFacts, Snapshot
from orders.domain.errors import TransitionRefused
from orders.domain.events import EventType
from orders.domain.ids import Sku
from orders.domain.order import INITIAL, OrderState, apply, stage_of


def accepted_is_recorded(look: Snapshot) -> Iterator[Finding]:
    """I2: every accepted order is in the book and in tracking."""
    for order_id, reservation in look.reservations.items():
        if order_id not in look.orders:
            where = "its message was sent" if reservation.is_sent else "its message was never sent"
            yield Finding(
                "I2", order_id, f"accepted, but not in the book; {where}", Remedy.RESEND, is_settling=True
            )
        if order_id not in look.tracking:
            remedy = Remedy.PROJECT if order_id in look.orders else Remedy.RESEND
            yield Finding("I2", order_id, "accepted, but the shopper cannot see it", remedy, is_settling=True)


def recorded_was_accepted(look: Snapshot) -> Iterator[Finding]:
    """I3: nothing in the book, in tracking or at the provider without an accepted request."""
    for order_id in look.orders.keys() - look.reservations.keys():
        yield Finding("I3", order_id, "in the book, but it was never accepted", is_settling=True)
    for order_id in look.tracking.keys() - look.reservations.keys():
        yield Finding("I3", order_id, "in tracking, but it was never accepted", is_settling=True)


def recorded_as_accepted(look: Snapshot) -> Iterator[Finding]:
    """I4: the book holds what was accepted: the same SKUs, unless staff edited the order since."""
    for order_id, order in look.orders.items():
        reservation = look.reservations.get(order_id)
        if reservation is None or order.is_edited or not reservation.holds_stock:
            continue
        held: dict[Sku, int] = defaultdict(int)
        for reserved in reservation.lines:
            held[reserved.sku] += reserved.held
        booked = {line.sku: line.quantity - line.shipped - line.cancelled for line in order.lines}
        if held != booked:
            yield Finding(
                "I4", order_id, f"holds {dict(held)}, but the book expects {booked}", is_settling=True
            )


def history_is_legal(look: Snapshot) -> Iterator[Finding]:
    """I6: replaying the timeline through the state machine gives the state on record, version by version."""
    for order_id, order in look.orders.items():
        try:
            replayed = _replay(order)
        except (TransitionRefused, ValueError) as error:
            yield Finding("I6", order_id, f"its history is not possible: {error}")
            continue
        if replayed != order.state:
            yield Finding(
                "I6",
                order_id,
                f"its history leads to {replayed}, the record says {order.state}",
                is_settling=True,
            )


def _replay(order: OrderFacts) -> OrderState:
    if not order.events or order.events[0] != (1, EventType.ORDER_PLACED):
        raise ValueError("it does not begin with order_placed at version 1")
    state = INITIAL
    for version, event in order.events[1:]:
        state = apply(state, event)
        if state.version != version:
            raise ValueError(f"{event} stands at version {version}, not {state.version}")
    return state


def tracking_agrees(look: Snapshot) -> Iterator[Finding]:
    """I6: the shopper sees the book's version and stage, never a later one."""
    for order_id, order in look.orders.items():
        view = look.tracking.get(order_id)
        if view is None:
            continue
        if view.version > order.state.version:
            yield Finding(
                "I6",
                order_id,
                f"tracking shows version {view.version}, the book has {order.state.version}",
                is_settling=True,
            )
        elif (view.version, view.stage) != (order.state.version, stage_of(order.state)):
            yield Finding(
                "I6",
                order_id,
                f"tracking shows {view.stage} ({view.version}), the book {stage_of(order.state)} ({order.state.version})",
                Remedy.DELIVER if order_id in look.outbox_orders else Remedy.PROJECT,
                is_settling=True,
            )
