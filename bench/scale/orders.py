"""The console's questions over the size of the book: how many blocks the database touches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from bench.generate_orders import SKUS, fill
from bench.scale.points import BLOCKS, Point, told
from local.postgres import Cluster, create_database
from local.seed import migrate
from webapp.console.orders.queries import find_orders
from webapp.console.orders.search import OrderSearch

QUESTIONS = {
    "first page": "",
    "by an unknown e-mail": "q=anna.schmann1@example.com",
    "by full name": "q=Tilda Torsoska",
    "by popular SKU": f"q={SKUS[3]}",
    "to do": "status=placed&status=confirmed&fulfilment=unfulfilled&fulfilment=picking&hold=free&sort=placed",
    "dearest refunded in France": "sort=-total&payment=partly_refunded&country=FR",
}


class Statements:
    """The reading statements that an engine executes while this is asked to listen."""

    def __init__(self, engine: Engine) -> None:
        self.heard: list[tuple[str, Any]] = []
        self._engine = engine

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Within the block, from the beginning."""
        self.heard = []
        event.listen(self._engine, "before_cursor_execute", self._hear)
        try:
            yield
        finally:
            event.remove(self._engine, "before_cursor_execute", self._hear)

    def _hear(self, _conn: Connection, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            self.heard.append((statement, parameters))

    def blocks(self) -> int:
        """What they touch when they are executed again, counted by PostgreSQL itself."""
        total = 0
        with self._engine.connect() as connection:
            for statement, parameters in self.heard:
                explained = connection.exec_driver_sql(
                    f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {statement}", parameters
                ).scalar_one()
                plan = explained[0]["Plan"]
                total += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        return total


def orders(cluster: Cluster, largest: int) -> list[Point]:
    """The console's questions over the size of the book."""
    points: list[Point] = []
    for size in (10**power for power in range(4, largest + 1)):
        name = f"orders_{size}"
        create_database(cluster.superuser_dsn(), name)
        url = cluster.url(name)
        migrate(url)
        fill(url, size, seed=1)
        engine = create_engine(url)
        statements = Statements(engine)
        for question, query in QUESTIONS.items():
            search = OrderSearch.parse(MultiDict(parse_qsl(query)))
            with Session(engine) as session, statements.listening():
                find_orders(session, search, None, 50)
            points.append(Point("orders", question, size, statements.blocks(), BLOCKS))
        engine.dispose()
        told(points)
    return points
