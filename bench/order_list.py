"""The order list's questions, asked of a database of generated orders: every search field, filter and order of rows.

python -m bench.order_list --url postgresql+psycopg://... --runs 40
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from bench.generate_orders import SKUS, tracking_number
from orders.adapters.rds.order_search import Words
from webapp.console.customers.queries import find_customers
from webapp.console.dashboard.queries import figures
from webapp.console.fulfilment.queries import in_picking, to_pick
from webapp.console.jobs import radar
from webapp.console.orders.queries import find_orders
from webapp.console.orders.search import Cursor, OrderSearch

PAGE = 50


def _questions(session: Session) -> Iterator[tuple[str, str]]:
    """Every search field, every filter, every order of rows, and filters together; as query strings."""
    row = session.execute(
        text("SELECT id, number, email FROM orders WHERE version > 2 OFFSET 777 LIMIT 1")
    ).one()
    yield "first page", ""
    yield "by number", f"q={row.number}"
    yield "by order id", f"q={row.id}"
    yield "by e-mail", f"q={row.email}"
    yield "by beginning of e-mail", f"q={row.email.partition('@')[0]}@ex"
    yield "by full name", "q=Tilda Torsoska"
    yield "by common first name", "q=anna"
    yield "by popular SKU", f"q={SKUS[3]}"
    yield "by rare SKU", f"q={SKUS[-2]}"
    yield "by tracking number", f"q={tracking_number(str(row.id))}"
    yield "no such thing", "q=zzzzzz"
    yield "oldest first", "sort=placed"
    yield "dearest first", "sort=-total"
    yield "cheapest first", "sort=total"
    yield "completed", "status=completed"
    yield "cancelled, dearest", "status=cancelled&sort=-total"
    yield "payment failed", "payment=failed"
    yield "partly refunded, dearest", "payment=partly_refunded&sort=-total"
    yield "being picked", "fulfilment=picking"
    yield "on hold", "hold=held&sort=placed"
    yield "not held, cheapest", "hold=free&sort=total"
    yield "one day last year", "from=2025-10-01&to=2025-10-01"
    yield "one day, dearest", "from=2025-10-01&to=2025-10-01&sort=-total"
    yield "a year, cheapest", "from=2025-01-01&to=2025-12-31&sort=total"
    yield "between 100 and 101", "min=100&max=101"
    yield "to Malta", "country=MT"
    yield "to Malta, dearest", "country=MT&sort=-total"
    yield "express, cheapest", "shipping=express&sort=total"
    yield (
        "to do",
        (
            "status=placed&status=confirmed&fulfilment=unfulfilled&fulfilment=picking&fulfilment=partly_shipped"
            "&hold=free&sort=placed"
        ),
    )
    yield "to pick", "status=confirmed&fulfilment=unfulfilled&hold=free&sort=placed"
    yield "completed in Malta, express", "status=completed&country=MT&shipping=express"
    yield "cancelled, above 300", "status=cancelled&min=300"
    yield "dearest refunded in France", "sort=-total&payment=partly_refunded&country=FR"
    yield "cancelled yet captured", "status=cancelled&payment=captured"
    yield "the same, dearest first", "status=cancelled&payment=captured&sort=-total"
    yield "cancelled yet shipped, Malta", "status=cancelled&fulfilment=shipped&country=MT"
    yield "delivered, on hold, express", "fulfilment=delivered&hold=held&shipping=express"
    yield "Anna in Malta", "q=anna&country=MT"
    yield "Anna, cancelled yet captured", "q=anna&status=cancelled&payment=captured"
    yield "popular SKU, cancelled, France", f"q={SKUS[3]}&status=cancelled&country=FR"
    yield "popular SKU, dearest", f"q={SKUS[3]}&sort=-total"


def _beside_the_list(session: Session, now: datetime) -> Iterator[tuple[str, Callable[[], Sequence[object]]]]:
    """The other pages that read the orders."""
    yield "radar: stages", lambda: radar.stage_ages(session, now)
    yield "radar: late orders", lambda: radar.stuck_orders(session, now)
    yield "dashboard: figures", lambda: figures(session, now, 30, "EUR").days
    yield "customers: anna", lambda: find_customers(session, "anna")
    yield "warehouse: to pick", lambda: to_pick(session)
    yield "warehouse: in picking", lambda: in_picking(session)


def measure(url: str, runs: int) -> list[dict[str, object]]:
    """Every question `runs` times: the page with its count, as the console asks it. Milliseconds."""
    engine = create_engine(url)
    found: list[dict[str, object]] = []
    with Session(engine) as session:
        for name, query in list(_questions(session)):
            search = OrderSearch.parse(Words(query))
            ask = partial(find_orders, session, search, None, PAGE)
            found.append({"question": name, "rows": len(ask().rows), **_timed(ask, runs)})
            session.rollback()
        deep = Cursor(datetime.now(UTC) - timedelta(days=700), uuid.UUID(int=0))
        ask = partial(find_orders, session, OrderSearch(status=("completed",)), deep, PAGE)
        found.append({"question": "a page 2 years deep", "rows": len(ask().rows), **_timed(ask, runs)})
        for name, read in _beside_the_list(session, datetime.now(UTC)):
            found.append({"question": name, "rows": len(read()), **_timed(read, runs)})
            session.rollback()
    return found


def _timed(ask: Callable[[], object], runs: int) -> dict[str, float]:
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - began) * 1000)
    taken.sort()
    return {
        "p50_ms": round(statistics.median(taken), 1),
        "p95_ms": round(taken[int(len(taken) * 0.95) - 1], 1),
    }


def main() -> None:
    """Print the times, and write them as JSON where they are wanted so."""
    parser = argparse.ArgumentParser(
        "python -m bench.order_list",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--url", required=True)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    rows = measure(given.url, given.runs)
    print(f"{'question':34} {'rows':>4} {'p50 ms':>8} {'p95 ms':>8}")
    for row in rows:
        print(f"{row['question']:34} {row['rows']:>4} {row['p50_ms']:>8} {row['p95_ms']:>8}")
    if given.out:
        given.out.write_text(json.dumps(rows, indent=2), "utf-8")


if __name__ == "__main__":
    main()
