"""What the stock pages read: levels from DynamoDB, names from the catalogue, needs and movements from the book."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from orders.domain.ids import OrderId, Sku, order_number
from orders.domain.inventory import LOW_PIECES, PlaceLevel, ReservationState, StockLevel
from orders.ports import InventoryStore, Reservation
from webapp.catalog.models import Product, Variant
from webapp.console.people.models import StaffAction

PAGE = 100
MOST_LOOKED_AT = 2_000
"""SKUs that one request reads in search of those that lie in one warehouse; the next page goes on behind them."""


@dataclass(frozen=True, slots=True)
class StockRow:
    """One SKU: what the catalogue calls it and what the truth of stock says of it.

    `places` are the warehouses that have or had it, in the shop's order; empty where the shop has one warehouse only.
    """

    sku: Sku
    name: str
    options: str
    level: StockLevel | None
    places: Sequence[PlaceLevel] = ()

    @property
    def on_hand(self) -> int:
        """Pieces in the house: available and reserved."""
        return self.level.available + self.level.reserved if self.level else 0


@dataclass(frozen=True, slots=True)
class StockPage:
    """Some SKUs in their order; `after` is the one behind which the next page begins, empty when there is none."""

    rows: Sequence[StockRow]
    after: str


def stock_page(
    session: Session,
    inventory: InventoryStore,
    *,
    typed: str = "",
    after: str = "",
    codes: Sequence[str] = (),
    at: str = "",
) -> StockPage:
    """A page of SKUs from the catalogue with their levels. `typed` narrows by SKU or name, `at` to what lies in one
    of the warehouses (`codes`)."""
    found: list[StockRow] = []
    looked_at = 0
    while len(found) < PAGE and looked_at < MOST_LOOKED_AT:
        known = _catalogue_page(session, typed, after)
        levels = inventory.levels([Sku(row.sku) for row in known])
        for row in known:
            places = touched_places(levels.get(Sku(row.sku)), codes)
            if at and not any(place.warehouse == at for place in places):
                continue
            options = ", ".join(map(str, row.options.values()))
            found.append(StockRow(Sku(row.sku), row.name, options, levels.get(Sku(row.sku)), places))
        if len(known) < PAGE:
            return (
                StockPage(found, "") if len(found) <= PAGE else StockPage(found[:PAGE], found[PAGE - 1].sku)
            )
        after, looked_at = known[-1].sku, looked_at + len(known)
    return StockPage(found[:PAGE], found[PAGE - 1].sku if len(found) > PAGE else after)


def _catalogue_page(session: Session, typed: str, after: str) -> Sequence[Any]:
    statement = (
        select(Variant.sku, Variant.options, Product.name)
        .join(Product, Product.id == Variant.product_id)
        .where(Variant.sku > after)
        .order_by(Variant.sku)
        .limit(PAGE)
    )
    if typed:
        like = f"%{typed.replace('%', '').replace('_', '')}%"
        statement = statement.where(or_(Variant.sku.ilike(like), Product.name.ilike(like)))
    return session.execute(statement).all()


def touched_places(level: StockLevel | None, codes: Sequence[str]) -> Sequence[PlaceLevel]:
    """Where a SKU lies or lay: the shop's warehouses in their order, then closed ones. Nothing for a shop with one."""
    if level is None or len(codes) < 2:
        return ()
    order = {code: index for index, code in enumerate(codes)}
    return sorted(level.places, key=lambda place: order.get(place.warehouse, len(order)))


def every_place(level: StockLevel, codes: Sequence[str]) -> Sequence[PlaceLevel]:
    """The level in each of the shop's warehouses, also where the SKU never was, and in closed ones."""
    closed = [place for place in touched_places(level, codes) if place.warehouse not in codes]
    return [*(level.at(code) for code in codes), *closed] if len(codes) > 1 else ()


def low_rows(
    session: Session, inventory: InventoryStore, limit: int = LOW_PIECES, codes: Sequence[str] = ()
) -> Sequence[StockRow]:
    """SKUs with at most `limit` pieces available in all warehouses together, fewest first."""
    levels = sorted(
        (level for level in inventory.all_levels() if level.available <= limit),
        key=lambda level: (level.available, level.sku),
    )
    names = _names(session, [level.sku for level in levels])
    return [
        StockRow(level.sku, *names.get(level.sku, (level.sku, "")), level, touched_places(level, codes))
        for level in levels
    ]


def named(session: Session, low: Sequence[tuple[Sku, int]]) -> Sequence[tuple[Sku, str, int]]:
    """SKUs with their names, in their order."""
    names = _names(session, [sku for sku, _ in low])
    return [(sku, " ".join(names.get(sku, ("", ""))).strip(), available) for sku, available in low]


def stock_row(
    session: Session, inventory: InventoryStore, sku: Sku, codes: Sequence[str] = ()
) -> StockRow | None:
    """One SKU with its level in every warehouse, or None when neither the catalogue nor the store knows it."""
    level = inventory.levels([sku]).get(sku)
    names = _names(session, [sku])
    if level is None and sku not in names:
        return None
    return StockRow(sku, *names.get(sku, (sku, "")), level, every_place(level, codes) if level else ())


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
    held: Mapping[tuple[Sku, str], int]
    """(SKU, warehouse) -> pieces."""


def holding_reservations(
    inventory: InventoryStore, *, sku: str = "", limit: int = 200
) -> tuple[Sequence[ReservationRow], bool]:
    """The reservations that hold stock, oldest first, and whether there are more. Reads every reservation: a page
    that is asked for, never one that is polled."""
    found = [
        row
        for one in inventory.all_reservations()
        if (row := _row(one)) and (not sku or any(sku == held for held, _ in row.held))
    ]
    found.sort(key=lambda row: row.accepted_at)
    return found[:limit], len(found) > limit


def _row(one: Reservation) -> ReservationRow | None:
    held: dict[tuple[Sku, str], int] = {}
    for line in one.lines:
        if line.held:
            place = (line.sku, line.warehouse)
            held[place] = held.get(place, 0) + line.held
    if not one.holds_stock or not held:
        return None
    return ReservationRow(
        one.order_id, order_number(one.order_id), one.state, one.accepted_at, one.expires_at, held
    )
