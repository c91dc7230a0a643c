"""What the warehouse reads: orders to pick, oldest first, and the pick list of a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from orders.adapters.rds.models import Order, OrderLine
from orders.domain.events import EventType
from orders.domain.ids import OrderId, Sku, order_number
from orders.domain.inventory import MAIN
from orders.domain.order import TRANSITIONS, FulfilmentStatus
from orders.ports import InventoryStore, OrderRecord
from orders.services.desk import OrderDesk
from orders.services.ship_order import free_to_ship
from orders.services.whereabouts import Whereabouts, is_elsewhere, lying

BATCH = 40
"""Orders on one trolley: what a person can keep apart."""

_STARTS = TRANSITIONS[EventType.PICKING_STARTED]
"""The warehouse's queue is derived from the state machine, like every list of what may happen."""


def to_pick(session: Session, limit: int = 100) -> Sequence[Row[Any]]:
    """Orders whose picking may begin, oldest first."""
    return _listed(
        session,
        limit,
        Order.status.in_([str(status) for status in _STARTS.order]),
        Order.payment_status.in_([str(status) for status in _STARTS.payment]),
        Order.fulfilment_status.in_([str(status) for status in _STARTS.fulfilment]),
        ~Order.is_held,
    )


def in_picking(session: Session, limit: int = 100) -> Sequence[Row[Any]]:
    """Orders that are being picked or have left in part, oldest first."""
    open_ = [str(FulfilmentStatus.PICKING), str(FulfilmentStatus.PARTLY_SHIPPED)]
    return _listed(session, limit, Order.fulfilment_status.in_(open_), Order.status == "confirmed")


def _listed(session: Session, limit: int, *conditions: Any) -> Sequence[Row[Any]]:
    pieces = (
        select(func.sum(OrderLine.quantity - OrderLine.shipped - OrderLine.cancelled))
        .where(OrderLine.order_id == Order.id)
        .scalar_subquery()
    )
    return session.execute(
        select(
            Order.id, Order.number, Order.version, Order.name, Order.country, Order.shipping_name, Order.placed_at,
            Order.fulfilment_status, Order.is_held, pieces.label("pieces"),
        )
        .where(*conditions)
        .order_by(Order.placed_at, Order.id)
        .limit(limit)
    ).all()  # fmt: skip


@dataclass(slots=True)
class PickLine:
    """One SKU of a pick list: how many pieces in all, and how many for which order."""

    sku: str
    name: str
    variant: str
    pieces: int = 0
    orders: list[tuple[str, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PickSection:
    """What is to pick in one warehouse, and for which orders; `place` is empty in a shop with one warehouse."""

    place: str
    lines: Sequence[PickLine]
    records: Sequence[OrderRecord]

    @property
    def pieces(self) -> int:
        """Pieces on this walk."""
        return sum(line.pieces for line in self.lines)


def pick_sections(
    records: Sequence[OrderRecord], lies: Mapping[OrderId, Whereabouts], places: Sequence[str]
) -> list[PickSection]:
    """A batch by warehouse, in the shop's order of them. `lies` tells where the orders' pieces lie, as far as they lie
    anywhere in particular; `places` is empty for a shop with one warehouse."""
    home = MAIN if places else ""
    free = {record.order_id: free_to_ship(record) for record in records}
    found = [(record, lies.get(record.order_id) or {home: free[record.order_id]}) for record in records]
    named = dict.fromkeys([*places, *(place for _, parts in found for place in parts)])
    return [
        PickSection(place, _lines(here), [record for record, _ in here])
        for place in named
        if (here := [(record, parts[place]) for record, parts in found if parts.get(place)])
    ]


def _lines(here: Sequence[tuple[OrderRecord, Mapping[Sku, int]]]) -> list[PickLine]:
    """The pieces of one place by SKU, in the order of the shelves (their SKUs)."""
    found: dict[str, PickLine] = {}
    for record, pieces in here:
        for line in record.request.lines:
            if count := pieces.get(line.sku, 0):
                entry = found.setdefault(line.sku, PickLine(line.sku, line.name, line.variant))
                entry.pieces += count
                entry.orders.append((order_number(record.order_id), count))
    return [found[sku] for sku in sorted(found)]


def batch_lies(
    desk: OrderDesk, inventory: InventoryStore, order_ids: Sequence[OrderId]
) -> Mapping[OrderId, Whereabouts]:
    """Where the pieces lie that may leave, of those of these orders that are not in the main warehouse altogether."""
    elsewhere = {
        order_id: reservation
        for order_id, reservation in inventory.find_reservations(order_ids).items()
        if is_elsewhere(reservation)
    }
    with desk.book.transaction() as tx:
        return {
            record.order_id: lying(
                record, elsewhere[record.order_id], tx.shipments(record.order_id), free_to_ship(record)
            )
            for record in tx.get_orders(list(elsewhere))
        }


def order_ids_of(given: Sequence[str]) -> list[UUID]:
    """The order ids of a form, at most a batch; what is none is left out."""
    ids = []
    for text in given[:BATCH]:
        try:
            ids.append(UUID(text))
        except ValueError:
            continue
    return ids
