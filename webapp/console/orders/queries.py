"""The order list's questions to the database: one page by key, and a count that stops counting.

Every order of rows has an index that ends in the id, so that the next page is one index range after the last row. Filters
that hardly ever meet (cancelled, but captured) would walk such an index to its end: a walk that does not find its page
soon is broken off, and the matches are gathered by their filters and sorted. Filters which the newest orders do not meet
yet (completed, to Malta) are merged from the states instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.errors import QueryCanceled
from sqlalchemy import ColumnElement, Select, func, literal, select, text, tuple_
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from orders.adapters.rds.models import Order
from orders.adapters.rds.order_finding import LISTED, conditions_of, every_state, plan_for_what_was_typed
from webapp.console.orders.by_state import first_of_each_state, is_by_state, known_values
from webapp.console.orders.search import Cursor, OrderSearch

COUNT_TO = 1000
"""A list says "1,000+" rather than count millions: nobody reads further."""

Keys = Select[*tuple[Any, ...]]
_KEYS = (Order.id, Order.placed_at, Order.total_minor)

STATES_MILLISECONDS = 40
"""How long a word may be looked for state by state: orders with a rare one are found sooner by the word itself."""
WALK_MILLISECONDS = 60
"""How long an index may be walked for a page before the other way is taken."""
PATIENT_MILLISECONDS = 1_500
"""The same for a second try where a name was typed: every order of a common name would have to be fetched to gather."""
COUNT_MILLISECONDS = 30
"""How long anybody waits for the number above a page that is there already."""


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
    plan_for_what_was_typed(session)
    conditions = conditions_of(session, search)
    column, is_descending = _sort_of(search)
    is_backwards = cursor is not None and cursor.is_backwards
    reads_down = is_descending != is_backwards
    beyond: list[ColumnElement[bool]] = []
    if cursor is not None and isinstance(cursor.value, datetime) == (column is Order.placed_at):
        here = tuple_(column, Order.id)
        there = tuple_(literal(cursor.value), literal(cursor.id))
        beyond.append(here < there if reads_down else here > there)
    rows = _page(session, _ways(search, conditions, beyond, column.key, size + 1, down=reads_down))
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


def _ways(
    search: OrderSearch,
    conditions: Sequence[ColumnElement[bool]],
    beyond: Sequence[ColumnElement[bool]],
    sort: str,
    limit: int,
    *,
    down: bool,
) -> Iterator[tuple[int, Keys]]:
    """The ways to a page's rows, and how many milliseconds each may take before the next one is tried; 0 for any time.

    They find the keys first and the rows at the end, so that what is passed over is read from an index alone.
    """

    def sorted_by(columns: Any, keys: Any) -> Any:
        ordered = [one.desc() if down else one.asc() for one in (columns[sort], columns["id"])]
        return keys.order_by(*ordered).limit(limit)

    def rows_of(keys: Any) -> Any:
        found = keys.subquery("found")
        return sorted_by(found.c, select(*LISTED).join(found, found.c.id == Order.id))

    def sorted_rows_of(keys: Any) -> Any:
        return rows_of(sorted_by(keys.selected_columns, keys))

    every = (*conditions, *beyond)
    walk = sorted_rows_of(select(*_KEYS).where(*every))
    if len(conditions) < 2:
        yield 0, walk  # One condition has its index.
        return
    if is_by_state(search):
        by_state = sorted_rows_of(first_of_each_state(search, _KEYS, every, limit, down=down))
        yield STATES_MILLISECONDS if search.q else 0, by_state
    yield WALK_MILLISECONDS, walk
    if search.q:
        yield PATIENT_MILLISECONDS, walk
    # A CTE that is materialised is planned by itself: its filters choose the indexes, and the order of rows none.
    wide = select(*_KEYS).where(*every, *every_state(search))
    yield 0, sorted_rows_of(select(wide.cte("gathered").prefix_with("MATERIALIZED", dialect="postgresql")))


def _page(session: Session, ways: Iterable[tuple[int, Keys]]) -> list[Any]:
    """The rows of a page, by the first way that finds them in its time."""
    for milliseconds, way in ways:
        rows = _within(session, milliseconds, way) if milliseconds else list(session.execute(way).all())
        if rows is not None:
            return rows
    raise AssertionError("the last way has no limit")


def _within(session: Session, milliseconds: int, statement: Select[*tuple[Any, ...]]) -> list[Any] | None:
    """The rows of a question, or None when the database has not found them by then; nothing else is given up."""
    # Rolled back in either case: the savepoint takes its time limit with it.
    with session.begin_nested() as savepoint:
        session.execute(text(f"SET LOCAL statement_timeout = {milliseconds}"))
        try:
            return list(session.execute(statement).all())
        except OperationalError as error:
            if not isinstance(error.orig, QueryCanceled):
                raise
            return None
        finally:
            savepoint.rollback()


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
    return None if search.q else _count(session, search, conditions)


def _count(session: Session, search: OrderSearch, conditions: Sequence[ColumnElement[bool]]) -> int | None:
    """How many orders there are, up to COUNT_TO + 1: the database stops reading there. None when even that takes long."""
    some: Keys = select(Order.id).where(*conditions)
    if is_by_state(search):
        some = first_of_each_state(search, _KEYS, conditions, COUNT_TO + 1, down=True)
    count = select(func.count()).select_from(some.limit(COUNT_TO + 1).subquery())
    if len(conditions) < 2:
        return session.scalar(count) or 0
    counted = _within(session, COUNT_MILLISECONDS, count)
    return None if counted is None else int(counted[0][0])


def _sort_of(search: OrderSearch) -> tuple[Any, bool]:
    column = Order.total_minor if search.sort.endswith("total") else Order.placed_at
    return column, search.sort.startswith("-")


def _cursor(row: Any, column: Any, *, back: bool = False) -> str:
    return Cursor(row.placed_at if column is Order.placed_at else row.total_minor, row.id, back).encode()


def shipping_codes(session: Session) -> list[str]:
    """The delivery codes in use."""
    return [code for code in session.scalars(select(known_values(Order.shipping_code).c.value)) if code]
