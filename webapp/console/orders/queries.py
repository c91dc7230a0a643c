"""The order list's questions to the database: one page by key, a count that stops counting, and the words of a search.

Every order of rows has an index that ends in the id, so that the next page is one index range after the last row.
What was typed is told apart first (number, e-mail, tracking number, SKU, name), because each has its own index and an
OR over all of them would use none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, false, func, literal, select, text, true, tuple_
from sqlalchemy.orm import Session

from orders.adapters.rds.fulfilment_models import ShipmentRow
from orders.adapters.rds.models import Order, OrderLine
from orders.domain.ids import is_order_id, normalise_order_number
from webapp.console.orders.search import Cursor, OrderSearch

COUNT_TO = 1000
"""A list says "1,000+" rather than count millions: nobody reads further."""
_WORD = re.compile(r"[^\W_]+", re.UNICODE)
NAME_WORDS = func.to_tsvector(text("'simple'"), Order.name)
"""The indexed expression of the search by name (ix_orders_name_words); a query must use the very same one."""

_LISTED = (
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


@dataclass(frozen=True, slots=True)
class OrderPage:
    """One page of the list. `found` is the number of orders of the whole result, at most COUNT_TO + 1, or None when
    counting would cost more than the page."""

    rows: Sequence[Any]
    before: str
    after: str
    found: int | None


def find_orders(session: Session, search: OrderSearch, cursor: Cursor | None, size: int) -> OrderPage:
    """One page of a search, and how many orders it has in all (up to COUNT_TO)."""
    conditions = conditions_of(session, search)
    column, is_descending = _sort_of(search)
    is_backwards = cursor is not None and cursor.is_backwards
    reads_down = is_descending != is_backwards
    statement = select(*_LISTED).where(*conditions)
    if cursor is not None and isinstance(cursor.value, datetime) == (column is Order.placed_at):
        here = tuple_(column, Order.id)
        there = tuple_(literal(cursor.value), literal(cursor.id))
        statement = statement.where(here < there if reads_down else here > there)
    ordered = (column.desc(), Order.id.desc()) if reads_down else (column.asc(), Order.id.asc())
    rows = list(session.execute(statement.order_by(*ordered).limit(size + 1)).all())
    has_more = len(rows) > size
    rows = rows[:size]
    if is_backwards:
        rows.reverse()
    return OrderPage(
        rows,
        before=_cursor(rows[0], column, back=True)
        if rows and (cursor and (not is_backwards or has_more))
        else "",
        after=_cursor(rows[-1], column) if rows and (has_more or is_backwards) else "",
        found=_found(session, search, conditions, rows, is_whole=cursor is None and not has_more),
    )


def _found(
    session: Session,
    search: OrderSearch,
    conditions: Sequence[ColumnElement[bool]],
    rows: Sequence[Any],
    *,
    is_whole: bool,
) -> int | None:
    """How many orders there are. A common name has many, and only reading them all would tell: then nobody counts."""
    if is_whole:
        return len(rows)
    return None if search.q else count_orders(session, conditions)


def count_orders(session: Session, conditions: Sequence[ColumnElement[bool]]) -> int:
    """How many orders there are, up to COUNT_TO + 1: the database stops reading there."""
    some = select(Order.id).where(*conditions).limit(COUNT_TO + 1).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def every_order(session: Session, search: OrderSearch, size: int = 2000) -> Iterator[Any]:
    """Every order of a search, newest first, read by key in pages: an export holds no long transaction and no list."""
    conditions = conditions_of(session, search)
    after: tuple[datetime, UUID] | None = None
    while True:
        statement = select(*_LISTED).where(*conditions)
        if after is not None:
            statement = statement.where(
                tuple_(Order.placed_at, Order.id) < tuple_(literal(after[0]), literal(after[1]))
            )
        rows = session.execute(statement.order_by(Order.placed_at.desc(), Order.id.desc()).limit(size)).all()
        yield from rows
        if len(rows) < size:
            return
        after = (rows[-1].placed_at, rows[-1].id)


def _sort_of(search: OrderSearch) -> tuple[Any, bool]:
    column = Order.total_minor if search.sort.endswith("total") else Order.placed_at
    return column, search.sort.startswith("-")


def _cursor(row: Any, column: Any, *, back: bool = False) -> str:
    return Cursor(row.placed_at if column is Order.placed_at else row.total_minor, row.id, back).encode()


def conditions_of(session: Session, search: OrderSearch) -> list[ColumnElement[bool]]:
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
        found.append(Order.placed_at >= datetime.combine(search.placed_from, time(), UTC))
    if search.placed_to:
        found.append(Order.placed_at < datetime.combine(search.placed_to, time(), UTC) + timedelta(days=1))
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


def typed_condition(session: Session, typed: str) -> ColumnElement[bool]:
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
    return _name(typed)


def _email(typed: str) -> ColumnElement[bool]:
    """The whole address, or its beginning: `anna@` finds every Anna's, by a range of the index."""
    column = func.lower(Order.email)
    domain = typed.partition("@")[2]
    if "." in domain:
        return column == typed
    return column.like(literal(typed.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"))


def _name(typed: str) -> ColumnElement[bool]:
    """Every word must begin a word of the name, in any order: `schm an` finds Anna Schmidt."""
    words = _WORD.findall(typed.lower())[:6]
    if not words:
        return false()
    # The words hold letters and digits only, so they cannot break out of the query's syntax.
    wanted = " & ".join(f"{word}:*" for word in words)
    return NAME_WORDS.op("@@")(func.to_tsquery(text("'simple'"), wanted))


def shipping_codes(session: Session) -> list[str]:
    """The delivery codes in use, found by hopping through the index (one step per code, not per order)."""
    first = select(func.min(Order.shipping_code).label("code")).cte("codes", recursive=True)
    following = select(
        select(func.min(Order.shipping_code)).where(Order.shipping_code > first.c.code).scalar_subquery()
    ).where(first.c.code.is_not(None))
    codes = first.union_all(following)
    return [code for code in session.scalars(select(codes.c.code)) if code]
