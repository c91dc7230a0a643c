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
from orders.domain.ids import OrderId
from orders.domain.order import TRANSITIONS, FulfilmentStatus
from orders.ports import OrderRecord
from orders.services.ship_order import free_to_ship

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


def pick_list(records: Sequence[OrderRecord], numbers: Mapping[OrderId, str]) -> list[PickLine]:
    """The pieces of a batch by SKU, in the order of the shelves (their SKUs)."""
    found: dict[str, PickLine] = {}
    for record in records:
        left = free_to_ship(record)
        for line in record.request.lines:
            pieces = left.get(line.sku, 0)
            if pieces:
                entry = found.setdefault(line.sku, PickLine(line.sku, line.name, line.variant))
                entry.pieces += pieces
                entry.orders.append((numbers[record.order_id], pieces))
    return [found[sku] for sku in sorted(found)]


def order_ids_of(given: Sequence[str]) -> list[UUID]:
    """The order ids of a form, at most a batch; what is none is left out."""
    ids = []
    for text in given[:BATCH]:
        try:
            ids.append(UUID(text))
        except ValueError:
            continue
    return ids
