"""A thousand open order pages on one web host: how soon each one moves, what they cost in memory, and what others notice.

    python -m bench.tracking_pages --database URL [--pages 1000] [--seconds 40] [--workers 2] [--json FILE]

Every page is a real HTTP stream (server-sent events) to gunicorn, from an address of its own. While they are open,
orders move in the tracking table; the delay is from before that write to the event's arrival at its page. Other pages
are asked for at a slow, steady pace, without the streams, with them, and with them while orders move. The database is
one that `flask catalog generate` has filled.
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import create_engine, text

from bench.open_pages import OpenPage, Visitor, Watchers, percentile, until
from bench.web_server import WebServer, gunicorn, local_stores
from orders import links
from orders.adapters.aws import make_client
from orders.adapters.dynamodb.tracking import DynamoTracking
from orders.domain.events import EventType
from orders.domain.ids import OrderId, new_order_id, order_number
from orders.ports import TrackingStore, TrackingView

DELAY_P50_SECONDS, DELAY_P99_SECONDS = 1.0, 2.0
MEMORY_BYTES = 100_000_000
SLOWER = 1.5
"""What issue and design promise: a page moves within a second, the slowest hundredth within two."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured. Latencies in milliseconds, delays in seconds."""

    pages: int
    moves: int
    missed: int
    delay_p50: float
    delay_p99: float
    delay_max: float
    memory_growth_bytes: int
    alone_p50_ms: float
    alone_p99_ms: float
    idle_p50_ms: float
    idle_p99_ms: float
    moving_p50_ms: float
    moving_p99_ms: float

    @property
    def slower(self) -> float:
        """How much slower other pages are while the streams are open and orders move."""
        return self.moving_p50_ms / self.alone_p50_ms


def place_orders(tracking: TrackingStore, count: int, keys: Sequence[str]) -> list[OpenPage]:
    """Orders that were confirmed a moment ago, in the tracking table."""
    pages = []
    for number in range(count):
        now = datetime.now(UTC)
        order_id = new_order_id(now)
        view = TrackingView(
            order_id=order_id,
            number=order_number(order_id),
            version=2,
            stage="confirmed",
            order_status="confirmed",
            payment_status="authorised",
            fulfilment_status="unfulfilled",
            updated_at=now,
            events=((str(EventType.ORDER_PLACED), now), (str(EventType.ORDER_CONFIRMED), now)),
        )
        tracking.project(view)
        pages.append(OpenPage(number, view, links.sign(OrderId(order_id), keys)))
    return pages


def move(pages: Sequence[OpenPage], tracking: TrackingStore, seconds: float) -> int:
    """Move orders one after the other, each one once, spread over the time; returns how many moved."""
    order = list(pages)
    random.Random(5).shuffle(order)
    began = time.perf_counter()
    for nth, page in enumerate(order):
        ahead = began + nth * seconds / len(order) - time.perf_counter()
        if ahead > 0:
            time.sleep(ahead)
        now = datetime.now(UTC)
        page.view = replace(
            page.view,
            version=page.view.version + 1,
            stage="preparing",
            fulfilment_status="picking",
            updated_at=now,
            events=(*page.view.events, (str(EventType.PICKING_STARTED), now)),
        )
        page.moved_at = time.perf_counter()
        tracking.project(page.view)
    return len(order)


def other_paths(database_url: str) -> list[str]:
    """Lists and products of the catalogue."""
    engine = create_engine(database_url)
    with engine.connect() as connection:
        shelves = connection.scalars(text("SELECT slug FROM categories WHERE product_count > 0")).all()
        slugs = connection.scalars(
            text("SELECT slug FROM products WHERE is_active ORDER BY id LIMIT 50")
        ).all()
    engine.dispose()
    return ["/", *(f"/shop/{slug}" for slug in shelves), *(f"/products/{slug}" for slug in slugs)]


def run(database_url: str, count: int, seconds: float, workers: int) -> Report:
    """Open, move, measure."""
    with ExitStack() as stack:
        environment, settings = local_stores(stack, Path(stack.enter_context(tempfile.TemporaryDirectory())))
        settings = replace(settings, secret_key=secrets.token_hex(32))
        tracking = DynamoTracking(make_client("dynamodb", settings), settings)
        pages = place_orders(tracking, count, links.keys_of(settings))
        server = stack.enter_context(
            gunicorn("webapp.wsgi:app", {**environment, **_web(settings.secret_key, database_url)}, workers)
        )
        paths = other_paths(database_url)
        return _measured(server, tracking, pages, paths, seconds)


def _web(secret_key: str, database_url: str) -> Mapping[str, str]:
    return {
        "CARTWRIGHT_SECRET_KEY": secret_key,
        "CARTWRIGHT_DATABASE_URL": database_url,
        "CARTWRIGHT_TRUSTED_PROXIES": "1",
    }


def _measured(
    server: WebServer,
    tracking: TrackingStore,
    pages: Sequence[OpenPage],
    paths: Sequence[str],
    seconds: float,
) -> Report:
    with Visitor(server.port, paths):
        time.sleep(
            seconds / 4
        )  # Warm: connections, templates, the tree of categories, the memory that they take.
    with Visitor(server.port, paths) as alone:
        time.sleep(seconds / 2)
    before = server.memory_bytes()
    with Watchers(pages, server.port) as watchers:
        with Visitor(server.port, paths) as idle:
            time.sleep(seconds / 2)
        with Visitor(server.port, paths) as moving:
            moves = move(pages, tracking, seconds)
            until(lambda: not any(page.moved_at for page in pages), "the last page to move", fails=False)
        watchers.check()
        growth = server.memory_bytes() - before
    delays = [delay for page in pages for delay in page.delays]
    return Report(
        pages=len(pages),
        moves=moves,
        missed=moves - len(delays),
        delay_p50=percentile(delays, 0.5),
        delay_p99=percentile(delays, 0.99),
        delay_max=max(delays),
        memory_growth_bytes=growth,
        alone_p50_ms=alone.percentile(0.5),
        alone_p99_ms=alone.percentile(0.99),
        idle_p50_ms=idle.percentile(0.5),
        idle_p99_ms=idle.percentile(0.99),
        moving_p50_ms=moving.percentile(0.5),
        moving_p99_ms=moving.percentile(0.99),
    )


def show(report: Report) -> bool:
    """Print the figures; returns whether every promise was kept."""
    promises = (
        ("every page moved", f"{report.moves - report.missed} of {report.moves}", report.missed == 0),
        ("p50 of the delay <= 1 s", f"{report.delay_p50:.2f} s", report.delay_p50 <= DELAY_P50_SECONDS),
        ("p99 of the delay <= 2 s", f"{report.delay_p99:.2f} s (longest {report.delay_max:.2f} s)",
         report.delay_p99 <= DELAY_P99_SECONDS),
        ("memory grows by < 100 MB", f"{report.memory_growth_bytes / 1e6:.0f} MB",
         report.memory_growth_bytes < MEMORY_BYTES),
        ("other pages <= 1.5 x", f"{report.slower:.2f} x", report.slower <= SLOWER),
    )  # fmt: skip
    print(f"{report.pages} open pages, {report.moves} moves")
    for name, found, is_kept in promises:
        print(f"  {name:28} {found}{'' if is_kept else '   MISSED'}")
    for name in ("alone", "idle", "moving"):
        p50, p99 = getattr(report, f"{name}_p50_ms"), getattr(report, f"{name}_p99_ms")
        print(f"  other pages, {name:7} p50 {p50:6.1f} ms, p99 {p99:6.1f} ms")
    return all(is_kept for _, _, is_kept in promises)


def main() -> int:
    """Measure and tell; exit code 1 when a promise was missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--database", required=True, help="SQLAlchemy URL of a migrated, filled database")
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=40.0, help="how long orders move")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    report = run(options.database, options.pages, options.seconds, options.workers)
    if options.json:
        options.json.write_text(json.dumps({**asdict(report), "slower": report.slower}, indent=2) + "\n")
    return 0 if show(report) else 1


if __name__ == "__main__":
    raise SystemExit(main())
