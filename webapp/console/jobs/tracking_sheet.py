"""A carrier's list of tracking numbers as CSV: read, checked row by row against the book, nothing changed here.

The columns: `order` (its number or id), `carrier`, `tracking_number` and, if wanted, `tracking_url` and `warehouse` (its code):
an order whose pieces lie in several warehouses has a row for each.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from orders.adapters.rds.fulfilment_models import ShipmentRow
from orders.adapters.rds.models import Order
from orders.domain.errors import InvalidRequest, Problem
from orders.domain.ids import OrderId, is_order_id, normalise_order_number
from orders.domain.inventory import MAIN
from orders.domain.order import FulfilmentStatus, OrderState, OrderStatus, PaymentStatus
from orders.services.whereabouts import Whereabouts
from webapp.console.orders.actions import ACTIONS

MOST_ROWS = 5_000
NEEDED = ("order", "carrier", "tracking_number")


@dataclass(frozen=True, slots=True)
class TrackingRow:
    """One row of the file, and what would become of it. `problem` is empty for a row that can be done."""

    line: int
    order: str
    carrier: str
    tracking_number: str
    tracking_url: str = ""
    warehouse: str = ""
    order_id: UUID | None = None
    does: str = ""
    problem: str = ""

    @property
    def parcel(self) -> Mapping[str, str]:
        """What the bulk job needs to know of this parcel."""
        return {
            "carrier": self.carrier,
            "tracking_number": self.tracking_number,
            "tracking_url": self.tracking_url,
            "warehouse": self.warehouse,
        }


@dataclass(frozen=True, slots=True)
class Places:
    """The shop's warehouses, code -> name, and where an order's pieces lie that may leave; both empty for a shop with one."""

    names: Mapping[str, str]
    lies: Mapping[OrderId, Whereabouts]

    def called(self, codes: Iterable[str]) -> str:
        """Warehouses in words."""
        return " and ".join(self.names.get(code, code) for code in codes)


def read_sheet(text: str) -> list[TrackingRow]:
    """The rows of a file. Raises InvalidRequest when it is no such file at all; a bad row carries its problem."""
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
    names = [name.strip().lower() for name in reader.fieldnames or []]
    if not set(NEEDED) <= set(names):
        raise InvalidRequest([Problem("/file", f"the first line must name the columns {', '.join(NEEDED)}")])
    reader.fieldnames = names
    rows = [_row(index, given) for index, given in enumerate(reader, start=2)]
    if len(rows) > MOST_ROWS:
        raise InvalidRequest([Problem("/file", f"at most {MOST_ROWS} rows at once")])
    return rows


def _row(line: int, given: Mapping[str, Any]) -> TrackingRow:
    def text(name: str, longest: int) -> str:
        return str(given.get(name) or "").replace("\x00", "").strip()[:longest]

    row = TrackingRow(
        line,
        text("order", 40),
        text("carrier", 40),
        text("tracking_number", 80),
        text("tracking_url", 500),
        text("warehouse", 40),
    )
    if not row.carrier or not row.tracking_number:
        return replace(row, problem="a carrier and a tracking number are needed")
    if row.tracking_url and not row.tracking_url.startswith(("https://", "http://")):
        return replace(row, problem="a link begins with https://")
    return row


def plan(
    session: Session,
    rows: Sequence[TrackingRow],
    names: Mapping[str, str],
    lies: Callable[[Sequence[OrderId]], Mapping[OrderId, Whereabouts]],
) -> list[TrackingRow]:
    """The dry run: which order each row means, and what would happen to it. `names` are the shop's warehouses, none of
    them where there is only one; `lies` tells where the pieces of orders lie."""
    found = _orders(session, rows)
    places = Places(names, lies(list({OrderId(str(order.id)) for order in found.values()})) if names else {})
    planned, seen = [], defaultdict[UUID, set[str]](set)
    for row in rows:
        order = found.get(_key(row.order))
        if row.problem:
            planned.append(row)
            continue
        if order is None:
            planned.append(replace(row, problem="the book has no such order"))
            continue
        judged = replace(_judged(row, order, places), order_id=order.id)
        # A row without a warehouse stands for the whole order.
        if row.warehouse in seen[order.id] or (seen[order.id] and "" in {row.warehouse, *seen[order.id]}):
            judged = replace(judged, does="", problem="this order is in the file twice")
        seen[order.id].add(row.warehouse)
        planned.append(judged)
    return planned


def parcels_of(rows: Sequence[TrackingRow]) -> Mapping[UUID, Mapping[str, Any]]:
    """What the bulk job is told: each order that something can be done to, with its parcels in the order of the file."""
    found: dict[UUID, dict[str, Any]] = {}
    for row in rows:
        if row.order_id and not row.problem:
            found.setdefault(row.order_id, {"parcels": []})["parcels"].append(row.parcel)
    return found


def _judged(row: TrackingRow, order: Any, places: Places) -> TrackingRow:
    if row.warehouse and row.warehouse not in (places.names or {MAIN: ""}):
        return replace(row, problem=f"no warehouse has the code {row.warehouse}")
    lies = places.lies.get(OrderId(str(order.id)), {})
    bare = set(order.bare_parcels or ())
    if row.warehouse in bare if row.warehouse and lies else bare:
        return replace(row, does="the parcel that left gets the number")
    state = OrderState(
        OrderStatus(order.status), PaymentStatus(order.payment_status),
        FulfilmentStatus(order.fulfilment_status), order.is_held,
    )  # fmt: skip
    if not ACTIONS["ship"].is_allowed(state):
        return replace(row, problem="every parcel has a number, and nothing can be shipped now")
    if len(lies) > 1 and not row.warehouse:
        where = places.called(lies)
        return replace(row, problem=f"it lies in {where}: give each parcel's number with its warehouse")
    if row.warehouse and row.warehouse not in (lies or {MAIN: {}}):
        return replace(row, problem=f"nothing of it is left to ship in {places.called([row.warehouse])}")
    if len(lies) > 1:
        return replace(row, does=f"what lies in {places.called([row.warehouse])} is shipped with the number")
    return replace(row, does="all that is left is shipped with the number")


def _key(typed: str) -> str:
    if is_order_id(typed.lower()):
        return typed.lower()
    return normalise_order_number(typed) or ""


def _orders(session: Session, rows: Sequence[TrackingRow]) -> Mapping[str, Any]:
    keys = {_key(row.order) for row in rows} - {""}
    ids = [UUID(key) for key in keys if is_order_id(key)]
    bare = (
        select(func.array_agg(ShipmentRow.warehouse))
        .where(ShipmentRow.order_id == Order.id, ShipmentRow.tracking_number == "")
        .scalar_subquery()
    )
    columns = (
        Order.id, Order.number, Order.status, Order.payment_status, Order.fulfilment_status, Order.is_held,
        bare.label("bare_parcels"),
    )  # fmt: skip
    found: dict[str, Any] = {}
    for condition in (Order.number.in_(keys), Order.id.in_(ids)):
        for order in session.execute(select(*columns).where(condition)):
            found[order.number] = found[str(order.id)] = order
    return found
