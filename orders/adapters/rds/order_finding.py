"""Finding orders: a search as SQL conditions, and every order that it means.

What was typed is told apart first (number, e-mail, tracking number, SKU, name), because each has its own index and an
OR over all of them would use none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, exists, false, func, literal, select, text, true, tuple_
from sqlalchemy.orm import Session

from orders.adapters.rds.fulfilment_models import ShipmentRow
from orders.adapters.rds.models import Order, OrderLine
from orders.adapters.rds.order_search import OrderSearch
from orders.domain.ids import is_order_id, normalise_order_number
from orders.domain.order import FulfilmentStatus, OrderStatus, PaymentStatus

Asked = Session | Connection
"""Whoever asks: the console's session or the worker's connection."""
_WORD = re.compile(r"[^\W_]+", re.UNICODE)
NAME_WORDS = func.to_tsvector(text("'simple'"), Order.name)
"""The indexed expression of the search by name (ix_orders_name_words); a query must use the very same one."""

LISTED = (
    Order.id,
    Order.number,
    Order.version,
    Order.status,
    Order.payment_status,
    Order.fulfilment_status,
    Order.is_held,
    Order.hold_reason,
    Order.currency,
    Order.total_minor,
    Order.shipping_name,
    Order.name,
    Order.email,
    Order.country,
    Order.discount_code,
    Order.placed_at,
    Order.updated_at,
)


def page_of_orders(asked: Asked, search: OrderSearch, after: str, size: int) -> tuple[Sequence[Any], str]:
    """The next orders of a search, newest first, and where the page after them begins; empty at the end.

    `after` is what the page before gave, empty for the first: an export holds no long transaction and no list.
    """
    statement = select(*LISTED).where(*conditions_of(asked, search))
    if after:
        placed_at, order_id = after.split()
        here = tuple_(literal(datetime.fromisoformat(placed_at)), literal(UUID(order_id)))
        statement = statement.where(tuple_(Order.placed_at, Order.id) < here)
    rows = asked.execute(statement.order_by(Order.placed_at.desc(), Order.id.desc()).limit(size)).all()
    return rows, f"{rows[-1].placed_at.isoformat()} {rows[-1].id}" if len(rows) == size else ""


def count_of_orders(asked: Asked, search: OrderSearch) -> int:
    """How many orders a search has, all of them counted: seconds among millions, so for the worker."""
    return asked.scalar(select(func.count()).select_from(Order).where(*conditions_of(asked, search))) or 0


def conditions_of(session: Asked, search: OrderSearch) -> list[ColumnElement[bool]]:
    """The search as SQL conditions. Asks the database what kind of word was typed, where its form does not tell."""
    found: list[ColumnElement[bool]] = []
    if search.status:
        found.append(Order.status.in_(search.status))
    if search.payment:
        found.append(Order.payment_status.in_(search.payment))
    if search.fulfilment:
        found.append(Order.fulfilment_status.in_(search.fulfilment))
    if search.hold:
        # Bare, as the index ix_orders_held says it: PostgreSQL reads `= true` as that, but not `IS true`.
        found.append(Order.is_held == (true() if search.hold == "held" else false()))
    if search.placed_from:
        found.append(Order.placed_at >= datetime.combine(search.placed_from, time(), search.zone))
    if search.placed_to:
        found.append(
            Order.placed_at < datetime.combine(search.placed_to, time(), search.zone) + timedelta(days=1)
        )
    if search.total_from is not None:
        found.append(Order.total_minor >= search.total_from)
    if search.total_to is not None:
        found.append(Order.total_minor <= search.total_to)
    if search.country:
        found.append(Order.country == search.country)
    if search.shipping:
        found.append(Order.shipping_code == search.shipping)
    if search.q:
        found.append(typed_condition(session, search.q))
    return found


def plan_for_what_was_typed(session: Asked) -> None:
    """Have the questions of this transaction planned for their own words.

    psycopg prepares what is asked often, and PostgreSQL then plans it once for any word: a rare SKU would be looked for
    as if it were a common one, in a second instead of ten milliseconds.
    """
    session.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))


def every_state(search: OrderSearch) -> list[ColumnElement[bool]]:
    """Conditions that hold for every order, and let a search use ix_orders_states from its first column.

    PostgreSQL does not skip columns of an index (before version 18); every value of a status is a list of six at most.
    """
    asked = (search.status, search.payment, search.fulfilment)
    if not any((*asked, search.country, search.shipping)):
        return []
    columns = (Order.status, Order.payment_status, Order.fulfilment_status)
    every = (OrderStatus, PaymentStatus, FulfilmentStatus)
    return [
        column.in_([str(one) for one in values])
        for column, values, given in zip(columns, every, asked, strict=True)
        if not given
    ]


def typed_condition(session: Asked, typed: str) -> ColumnElement[bool]:
    """What was typed into the search field, told apart by its form, then by what the database knows."""
    if is_order_id(typed.lower()):
        return Order.id == UUID(typed)
    if (number := normalise_order_number(typed)) is not None:
        return Order.number == number
    if "@" in typed:
        return _email(typed.lower())
    # The index leaves out the empty numbers, so the query says that it does, too.
    parcels = select(ShipmentRow.order_id).where(
        ShipmentRow.tracking_number == typed, ShipmentRow.tracking_number != ""
    )
    if session.scalar(select(parcels.exists())):
        return Order.id.in_(parcels)
    for sku in dict.fromkeys((typed, typed.upper())):
        if session.scalar(select(exists().where(OrderLine.sku == sku))):
            return exists().where(OrderLine.order_id == Order.id, OrderLine.sku == sku)
    return _name(session, typed)


def _email(typed: str) -> ColumnElement[bool]:
    """The whole address, or its beginning: `anna@` finds every Anna's, by a range of the index."""
    column = func.lower(Order.email)
    domain = typed.partition("@")[2]
    if "." in domain:
        return column == typed
    return column.like(literal(typed.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"))


def _name(session: Asked, typed: str) -> ColumnElement[bool]:
    """Every word must begin a word of the name, in any order: `schm an` finds Anna Schmidt.

    Whoever types a whole name means it: where names have these very words (the last one may be a beginning), only those
    are found. Beginnings of common words are long lists to read, whole words next to none.
    """
    words = _WORD.findall(typed.lower())[:6]
    if not words:
        return false()
    # The words hold letters and digits only, so they cannot break out of the query's syntax.
    *whole, last = words
    if whole:
        meant = _names_with(" & ".join((*whole, f"{last}:*")))
        if session.scalar(select(exists().where(meant))):
            return meant
    return _names_with(" & ".join(f"{word}:*" for word in words))


def _names_with(wanted: str) -> ColumnElement[bool]:
    return NAME_WORDS.op("@@")(func.to_tsquery(text("'simple'"), wanted))
