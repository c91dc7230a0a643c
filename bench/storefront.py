"""How fast the shop's pages are, beside a hello-world Flask page on the same gunicorn settings, at 1,000 and at 1,000,000 products.

    python -m bench.storefront --small URL --large URL [--seconds 4] [--rounds 3] [--json FILE]

The two URLs are databases filled by `flask catalog generate`. Everything is measured in turn, round after round, so that
a busy machine slows all of it alike; the figures that count are ratios within a round, and their medians.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from flask import Flask
from sqlalchemy import create_engine, text

from bench.web_server import WebServer, gunicorn, local_stores
from orders.adapters.aws import make_client
from orders.adapters.clock import SystemClock
from orders.adapters.dynamodb.inventory import DynamoInventory
from webapp.catalog.stock import StockEntry, set_up_stock

CLIENTS = 4
PATHS_PER_KIND = 400
OWN_PAGE = {"Cookie": "seen=1"}
"""A visitor with a cookie gets a page of their own: rendered from the database, never from the page cache."""

hello = Flask("hello")
"""The yardstick: what Flask and gunicorn cost before a shop does anything."""


@hello.get("/")
def say_hello() -> str:
    """A page without anything in it."""
    return "<!doctype html><title>Hello</title><p>Hello, world!"


@dataclass(frozen=True, slots=True)
class Target:
    """One kind of page: which server, which addresses, which headers, and the ratio that is promised."""

    name: str
    server: WebServer
    paths: Sequence[str]
    headers: Mapping[str, str]
    floor: float = 0.0


@dataclass(slots=True)
class Figures:
    """What one target did in one round."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float
    failures: int
    cpu_ms: float
    """Processor time of the web server per request: what a busy machine changes least."""


def measure(target: Target, seconds: float) -> Figures:
    """Ask for the target's pages over kept connections for a while."""
    durations: list[float] = []
    failures = [0]
    ends_at = time.perf_counter() + seconds

    def ask(seed: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", target.server.port, timeout=30)
        order = random.Random(seed)
        while time.perf_counter() < ends_at:
            began = time.perf_counter()
            connection.request("GET", order.choice(target.paths), headers=dict(target.headers))
            answer = connection.getresponse()
            answer.read()
            durations.append(time.perf_counter() - began)
            failures[0] += answer.status not in (200, 304)
        connection.close()

    began, cpu = time.perf_counter(), target.server.cpu_seconds()
    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    ordered = sorted(durations)
    return Figures(
        len(ordered) / took,
        ordered[len(ordered) // 2] * 1000,
        ordered[int(len(ordered) * 0.99)] * 1000,
        failures[0],
        (target.server.cpu_seconds() - cpu) / len(ordered) * 1000,
    )


@dataclass(frozen=True, slots=True)
class Addresses:
    """What there is to look at in one database."""

    lists: Sequence[str]
    details: Sequence[str]
    searches: Sequence[str]
    stock: Sequence[StockEntry]


def addresses(database_url: str) -> Addresses:
    """Shelves, products and words of a database, the same choice in every run."""
    engine = create_engine(database_url)
    chance = random.Random(7)
    with engine.connect() as connection:
        shelves = (
            connection.execute(text("SELECT slug FROM categories WHERE product_count > 0 ORDER BY slug"))
            .scalars()
            .all()
        )
        last = connection.execute(text("SELECT max(id) FROM products")).scalar_one()
        ids = [chance.randint(1, last) for _ in range(PATHS_PER_KIND)]
        slugs = (
            connection.execute(text("SELECT slug FROM products WHERE id = ANY(:ids)"), {"ids": ids})
            .scalars()
            .all()
        )
        stocked = connection.execute(
            text("SELECT sku, v.price_minor, v.currency FROM variants v JOIN products p ON p.id = v.product_id WHERE p.slug = ANY(:slugs)"),
            {"slugs": list(slugs)},
        ).all()  # fmt: skip
        # Half of the words as shoppers choose them (frequent), half as they occur (rare).
        frequent = (
            connection.execute(text("SELECT word FROM search_words ORDER BY frequency DESC, word LIMIT 150"))
            .scalars()
            .all()
        )
        words = (
            connection.execute(text("SELECT word FROM search_words ORDER BY md5(word) LIMIT 150"))
            .scalars()
            .all()
        )
    engine.dispose()
    sorts = ("popular", "price", "price-down", "new")
    return Addresses(
        lists=[f"/shop/{chance.choice(shelves)}?sort={chance.choice(sorts)}" for _ in range(PATHS_PER_KIND)],
        details=[f"/products/{slug}" for slug in slugs],
        searches=[f"/search?q={word}" for word in (*frequent, *words)],
        stock=[StockEntry(row.sku, row.price_minor, row.currency, 60) for row in stocked],
    )


def targets(yardstick: WebServer, shop: WebServer, size: str, known: Addresses) -> list[Target]:
    """The kinds of page of one shop."""
    shared = [known.lists[0]]
    connection = http.client.HTTPConnection("127.0.0.1", shop.port, timeout=30)
    connection.request("GET", shared[0])
    answer = connection.getresponse()
    answer.read()
    etag = answer.headers["ETag"]
    return [
        Target("hello", yardstick, ["/"], {}),
        Target(f"list {size}", shop, known.lists, OWN_PAGE, 0.12),
        Target(f"detail {size}", shop, known.details, OWN_PAGE, 0.15),
        Target(f"search {size}", shop, known.searches, OWN_PAGE, 0.10),
        Target(f"cached {size}", shop, shared, {}, 0.5),
        Target(f"304 {size}", shop, shared, {"If-None-Match": etag}, 0.5),
    ]


def run(databases: Mapping[str, str], seconds: float, rounds: int) -> dict[str, dict[str, float]]:
    """Measure every kind of page in every database; returns the medians by name, with the ratio to the yardstick."""
    results: dict[str, list[tuple[Figures, float]]] = {}
    floors: dict[str, float] = {}
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        # A product's page asks the inventory for its stock, as it does in the shop.
        environment, settings = local_stores(stack, Path(folder))
        inventory = DynamoInventory(make_client("dynamodb", settings), settings, SystemClock())
        yardstick = stack.enter_context(gunicorn("bench.storefront:hello", {}))
        kinds: list[Target] = []
        for size, url in databases.items():
            shop = stack.enter_context(
                gunicorn("webapp.wsgi:app", {**environment, "CARTWRIGHT_DATABASE_URL": url})
            )
            known = addresses(url)
            set_up_stock(inventory, known.stock)
            kinds += targets(yardstick, shop, size, known)[1 if kinds else 0 :]
        for target in kinds:
            measure(target, min(seconds, 1.5))  # Warm: connections, templates, the tree of categories.
        for _ in range(rounds):
            base = 0.0
            for target in kinds:
                figures = measure(target, seconds)
                base = figures.requests_per_second if target.name == "hello" else base
                results.setdefault(target.name, []).append((figures, figures.requests_per_second / base))
                floors[target.name] = target.floor
    return {name: _median(found, floors[name]) for name, found in results.items()}


def _median(found: Sequence[tuple[Figures, float]], floor: float) -> dict[str, float]:
    figures = {key: statistics.median(asdict(f)[key] for f, _ in found) for key in asdict(found[0][0])}
    return {**figures, "ratio": statistics.median(ratio for _, ratio in found), "floor": floor}


def report(results: Mapping[str, Mapping[str, float]]) -> bool:
    """Print the table; returns whether every promise was kept."""
    kept = True
    print(
        f"{'page':16} {'req/s':>8} {'p50 ms':>8} {'p99 ms':>8} {'cpu ms':>7} {'x hello':>8} {'promised':>9}"
    )
    for name, row in results.items():
        is_kept = row["ratio"] >= row["floor"] and not row["failures"]
        kept = kept and is_kept
        print(
            f"{name:16} {row['requests_per_second']:8.0f} {row['p50_ms']:8.2f} {row['p99_ms']:8.1f} {row['cpu_ms']:7.2f} {row['ratio']:8.3f}"
            f" {row['floor']:9.2f}{'' if is_kept else '  MISSED'}"
        )
    for kind in ("list", "detail", "search"):
        if (small := results.get(f"{kind} small")) and (large := results.get(f"{kind} large")):
            growth = large["p50_ms"] / small["p50_ms"]
            kept = kept and growth <= 1.3
            print(f"{kind}: p50 grows by {growth:.2f} x (promised 1.3){'' if growth <= 1.3 else '  MISSED'}")
    return kept


def main() -> int:
    """Measure and tell; exit code 1 when a promise was missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--small", required=True, help="SQLAlchemy URL of a database with 1,000 products")
    parser.add_argument("--large", help="SQLAlchemy URL of a database with 1,000,000 products")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    databases = {"small": options.small, **({"large": options.large} if options.large else {})}
    results = run(databases, options.seconds, options.rounds)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")
    return 0 if report(results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
