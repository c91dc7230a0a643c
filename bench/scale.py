"""`python -m bench.scale [PART ...]`: how cost grows with work, as a table, JSON and a page of plots.

catalogue  a shelf, a product, a search with 10^3 to 10^6 products: processor time of the web and of the database per page
orders     the console's questions with 10^4 to 10^6 orders: database blocks
lines      an order of 1 to 98 lines: processor time of decoding, checking, accepting it
shoppers   1 to 64 shoppers asking at once: the web server's processor time per page

Processor time and blocks (8 kB each, from memory or disk) depend little or not at all on what else the machine does, so the
curves can be compared between days. `--largest 5` ends catalogue and orders at 10^5.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from math import log10
from pathlib import Path
from typing import Any

import psutil
from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from bench.generate_orders import SKUS, fill
from bench.load.report import STYLE
from bench.micro import accepting, decoding, processor_milliseconds
from bench.plots import line_plot
from bench.storefront import OWN_PAGE, addresses
from bench.web_server import gunicorn, local_stores
from local.postgres import Cluster, create_database
from local.seed import migrate
from local.temporary import temporary_postgres
from orders.settings import Settings
from webapp import create_app
from webapp.console.orders.queries import find_orders
from webapp.console.orders.search import OrderSearch

LINES = (1, 2, 5, 10, 20, 50, 98)
SHOPPERS = (1, 2, 4, 8, 16, 32, 64)
PAGES = 200
SECONDS = 3.0
QUESTIONS = {
    "first page": "",
    "by an unknown e-mail": "q=anna.schmann1@example.com",
    "by full name": "q=Tilda Torsoska",
    "by popular SKU": f"q={SKUS[3]}",
    "to do": "status=placed&status=confirmed&fulfilment=unfulfilled&fulfilment=picking&hold=free&sort=placed",
    "dearest refunded in France": "sort=-total&payment=partly_refunded&country=FR",
}
BLOCKS, MILLISECONDS = "blocks touched", "CPU ms"


@dataclass(frozen=True, slots=True)
class Point:
    """One measured cost: what was done, with how much there, and what it took."""

    part: str
    what: str
    size: int
    cost: float
    unit: str


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


def catalogue(cluster: Cluster, largest: int) -> list[Point]:
    """The shop's pages over the size of its catalogue."""
    points = []
    for size in (10**power for power in range(3, largest + 1)):
        url = _catalogue(cluster, size)
        with ExitStack() as stack:
            environment, _ = local_stores(stack, Path(stack.enter_context(tempfile.TemporaryDirectory())))
            settings = Settings.from_environment({**environment, "CARTWRIGHT_DATABASE_URL": url})
            points += _pages(create_app(settings).test_client(), url, size)
        _told(points)
    return points


def _catalogue(cluster: Cluster, size: int) -> str:
    name = f"catalogue_{size}"
    create_database(cluster.superuser_dsn(), name)
    url = cluster.url(name)
    migrate(url)
    generate = ["catalog", "generate", "--products", str(size), "--stocked-skus", "0"]
    subprocess.run(
        [sys.executable, "-m", "flask", "--app", "webapp.wsgi", *generate],
        env={**os.environ, "CARTWRIGHT_DATABASE_URL": url},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return url


def _pages(client: FlaskClient, url: str, size: int) -> Iterator[Point]:
    known = addresses(url)
    kinds = {"shelf": known.lists, "product": known.details, "search": known.searches}
    for kind, paths in kinds.items():
        chosen = list(islice(cycle(paths), PAGES))
        for path in chosen[:3]:  # Warm: templates, the tree of categories, connections.
            client.get(path, headers=OWN_PAGE)
        pids = _backends(url)
        before, used = _processor_seconds(pids), []
        for path in chosen:
            began = time.process_time()
            answer = client.get(path, headers=OWN_PAGE)
            used.append((time.process_time() - began) * 1000)
            if answer.status_code != 200:
                raise SystemExit(f"{path} answered {answer.status_code}")
        asked = (_processor_seconds(pids) - before) * 1000 / len(chosen)
        yield Point("catalogue", f"{kind}, web", size, statistics.median(used), MILLISECONDS)
        yield Point("catalogue", f"{kind}, database", size, asked, MILLISECONDS)


def _backends(url: str) -> list[int]:
    """The database's processes that serve the web."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT pid FROM pg_stat_activity"
            " WHERE application_name = 'cartwright-web' AND datname = current_database()"
        )
        pids = [int(row.pid) for row in found]
    engine.dispose()
    return pids


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
            search = OrderSearch.parse(
                MultiDict([tuple(pair.split("=", 1)) for pair in query.split("&") if pair])
            )
            with Session(engine) as session, statements.listening():
                find_orders(session, search, None, 50)
            points.append(Point("orders", question, size, statements.blocks(), BLOCKS))
        engine.dispose()
        _told(points)
    return points


def lines() -> list[Point]:
    """One order over the number of its lines; the stores are in memory, so this is our own share."""
    return [
        Point("lines", what, count, processor_milliseconds(make(count)), MILLISECONDS)
        for count in LINES
        for what, make in (("decode and check", decoding), ("accept", accepting))
    ]


def shoppers(cluster: Cluster) -> list[Point]:
    """One web process, asked by ever more shoppers at once for pages of their own."""
    url = _catalogue(cluster, 1000)
    with ExitStack() as stack:
        environment, _ = local_stores(stack, Path(stack.enter_context(tempfile.TemporaryDirectory())))
        server = stack.enter_context(
            gunicorn("webapp.wsgi:app", {**environment, "CARTWRIGHT_DATABASE_URL": url})
        )
        paths = addresses(url).lists
        _crowd(server.port, paths, 4)
        points = []
        for count in SHOPPERS:
            before = _processor_seconds(server.processes())
            answered = _crowd(server.port, paths, count)
            used = _processor_seconds(server.processes()) - before
            points.append(Point("shoppers", "shelf", count, used * 1000 / answered, MILLISECONDS))
    return points


def _crowd(port: int, paths: Sequence[str], count: int) -> int:
    """Let so many ask for a while, each as soon as it has its answer; returns how many answers there were."""
    answers: list[int] = []
    ends_at = time.monotonic() + SECONDS

    def ask(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        for path in islice(cycle(paths), number, None):
            if time.monotonic() > ends_at:
                break
            connection.request("GET", path, headers=OWN_PAGE)
            answer = connection.getresponse()
            answer.read()
            answers.append(answer.status)
        connection.close()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong := set(answers) - {200}:
        raise SystemExit(f"pages answered {wrong}")
    return len(answers)


def _processor_seconds(pids: Sequence[int]) -> float:
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(each.user + each.system for each in times)


def write(folder: Path, points: Sequence[Point]) -> Path:
    """points.json and report.html; returns the path of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "points.json").write_text(json.dumps([asdict(point) for point in points], indent=1), "utf-8")
    plots = []
    for part, unit in dict.fromkeys((point.part, point.unit) for point in points):
        chosen = [point for point in points if (point.part, point.unit) == (part, unit)]
        is_wide = max(point.size for point in chosen) >= 1000
        x: Callable[[float], float] = log10 if is_wide else float
        series = {
            what: [(x(point.size), point.cost) for point in chosen if point.what == what]
            for what in dict.fromkeys(point.what for point in chosen)
        }
        plots.append(
            line_plot(
                part.capitalize(), series, x_label=f"{part}, power of ten" if is_wide else part, y_label=unit
            )
        )
    page = folder / "report.html"
    title = "How cost grows with work"
    rows = "".join(
        f"<tr><td>{point.part}<td>{point.what}<td>{point.size:,}<td>{point.cost:,.2f} {point.unit}"
        for point in points
    )
    page.write_text(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{title}</title><style>{STYLE}</style><h1>{title}</h1>{''.join(plots)}"
        f"<table><tr><th>part<th>what<th>how many<th>cost</tr>{rows}</table>",
        "utf-8",
    )
    return page


def _told(points: Sequence[Point]) -> None:
    """Print the points of the largest size, which are the newest."""
    newest = points[-1].size
    for point in points:
        if point.size == newest:
            print(
                f"{point.part:10} {point.what:28} {point.size:>9,} {point.cost:10,.2f} {point.unit}",
                flush=True,
            )


PARTS = ("lines", "shoppers", "catalogue", "orders")


def main() -> int:
    """Measure what is asked for, print it and write the report."""
    parser = argparse.ArgumentParser(
        "python -m bench.scale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--largest", type=int, default=6, help="power of ten (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("reports/scale"))
    chosen = parser.parse_args()
    if unknown := set(chosen.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    points: list[Point] = []
    with tempfile.TemporaryDirectory(prefix="scale-") as folder:
        Path(folder).chmod(0o711)  # PostgreSQL may run as another user.
        with temporary_postgres(Path(folder)) as cluster:
            measured: dict[str, Callable[[], list[Point]]] = {
                "lines": lines,
                "shoppers": lambda: shoppers(cluster),
                "catalogue": lambda: catalogue(cluster, chosen.largest),
                "orders": lambda: orders(cluster, chosen.largest),
            }
            for part in chosen.parts or PARTS:
                found = measured[part]()
                if part in {"lines", "shoppers"}:
                    for size in dict.fromkeys(point.size for point in found):
                        _told([point for point in found if point.size == size])
                points += found
    print(f"report: {write(chosen.out, points)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
