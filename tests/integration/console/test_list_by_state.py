"""A page that is merged from the states is the very page that a plain look through all orders gives."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, product
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, select, text, update
from sqlalchemy.orm import Session

from bench.generate_orders import SKUS, fill
from bench.scale.orders import Statements
from orders.adapters.rds.models import Order
from orders.adapters.rds.order_finding import conditions_of
from orders.adapters.rds.order_search import Words
from webapp.console.orders import by_state, queries
from webapp.console.orders.queries import COUNT_TO, find_orders
from webapp.console.orders.search import Cursor, OrderSearch

ORDERS = 1_500
PAGE = 25
PLACES = (
    "country=MT",
    "shipping=express",
    "country=DE&shipping=standard",
    "country=FR&shipping=pickup",
    "country=XX",
)
STATES = (
    "status=completed",
    "status=cancelled&status=confirmed",
    "payment=captured",
    "payment=failed&payment=partly_refunded&fulfilment=unfulfilled&fulfilment=delivered",
    "status=cancelled&payment=captured",
)
REST = ("", "hold=free&sort=placed", "from=2025-06-01", f"q={SKUS[3]}", "q=anna&sort=placed", "sort=placed")
"""One more than the places, so that they meet in turns."""


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A database with a few thousand orders in many states."""
    fill(database_url, ORDERS, seed=6)
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def book(engine: Engine) -> Iterator[Session]:
    """A session of that database."""
    with Session(engine) as session:
        yield session


def _looked_through(book: Session, search: OrderSearch) -> list[Any]:
    """The ids of every order of a search, by a statement that knows nothing of pages."""
    rows = book.execute(select(Order.id, Order.placed_at).where(*conditions_of(book, search))).all()
    return [
        row.id
        for row in sorted(rows, key=lambda row: (row.placed_at, row.id), reverse=search.sort == "-placed")
    ]


def _leafed_through(book: Session, search: OrderSearch) -> Iterator[list[Any]]:
    """Every page of the list, forwards; each one is also asked for from the page after it, backwards."""
    cursor, before = None, []
    while True:
        page = find_orders(book, search, cursor, PAGE)
        rows = [row.id for row in page.rows]
        if page.before:
            assert [
                row.id for row in find_orders(book, search, Cursor.decode(page.before), PAGE).rows
            ] == before
        yield rows
        if not page.after:
            return
        cursor, before = Cursor.decode(page.after), rows


def test_every_page_by_state_is_that_of_all_orders_looked_through(
    book: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No order is left out, none comes twice, in both orders of rows, forwards and backwards; and the number is right."""
    monkeypatch.setattr(queries, "COUNT_MILLISECONDS", 60_000)
    filled = 0
    for (status, place), rest in zip(product(STATES, PLACES), cycle(REST), strict=False):
        query = "&".join(filter(None, (status, place, rest)))
        search = OrderSearch.parse(Words(query))
        assert by_state.is_by_state(search), query
        wanted = _looked_through(book, search)
        assert [row for rows in _leafed_through(book, search) for row in rows] == wanted, query
        found = find_orders(book, search, None, PAGE).found
        assert found == min(len(wanted), COUNT_TO + 1) or (search.q and found is None), query
        filled += bool(wanted)
    assert filled > len(STATES) * 2, "many searches found something"


def _rows_read(plan: dict[str, Any]) -> int:
    """The rows that the scans below a node read, also those that a filter left out."""
    own = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0) if "Relation Name" in plan else 0
    return int(own * plan["Actual Loops"]) + sum(_rows_read(below) for below in plan.get("Plans", ()))


def test_orders_under_way_are_not_read_for_a_page_of_completed_ones(book: Session, engine: Engine) -> None:
    """Nine in ten orders, and all the newest, are under way: a page reads its rows, and a few to find the states."""
    newest = select(Order.id).order_by(Order.placed_at.desc()).limit(ORDERS * 9 // 10)
    book.execute(update(Order).where(Order.id.in_(newest)).values(status="confirmed"))
    book.commit()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE orders"))
    asked = Statements(engine)
    with asked.listening():
        page = find_orders(
            book, OrderSearch.parse(Words("status=completed&country=DE&shipping=express")), None, 5
        )
    assert len(page.rows) == 5
    of_page, *_ = asked.heard
    with engine.connect() as connection:
        # Few orders would be read and sorted, whatever the statement says. Among millions that is out of the question.
        connection.exec_driver_sql("SET enable_sort = off; SET enable_bitmapscan = off")
        explained = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {of_page[0]}", of_page[1])
        assert _rows_read(explained.scalar_one()[0]["Plan"]) < ORDERS // 20
