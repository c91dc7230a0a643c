"""I1, I7: no piece is sold twice or lost, and no reservation outlives its reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from orders.doctor.checks.finding import ENDED_EARLY, FORGOTTEN_AFTER, GRACE, Finding, Remedy
from orders.doctor.snapshot import OrderFacts, Snapshot
from orders.domain.ids import Sku
from orders.domain.inventory import MAIN, ReservationState


def stock_is_conserved(look: Snapshot) -> Iterator[Finding]:
    """I1: received = available + reserved + sold for each SKU, none below zero; reserved is what orders hold in each warehouse."""
    for level in look.levels.values():
        if not level.is_conserved:
            yield Finding(
                "I1",
                level.sku,
                f"received {level.received}, but available {level.available} + reserved {level.reserved} + sold {level.sold}",
            )
    held: dict[tuple[Sku, str], int] = defaultdict(int)
    for reservation in look.reservations.values():
        if reservation.holds_stock:
            for line in reservation.lines:
                held[line.sku, line.warehouse] += line.held
    reserved = {
        (level.sku, place.warehouse): place.reserved
        for level in look.levels.values()
        for place in level.places
    }
    for sku, warehouse in sorted(held.keys() | reserved.keys()):
        counted = reserved.get((sku, warehouse), 0)
        if counted != held[sku, warehouse]:
            where = "" if warehouse == MAIN else f" in {warehouse}"
            yield Finding(
                "I1",
                sku,
                f"{counted} reserved{where}, but orders hold {held[sku, warehouse]}",
                is_settling=True,
            )


def sold_is_shipped(look: Snapshot) -> Iterator[Finding]:
    """I1: what the stock calls sold is what left the house and did not come back for sale."""
    shipped: dict[Sku, int] = defaultdict(int)
    for order in look.orders.values():
        for line in order.lines:
            shipped[line.sku] += line.shipped - line.restocked
    for sku, level in look.levels.items():
        if level.sold != shipped[sku]:
            yield Finding(
                "I1", sku, f"{level.sold} sold, but {shipped[sku]} pieces are with shoppers", is_settling=True
            )


def movements_are_journaled(look: Snapshot) -> Iterator[Finding]:
    """I1: what staff added and took away is in their journal with a reason, and what the journal tells was done."""
    for movement_id, movement in look.movements.items():
        told = look.journal.get(movement_id)
        if told is None:
            yield Finding(
                "I1",
                movement_id,
                f"{movement.pieces:+d} pieces of {movement.sku}, but the journal does not say by whom or why",
                Remedy.JOURNAL,
                is_settling=True,
            )
        elif (told.sku, told.pieces) != (movement.sku, movement.pieces):
            yield Finding(
                "I1",
                movement_id,
                f"{movement.pieces:+d} pieces of {movement.sku}, but the journal says {told.pieces:+d} of {told.sku}",
            )
    for movement_id, told in look.journal.items():
        if movement_id not in look.movements:
            yield Finding(
                "I1",
                movement_id,
                f"the journal says {told.pieces:+d} pieces of {told.sku}, but the stock was not moved",
                is_settling=True,
            )


def reservations_end(look: Snapshot) -> Iterator[Finding]:
    """I7: no reservation outlives its hour, a closed order or its message; no authorisation is forgotten."""
    for order_id, reservation in look.reservations.items():
        order = look.orders.get(order_id)
        if reservation.state is ReservationState.RESERVED and order is not None:
            yield Finding(
                "I7",
                order_id,
                "recorded, but its reservation may still expire",
                Remedy.CONFIRM,
                is_settling=True,
            )
        elif (
            reservation.state is ReservationState.RESERVED and reservation.expires_at + GRACE < look.taken_at
        ):
            yield Finding("I7", order_id, "its reservation is overdue", Remedy.EXPIRE)
        if order is not None and order.state.order in ENDED_EARLY:
            if reservation.holds_stock and any(line.held for line in reservation.lines):
                yield Finding(
                    "I7",
                    order_id,
                    f"{order.state.order}, but it still holds stock",
                    Remedy.RELEASE,
                    is_settling=True,
                )
        elif order is not None and not reservation.holds_stock and _expects_stock(order):
            yield Finding(
                "I7", order_id, f"{order.state.order}, but its stock was given back", is_settling=True
            )
    for attempt in look.orphan_attempts:
        is_old = attempt.created_at + FORGOTTEN_AFTER < look.taken_at
        if attempt.order_id not in look.reservations and is_old:
            yield Finding(
                "I7", attempt.order_id, f"{attempt.amount_minor} are held on a card for no order", Remedy.VOID
            )


def _expects_stock(order: OrderFacts) -> bool:
    return any(line.quantity > line.shipped + line.cancelled for line in order.lines)
