"""A customer's orders: the newest first, found by number or by what was in them, paged by key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select, tuple_

from orders.adapters.rds.models import Order, OrderLine
from orders.domain.ids import normalise_order_number, order_number
from orders.domain.order import stage_of
from webapp.account.order_access import state_of
from webapp.checkout.models import Checkout, CheckoutStatus
from webapp.extensions import db
from webapp.languages import _l, ngettext

PAGE_SIZE = 20
LONGEST_QUERY = 80
_SAID = {
    "placed": _l("placed"),
    "confirmed": _l("confirmed"),
    "on_hold": _l("on hold"),
    "preparing": _l("being packed"),
    "partly_shipped": _l("partly on its way"),
    "shipped": _l("on its way"),
    "delivered": _l("delivered"),
    "cancelled": _l("cancelled"),
    "expired": _l("not completed"),
}


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order as a list shows it."""

    id: UUID
    number: str
    placed_at: datetime
    what: str
    stage: str
    total_minor: int
    currency: str

    @property
    def said(self) -> str:
        """The stage in words."""
        return str(_SAID[self.stage])


@dataclass(frozen=True, slots=True)
class OrderPage:
    """One page of orders; `after` is the key of the next one, None at the end."""

    rows: Sequence[OrderRow]
    after: str | None


def find_orders(customer_id: str, *, query: str = "", after: str = "", size: int = PAGE_SIZE) -> OrderPage:
    """A page of a customer's orders. Costs the same for the first page and the last (index ix_orders_customer)."""
    statement = (
        select(Order)
        .where(Order.customer_id == customer_id)
        .order_by(Order.placed_at.desc(), Order.id.desc())
        .limit(size + 1)
    )
    if key := _parse(after):
        statement = statement.where(tuple_(Order.placed_at, Order.id) < key)
    if query := query.replace("\x00", "").strip()[:LONGEST_QUERY]:
        statement = statement.where(_matches(query))
    found = db.session.scalars(statement).all()
    rows, more = list(found[:size]), len(found) > size
    page = [_row(order, lines) for order, lines in _with_lines(rows)]
    if not query and not after:
        page = [*_not_yet_recorded(customer_id), *page]
    return OrderPage(page, _key(rows[-1]) if more else None)


def _matches(query: str) -> Any:
    number = normalise_order_number(query)
    if number is not None:
        return Order.number == number
    return exists().where(
        OrderLine.order_id == Order.id,
        OrderLine.name.icontains(query, autoescape=True)
        | OrderLine.variant.icontains(query, autoescape=True),
    )


def _with_lines(orders: Sequence[Order]) -> Sequence[tuple[Order, list[tuple[str, int]]]]:
    lines: dict[UUID, list[tuple[str, int]]] = {order.id: [] for order in orders}
    statement = (
        select(OrderLine.order_id, OrderLine.name, OrderLine.quantity)
        .where(OrderLine.order_id.in_(lines))
        .order_by(OrderLine.order_id, OrderLine.position)
    )
    for row in db.session.execute(statement):
        lines[row.order_id].append((row.name, row.quantity))
    return [(order, lines[order.id]) for order in orders]


def _row(order: Order, lines: Sequence[tuple[str, int]]) -> OrderRow:
    return OrderRow(
        order.id,
        order.number,
        order.placed_at,
        _what(lines),
        str(stage_of(state_of(order))),
        order.total_minor,
        order.currency,
    )


def _not_yet_recorded(customer_id: str) -> Sequence[OrderRow]:
    """Orders that were accepted a moment ago: the checkout knows them before the book does."""
    statement = (
        select(Checkout)
        .where(
            Checkout.customer_id == customer_id,
            Checkout.status == CheckoutStatus.PLACED,
            ~exists().where(Order.id == Checkout.id),
        )
        .order_by(Checkout.id.desc())
        .limit(PAGE_SIZE)
    )
    return [
        OrderRow(
            checkout.id,
            order_number(str(checkout.id)),
            checkout.updated_at,
            _what([(line["name"], line["quantity"]) for line in checkout.lines]),
            "placed",
            int((checkout.request or {}).get("total_minor", 0)),
            checkout.currency,
        )
        for checkout in db.session.scalars(statement)
    ]


def _what(lines: Sequence[tuple[str, int]]) -> str:
    if not lines:
        return ""
    rest = sum(quantity for _, quantity in lines[1:])
    name, quantity = lines[0]
    first = f"{quantity} × {name}" if quantity > 1 else name
    if not rest:
        return first
    return ngettext("%(first)s and %(num)s item more", "%(first)s and %(num)s items more", rest, first=first)


def _key(order: Order) -> str:
    return f"{order.placed_at.isoformat()}_{order.id}"


def _parse(after: str) -> tuple[datetime, UUID] | None:
    at, _, order_id = after.partition("_")
    try:
        key = datetime.fromisoformat(at), UUID(order_id)
    except ValueError:
        return None
    return key if key[0].tzinfo is not None else None
