"""One load run: shoppers arrive at random moments at a set rate, and everything that can be measured is."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import gevent
import gevent.pool
import psycopg

from bench.load.report import RunFacts
from bench.load.resources import ResourceSampler
from bench.load.samples import Recorder
from bench.load.shopper import Errand, Shopper
from bench.shop import Shop
from orders import links
from orders.adapters.aws import make_client
from orders.adapters.clock import SystemClock
from orders.adapters.dynamodb.inventory import DynamoInventory
from orders.adapters.sqs import SqsQueue
from orders.domain.errors import Unavailable

PRODUCTS = 300
PIECES_PER_SKU = 100_000
DRAIN_SECONDS = 60.0
WARM_UP_RATE = 4.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do: `rate` shoppers arrive per second for `seconds`, at most `shoppers` in the shop at once."""

    rate: float
    shoppers: int
    seconds: float
    buying_share: float
    seed: int
    is_straight: bool = False
    """Every shopper buys one thing on the shortest way: the rate is then one of orders."""
    patience_seconds: float = 0.0
    warm_up_seconds: float = 8.0
    """Shoppers who come before the clock starts: they start the Lambdas and fill the caches, and are not counted."""


Visits = Callable[[Recorder, Callable[[], float], list[str]], int]
"""Lets shoppers in, by the run's clock, to these pages; returns how many found the generator full."""


def measure(
    shop: Shop, plan: Plan, say: Callable[[str], None], visits: Visits | None = None
) -> tuple[RunFacts, Recorder]:
    """Run a plan against a shop and gather the facts. `visits` lets the shoppers in; without it they come at the plan's rate."""
    settings = shop.settings
    dsn = settings.database_url.replace("postgresql+psycopg://", "postgresql://")
    paths = stock_up(shop, dsn)
    warm_up(shop.url, plan, paths, dsn)
    recorder = Recorder()
    began_at = datetime.now(UTC)
    started, spent_before = time.monotonic(), time.process_time()

    def clock() -> float:
        return time.monotonic() - started

    resources = ResourceSampler(shop.pids())
    resources.start()
    queue = SqsQueue(make_client("sqs", settings), settings.orders_queue_url)
    facts = RunFacts("Load run", plan.seconds, plan.rate, plan.shoppers)
    watcher = gevent.spawn(_watch, facts, queue, resources, recorder, clock, say)
    if visits is None:
        turned_away = arrivals(shop.url, plan, recorder, clock, paths)
    else:
        turned_away = visits(recorder, clock, paths)
    _drain(dsn, began_at, recorder)
    watcher.kill()
    resources.sample(clock())
    resources.finish()
    _take_stock(facts, dsn, began_at, recorder, links.keys_of(settings))
    facts.cpu_seconds = {**resources.cpu_seconds, "generator": time.process_time() - spent_before}
    facts.memory = dict(resources.memory)
    if turned_away:
        facts.notes.append(
            f"{turned_away} shoppers found the generator itself full ({plan.shoppers} at once): the shop was slower"
            " than the arrivals, and what they would have met is not in the latencies."
        )
    return facts, recorder


def warm_up(url: str, plan: Plan, paths: list[str], dsn: str) -> None:
    """Let a few shoppers in before the run, and wait until their orders are recorded."""
    if not plan.warm_up_seconds:
        return
    seed = plan.seed + 1_000
    gentle = replace(
        plan, rate=min(plan.rate, WARM_UP_RATE), seconds=plan.warm_up_seconds, seed=seed, patience_seconds=60
    )
    began_at, recorder, started = datetime.now(UTC), Recorder(), time.monotonic()
    arrivals(url, gentle, recorder, lambda: time.monotonic() - started, paths)
    _drain(dsn, began_at, recorder)


def stock_up(shop: Shop, dsn: str, pieces: int = PIECES_PER_SKU) -> list[str]:
    """Enough pieces of the most popular products, so that the run measures the shop and not an empty shelf.

    Returns the paths of their pages.
    """
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT p.slug, array_agg(v.sku) FROM products p JOIN variants v ON v.product_id = p.id"
            " WHERE p.is_active AND v.is_active GROUP BY p.id ORDER BY p.popularity DESC LIMIT %s",
            [PRODUCTS],
        ).fetchall()
    settings = shop.settings
    inventory = DynamoInventory(make_client("dynamodb", settings), settings, SystemClock())
    run = f"load:{int(time.time())}"
    known = inventory.levels([sku for _, skus in rows for sku in skus])
    for sku, level in known.items():
        if level.available < pieces // 10:
            inventory.restock(sku, pieces, f"{run}:{sku}")
    return [f"/products/{slug}" for slug, skus in rows if any(sku in known for sku in skus)]


def arrivals(url: str, plan: Plan, recorder: Recorder, clock: Callable[[], float], paths: list[str]) -> int:
    """Let shoppers in, and wait until the last has left; returns how many found the generator full."""
    crowd = gevent.pool.Pool(plan.shoppers)
    turned_away = let_in(url, plan, recorder, clock, paths, crowd)
    crowd.join(timeout=DRAIN_SECONDS)
    return turned_away


def let_in(
    url: str,
    plan: Plan,
    recorder: Recorder,
    clock: Callable[[], float],
    paths: list[str],
    crowd: gevent.pool.Pool,
    begins_at: float = 0.0,
) -> int:
    """Let shoppers in by a Poisson process (exponential gaps), from `begins_at` of the clock on; returns how many found no
    place in the crowd."""
    draw = random.Random(plan.seed)
    due, number, turned_away = begins_at, plan.seed * 100_000, 0
    while True:
        due += draw.expovariate(plan.rate)
        if due > begins_at + plan.seconds:
            return turned_away
        gevent.sleep(max(0.0, due - clock()))
        number += 1
        if crowd.full():
            turned_away += 1
            continue
        shopper = Shopper(
            url, recorder, random.Random(number), clock, paths, number, patience_seconds=plan.patience_seconds
        )
        crowd.spawn(shopper.run, due, Errand.draw(draw, plan.buying_share, is_straight=plan.is_straight))


def _watch(
    facts: RunFacts,
    queue: SqsQueue,
    resources: ResourceSampler,
    recorder: Recorder,
    clock: Callable[[], float],
    say: Callable[[str], None],
) -> None:
    while True:
        gevent.sleep(1.0)
        now = clock()
        try:
            depth = queue.depth()
        except Unavailable:
            continue  # A shop that is overloaded may not say how full its queues are.
        facts.queue_depth.append((now, float(depth.total)))
        resources.look(now)
        if int(now) % 5 == 0:
            failed = sum(1 for sample in recorder.samples if sample.error)
            say(
                f"{now:4.0f} s  {len(recorder.clicked):6,} orders, {failed:,} failed steps, {depth.total:,} messages wait"
            )


def _drain(dsn: str, began_at: datetime, recorder: Recorder) -> None:
    """Wait until every accepted order is in the book, or the time is up."""
    deadline = time.monotonic() + DRAIN_SECONDS
    with psycopg.connect(dsn, autocommit=True) as connection:
        while time.monotonic() < deadline:
            if _recorded(connection, began_at) >= len(recorder.clicked):
                return
            gevent.sleep(0.2)


def _recorded(connection: psycopg.Connection, began_at: datetime) -> int:
    row = connection.execute("SELECT count(*) FROM orders WHERE placed_at >= %s", [began_at]).fetchone()
    return int(row[0]) if row else 0


def _take_stock(
    facts: RunFacts, dsn: str, began_at: datetime, recorder: Recorder, keys: Sequence[str]
) -> None:
    facts.accepted = len(recorder.clicked)
    clicked = {links.read(token, keys): moment for token, moment in recorder.clicked.items()}
    with psycopg.connect(dsn) as connection:
        facts.recorded = _recorded(connection, began_at)
        confirmed = connection.execute(
            "SELECT order_id::text, extract(epoch FROM at) FROM timeline_events"
            " WHERE type = 'order_confirmed' AND at >= %s",
            [began_at],
        )
        facts.to_confirmed = [
            float(at) - clicked[order_id] for order_id, at in confirmed if order_id in clicked
        ]
