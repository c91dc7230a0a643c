"""What the stock pages read: levels from DynamoDB, names from the catalogue, needs and movements from the book."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from orders.domain.ids import OrderId, Sku, order_number
from orders.domain.inventory import LOW_PIECES, ReservationState, StockLevel
from orders.ports import InventoryStore, Reservation
from webapp.catalog.models import Product, Variant
from webapp.console.people.models import StaffAction

PAGE = 100


@dataclass(frozen=True, slots=True)
class StockRow:
    """One SKU: what the catalogue calls it and what the truth of stock says of it."""

    sku: Sku
    name: str
    options: str
    level: StockLevel | None

    @property
    def on_hand(self) -> int:
        """Pieces in the house: available and reserved."""
        return self.level.available + self.level.reserved if self.level else 0


def stock_rows(
    session: Session, inventory: InventoryStore, *, typed: str = "", after: str = "", limit: int = PAGE
) -> Sequence[StockRow]:
    """A page of SKUs in their order, from the catalogue, with their levels. `typed` narrows by SKU or name."""
    statement = (
        select(Variant.sku, Variant.options, Product.name)
        .join(Product, Product.id == Variant.product_id)
        .where(Variant.sku > after)
        .order_by(Variant.sku)
        .limit(limit)
    )
    if typed:
        like = f"%{typed.replace('%', '').replace('_', '')}%"
        statement = statement.where(or_(Variant.sku.ilike(like), Product.name.ilike(like)))
    rows = session.execute(statement).all()
    levels = inventory.levels([Sku(row.sku) for row in rows])
    return [
        StockRow(Sku(row.sku), row.name, ", ".join(map(str, row.options.values())), levels.get(Sku(row.sku)))
        for row in rows
    ]


def low_rows(session: Session, inventory: InventoryStore, limit: int = LOW_PIECES) -> Sequence[StockRow]:
    """SKUs with at most `limit` pieces available, fewest first."""
    levels = sorted(
        (level for level in inventory.all_levels() if level.available <= limit),
        key=lambda level: (level.available, level.sku),
    )
    names = _names(session, [level.sku for level in levels])
    return [StockRow(level.sku, *names.get(level.sku, (level.sku, "")), level) for level in levels]


def named(session: Session, low: Sequence[tuple[Sku, int]]) -> Sequence[tuple[Sku, str, int]]:
    """SKUs with their names, in their order."""
    names = _names(session, [sku for sku, _ in low])
    return [(sku, " ".join(names.get(sku, ("", ""))).strip(), available) for sku, available in low]


def stock_row(session: Session, inventory: InventoryStore, sku: Sku) -> StockRow | None:
    """One SKU, or None when neither the catalogue nor the store knows it."""
    level = inventory.levels([sku]).get(sku)
    names = _names(session, [sku])
    if level is None and sku not in names:
        return None
    return StockRow(sku, *names.get(sku, (sku, "")), level)


def _names(session: Session, skus: Sequence[Sku]) -> Mapping[Sku, tuple[str, str]]:
    rows = session.execute(
        select(Variant.sku, Variant.options, Product.name)
        .join(Product, Product.id == Variant.product_id)
        .where(Variant.sku.in_(skus))
    )
    return {Sku(row.sku): (row.name, ", ".join(map(str, row.options.values()))) for row in rows}


def known_skus(session: Session, skus: Iterable[str]) -> set[str]:
    """Those of these SKUs that the catalogue has."""
    return set(session.scalars(select(Variant.sku).where(Variant.sku.in_(list(skus)))))


def movements(session: Session, sku: Sku, limit: int = 50) -> Sequence[StaffAction]:
    """What staff did to a SKU's stock, newest first."""
    return session.scalars(
        select(StaffAction)
        .where(StaffAction.subject == f"sku:{sku}")
        .order_by(StaffAction.id.desc())
        .limit(limit)
    ).all()


@dataclass(frozen=True, slots=True)
class ReservationRow:
    """A reservation that still holds pieces, with its age."""

    order_id: OrderId
    number: str
    state: ReservationState
    accepted_at: datetime
    expires_at: datetime
    held: Mapping[Sku, int]


def holding_reservations(
    inventory: InventoryStore, *, sku: str = "", limit: int = 200
) -> tuple[Sequence[ReservationRow], bool]:
    """The reservations that hold stock, oldest first, and whether there are more. Reads every reservation: a page
    that is asked for, never one that is polled."""
    found = [
        row for one in inventory.all_reservations() if (row := _row(one)) and (not sku or sku in row.held)
    ]
    found.sort(key=lambda row: row.accepted_at)
    return found[:limit], len(found) > limit


def _row(one: Reservation) -> ReservationRow | None:
    held = {line.sku: 0 for line in one.lines}
    for line in one.lines:
        held[line.sku] += line.held
    left = {sku: count for sku, count in held.items() if count}
    if not one.holds_stock or not left:
        return None
    return ReservationRow(
        one.order_id, order_number(one.order_id), one.state, one.accepted_at, one.expires_at, left
    )
