"""`python -m bench.flash_sale`: one SKU, ten thousand shoppers for five hundred pieces, with and without split counters.

A crowd that never gets smaller works through the queue of shoppers, each with a browser of its own on the real pages.
Whoever finds the product sold out is done; the others go the whole way to the order. Exit code 1 when a piece too many or
too few was sold, an answer took longer than five seconds, or anybody saw a server error.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import argparse  # noqa: E402 (gevent patches before anything else is imported)
import http.client  # noqa: E402
import json  # noqa: E402
import random  # noqa: E402
import shutil  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections import Counter  # noqa: E402
from dataclasses import dataclass, field  # noqa: E402
from pathlib import Path  # noqa: E402

import gevent.pool  # noqa: E402
import psycopg  # noqa: E402

from bench.load.browser import Browser, Page  # noqa: E402
from bench.load.run import Plan, stock_up, warm_up  # noqa: E402
from bench.load.samples import percentile  # noqa: E402
from bench.load.shopper import SOLD_OUT, Placing, StepFailed, checkout_steps, visitor_address  # noqa: E402
from bench.shop import Shop, find_shop, started_shop  # noqa: E402
from orders.adapters.aws import make_client  # noqa: E402
from orders.adapters.clock import SystemClock  # noqa: E402
from orders.adapters.dynamodb.inventory import DynamoInventory  # noqa: E402
from orders.domain.ids import Sku  # noqa: E402

OWN_HOME = Path(".local/flash-sale")
TOLD_WITHIN_SECONDS = 5.0
ORDERED, REFUSED = "ordered", "refused at the click"
DRAIN_SECONDS = 60.0


@dataclass
class Sale:
    """One sale and what came of it."""

    counters: int
    pieces: int
    shoppers: int
    told: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    """Seconds of every answer that a shopper waited for."""
    server_errors: int = 0
    sold: int = 0
    available: int = 0
    seconds: float = 0.0
    seconds_to_sell: float = 0.0

    @property
    def is_kept(self) -> bool:
        """Whether the promise was kept: exactly the pieces, everybody told in time, no server error."""
        return (
            self.sold == self.pieces
            and self.available == 0
            and self.server_errors == 0
            and max(self.waits) <= TOLD_WITHIN_SECONDS
            and sum(self.told.values()) == self.shoppers
            and self.told.keys() <= {ORDERED, REFUSED, SOLD_OUT}
        )


def hold(shop: Shop, sku: Sku, path: str, sale: Sale, crowd: int, seed: int) -> None:
    """Hold a sale; fills in what came of it."""
    settings = shop.settings
    inventory = DynamoInventory(make_client("dynamodb", settings), settings, SystemClock())
    before = inventory.levels([sku])[sku]
    inventory.set_up_sku(sku, before.price_minor, before.currency, counters=sale.counters)
    if before.available != sale.pieces:
        inventory.adjust(sku, sale.pieces - before.available, f"flash:{seed}:{sku}")
    dsn = settings.database_url.replace("postgresql+psycopg://", "postgresql://")
    began = time.monotonic()
    pool = gevent.pool.Pool(crowd)
    for number in range(seed, seed + sale.shoppers):
        pool.spawn(_visit, shop.url, path, number, sale, began)
    pool.join()
    sale.seconds = time.monotonic() - began
    sale.sold = _sold(dsn, sku, sale.told[ORDERED])
    sale.available = inventory.levels([sku])[sku].available


def _visit(url: str, path: str, number: int, sale: Sale, began: float) -> None:
    browser = Browser(url, visitor_address(number))
    try:
        outcome = _shop(browser, path, number, sale)
    except StepFailed as failure:
        outcome = str(failure)
    except (http.client.HTTPException, OSError, LookupError) as failure:
        outcome = type(failure).__name__
        sale.server_errors += 1
    finally:
        browser.close()
    sale.told[outcome] += 1
    if outcome == ORDERED:
        sale.seconds_to_sell = time.monotonic() - began


def _shop(browser: Browser, path: str, number: int, sale: Sale) -> str:
    def timed(page_of: object) -> Page:
        clicked = time.monotonic()
        page: Page = page_of()  # type: ignore[operator]
        sale.waits.append(time.monotonic() - clicked)
        if page.status >= 500:
            sale.server_errors += 1
            raise StepFailed(f"HTTP {page.status}")
        return page

    page = timed(lambda: browser.get(path))
    try:
        form = page.form("/cart/lines")
    except LookupError:
        return SOLD_OUT
    page = timed(lambda: browser.submit(form, quantity="1"))
    for step in checkout_steps(browser, number):
        try:
            page = timed(lambda step=step, page=page: step(page))
        except StepFailed as failure:
            # The cart or the checkout says that there is none left: the shopper knows.
            return SOLD_OUT if "/cart" in str(failure) or "instead of" in str(failure) else str(failure)
    try:
        page = timed(Placing(browser, page).go_on)
    except StepFailed as failure:
        is_refused = str(failure) == SOLD_OUT or "/checkout/" in str(failure) or "/cart" in str(failure)
        return REFUSED if is_refused else str(failure)
    return ORDERED


def _sold(dsn: str, sku: Sku, expected: int) -> int:
    """Pieces in the book, once every accepted order is there or the time is up."""
    deadline = time.monotonic() + DRAIN_SECONDS
    with psycopg.connect(dsn, autocommit=True) as connection:
        while True:
            row = connection.execute(
                "SELECT coalesce(sum(quantity), 0) FROM order_lines WHERE sku = %s", [sku]
            ).fetchone()
            sold = int(row[0]) if row else 0
            if sold >= expected or time.monotonic() > deadline:
                return sold
            gevent.sleep(0.2)


def _products(shop: Shop, count: int) -> list[tuple[Sku, str]]:
    """Products with one variant that the inventory knows and nobody has bought yet."""
    dsn = shop.settings.database_url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT min(v.sku), p.slug FROM products p JOIN variants v ON v.product_id = p.id"
            " WHERE p.is_active AND v.is_active GROUP BY p.id"
            " HAVING count(*) = 1 AND min(v.sku) NOT IN (SELECT sku FROM order_lines) ORDER BY p.slug LIMIT %s",
            [count],
        ).fetchall()
    return [(Sku(sku), f"/products/{slug}") for sku, slug in rows]


def _line(sale: Sale) -> str:
    waits = sorted(sale.waits)
    return (
        f"{sale.counters:2} counters: {sale.sold} of {sale.pieces} sold to {sale.shoppers:,} shoppers in {sale.seconds:.0f} s"
        f" (the last piece after {sale.seconds_to_sell:.0f} s), answers p50 {percentile(waits, 0.5) * 1000:.0f} ms,"
        f" p99 {percentile(waits, 0.99) * 1000:.0f} ms, worst {waits[-1] * 1000:.0f} ms, server errors {sale.server_errors},"
        f" told {dict(sale.told)}: {'kept' if sale.is_kept else 'NOT KEPT'}"
    )


def main() -> int:
    """Hold a sale for each number of counters and compare."""
    parser = argparse.ArgumentParser("python -m bench.flash_sale", description=__doc__)
    parser.add_argument("--shoppers", type=int, default=10_000)
    parser.add_argument("--pieces", type=int, default=500)
    parser.add_argument("--crowd", type=int, default=32, help="shoppers in the shop at once (%(default)s)")
    parser.add_argument(
        "--counters", type=int, nargs="+", default=[1, 8], help="one sale for each (%(default)s)"
    )
    parser.add_argument(
        "--home", type=Path, help="a running shop's CARTWRIGHT_HOME; without it one is started"
    )
    parser.add_argument("--own-home", type=Path, default=OWN_HOME, help="where it is started; emptied first")
    parser.add_argument("--out", type=Path, default=Path("reports/flash-sale.json"))
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if chosen.home:
        return _hold_all(find_shop(chosen.home), chosen)
    shutil.rmtree(chosen.own_home, ignore_errors=True)
    with started_shop(
        chosen.own_home.absolute(), CARTWRIGHT_TRUSTED_PROXIES="1", CARTWRIGHT_LOG_LEVEL="WARNING"
    ) as shop:
        return _hold_all(shop, chosen)


def _hold_all(shop: Shop, chosen: argparse.Namespace) -> int:
    dsn = shop.settings.database_url.replace("postgresql+psycopg://", "postgresql://")
    warm_up(
        shop.url, Plan(4, 64, 8, 1.0, random.randrange(10**6), is_straight=True), stock_up(shop, dsn), dsn
    )
    sales = []
    for counters, (sku, path) in zip(chosen.counters, _products(shop, len(chosen.counters)), strict=True):
        sale = Sale(counters, chosen.pieces, chosen.shoppers)
        hold(shop, sku, path, sale, chosen.crowd, seed=(int(time.time()) % 10_000) * 100_000)
        print(_line(sale), flush=True)
        sales.append(sale)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    data = [
        {
            **{name: value for name, value in vars(sale).items() if name != "waits"},
            "waits": {share: percentile(sorted(sale.waits), share) for share in (0.5, 0.95, 0.99, 1.0)},
            "is_kept": sale.is_kept,
        }
        for sale in sales
    ]
    chosen.out.write_text(json.dumps(data, indent=1), "utf-8")
    return 0 if all(sale.is_kept for sale in sales) else 1


if __name__ == "__main__":
    sys.exit(main())
