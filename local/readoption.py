"""Reservations that the local AWS has lost, made again from the order book: the same pieces, at the same place.

On AWS there is nothing of the kind: DynamoDB is the truth of stock, and is restored from its own backups. A laptop's
DynamoDB forgets when it is killed, and everything that the book knows about stock can be told again: each order's
lines, what was shipped, what came back. The shop must be closed meanwhile: prices are moved for an instant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from orders.domain.errors import CartwrightError
from orders.domain.ids import OrderId, Sku
from orders.domain.inventory import ReservationState, ReservedLine
from orders.domain.order import OrderStatus
from orders.messages import fingerprint
from orders.ports import InventoryStore, OrderBook, OrderRecord, Reservation, ReturnRecord, Shipment
from orders.services.tracking_views import view_of

PAGE = 200
OVER = frozenset({OrderStatus.CANCELLED, OrderStatus.EXPIRED})


@dataclass
class Readopted:
    """What was done: orders whose stock was told again, and why some could not be."""

    orders: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Story:
    """All that the book knows of one order's stock."""

    record: OrderRecord
    shipments: tuple[Shipment, ...]
    returns: tuple[ReturnRecord, ...]

    def is_told_by(self, reservation: Reservation | None) -> bool:
        """Whether the inventory's own record of the order says the same."""
        if reservation is None:
            return False
        if self.record.state.order in OVER:
            return not reservation.holds_stock
        if reservation.state is not ReservationState.CONFIRMED:
            return False
        # The pieces of one SKU may lie on several counters, and so be several lines.
        moved: dict[Sku, list[int]] = {line.sku: [0, 0] for line in reservation.lines}
        for line in reservation.lines:
            moved[line.sku][0] += line.shipped
            moved[line.sku][1] += line.returned
        counts = {sku: self.record.counts_of(sku) for sku in moved}
        return all(moved[sku] == [counts[sku].shipped, counts[sku].restocked] for sku in moved)


def readopt(book: OrderBook, inventory: InventoryStore) -> Readopted:
    """Tell the inventory of every order in the book that it does not know, or knows less of. May be repeated."""
    known = {each.order_id: each for each in inventory.all_reservations()}
    prices = {level.sku: level.price_minor for level in inventory.all_levels()}
    done = Readopted()
    for story in _stories(book):
        order_id = story.record.order_id
        if story.is_told_by(known.get(order_id)):
            continue
        try:
            if order_id not in known:
                _reserve(story, inventory, prices)
            _move(story, inventory)
        except CartwrightError as error:
            done.problems.append(f"{order_id}: {error}")
        else:
            done.orders += 1
    return done


def _stories(book: OrderBook) -> Iterator[_Story]:
    after: OrderId | None = None
    while True:
        with book.transaction() as tx:
            page = tx.order_ids(after=after, limit=PAGE)
            stories = [
                _Story(record, tuple(tx.shipments(record.order_id)), tuple(tx.returns(record.order_id)))
                for record in tx.get_orders(page)
            ]
        yield from stories
        if len(page) < PAGE:
            return
        after = page[-1]


def _reserve(story: _Story, inventory: InventoryStore, prices: Mapping[Sku, int]) -> None:
    """Reserve the order's pieces at the prices it was placed at; what the shelf lacks is brought first."""
    request, placed_at = story.record.request, story.record.placed_at
    lines = tuple(ReservedLine(line.sku, line.quantity, line.unit_price_minor) for line in request.lines)
    levels = inventory.levels([line.sku for line in lines])
    for line in lines:
        level = levels.get(line.sku)
        if level is None or level.price_minor != line.unit_price_minor:
            inventory.set_up_sku(line.sku, line.unit_price_minor, request.currency)
        missing = line.quantity - (level.available if level else 0)
        if missing > 0:
            # A delivery that the lost tables knew of; the book knows only that these pieces were there to be sold.
            inventory.restock(line.sku, missing, f"recovery:{request.order_id}:{line.sku}")
    try:
        inventory.reserve(
            Reservation(
                order_id=request.order_id,
                fingerprint=fingerprint(request),
                lines=lines,
                state=ReservationState.RESERVED,
                message="",
                accepted_at=placed_at,
                expires_at=placed_at + timedelta(days=1),
                correlation_id=story.record.correlation_id,
                currency=request.currency,
                destination=request.shipping_address.country,
            ),
            view_of(story.record, (), placed_at),
        )
    finally:
        for line in lines:
            if line.sku in prices and prices[line.sku] != line.unit_price_minor:
                inventory.set_price(line.sku, prices[line.sku])


def _move(story: _Story, inventory: InventoryStore) -> None:
    """What happened to the pieces since: each movement has an id of its own and is applied once."""
    order_id = story.record.order_id
    inventory.confirm(order_id)
    for shipment in story.shipments:
        inventory.ship(order_id, shipment.id, shipment.lines, shipment.warehouse)
    for each in story.returns:
        on_shelf = {sku: pieces for sku, pieces in each.restocked.items() if pieces}
        if on_shelf:
            inventory.take_back(order_id, each.id, on_shelf)
    if story.record.state.order in OVER:
        inventory.release(order_id)
