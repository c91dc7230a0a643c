"""How many orders a second each hop takes, what a rate needs, and what saturates first: `python -m bench.capacity`.

The limits are AWS's documented quotas and the parameters of prod; the work of an order is counted from the product's
own items (cloudformation/cost/work.py); the hot article is simulated (capacity_hot_sku.py). What is assumed is in
capacity_figures.py, with the command that measures it. `--write` puts the figures into docs/capacity.md.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.capacity_figures import ASSUMED, QUOTAS
from bench.capacity_hot_sku import Outcome, simulate
from cloudformation.cost.model import USAGE
from cloudformation.cost.resolve import Resolved
from cloudformation.cost.work import OrderWork, order_work
from cloudformation.deploy.stages import load_stage
from cloudformation.deploy.template import load_all
from orders.adapters.dynamodb.heads import MAX_COUNTERS
from orders.adapters.dynamodb.items import SHARDS

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "capacity.md"
BEGIN, END = "<!-- written by python -m bench.capacity --write: {} -->", "<!-- end of {} -->"
RATES = (10, 100, 1_000, 10_000)
COUNTERS = (1, 2, 4, 8, 16, 32, 64)
HOT_RATES = (50, 200, 1_000, 3_000, 10_000)


@dataclass(frozen=True)
class Hop:
    """One hop of the way from browser to database."""

    name: str
    limit: float
    unit: str
    """In which the limit is counted, per second unless it says otherwise."""
    usual: float
    """Units for one order on a usual day."""
    drop: float
    """And in a drop."""
    is_waiting_allowed: bool
    """Behind a queue: above its limit orders wait, and nobody is refused."""
    more: str
    """What raises the limit."""

    @property
    def usual_orders(self) -> float:
        """Orders a second at the limit."""
        return self.limit / self.usual

    @property
    def drop_orders(self) -> float:
        """The same in a drop."""
        return self.limit / self.drop


def hops() -> list[Hop]:
    """Every hop of prod as its parameters and AWS's quotas have it."""
    work, usage = order_work(), json.loads(USAGE.read_text("utf-8"))["order"]
    prod = _prod()
    pages, drop = float(usage["pages"]), ASSUMED["drop_pages"][0]
    files = pages + usage["static_files"]
    few = drop * files / pages
    megabytes, few_megabytes = usage["megabytes_out"], usage["megabytes_out"] * drop / pages
    concurrency = prod["SubmitOrderConcurrency"]
    calls = min(concurrency / ASSUMED["submit_seconds"][0], concurrency * QUOTAS["lambda_per_environment"][0])
    in_index = 2 * math.ceil(work.reservation_bytes / 1024)
    cpu = ASSUMED["page_cpu_seconds"][0]
    record = ASSUMED["record_cpu_seconds"][0]
    held = ASSUMED["page_connection_seconds"][0]
    batch = 1 / ASSUMED["record_per_host"][0]
    mails = float(usage["emails"])
    notified = prod["NotifyBatches"] / ASSUMED["notify_seconds"][0]
    return [
        Hop("CloudFront, requests", QUOTAS["cloudfront_requests"][0], "requests", files, few, False, "quota"),
        Hop("CloudFront, bytes", QUOTAS["cloudfront_bits"][0] / 8e6, "MB", megabytes, few_megabytes, False, "quota"),
        Hop("web hosts", prod["WebMaximum"] * prod["RequestsPerWebHost"] / 60, "pages", pages, drop, False, "`WebMaximum`, `WebInstanceType`"),
        Hop("order API", min(prod["ThrottleRate"], QUOTAS["api_requests"][0]), "requests", 1, 1, False, "`ThrottleRate`, then the account's quota"),
        Hop("submit_order", calls, "calls", 1, 1, False, "`SubmitOrderConcurrency`, then the account's quota"),
        Hop("inventory table", QUOTAS["dynamodb_table_units"][0], "write units", work.inventory_write_units, work.inventory_write_units, False, "quota"),
        Hop("its outbox and expiry indexes", SHARDS * QUOTAS["dynamodb_partition_units"][0], "write units", in_index, in_index, False, "`SHARDS` in orders/adapters/dynamodb/items.py"),
        Hop("tracking table", QUOTAS["dynamodb_table_units"][0], "write units", work.tracking_write_units, work.tracking_write_units, False, "quota"),
        Hop("SQS orders, in flight", QUOTAS["sqs_in_flight"][0] / ASSUMED["held_seconds"][0], "messages", 1, 1, True, "quota"),
        Hop("worker hosts", prod["WorkerMaximum"] * ASSUMED["record_per_host"][0], "orders", 1, 1, True, "`WorkerMaximum`"),
        Hop("database connections", prod["DatabaseConnectionsLimit"], "connection seconds", pages * held + batch, drop * held + batch, False, "`DatabaseInstanceClass`"),
        Hop("database processors", 0.8 * prod["DatabaseProcessors"], "processor seconds", pages * cpu + record, drop * cpu + record, False, "`DatabaseInstanceClass`, a read replica for pages"),
        Hop("database disk", QUOTAS["gp3_bytes"][0] / 1e6, "MB", ASSUMED["log_bytes"][0] / 1e6, ASSUMED["log_bytes"][0] / 1e6, True, "`DatabaseStorageGb` from 400 on"),
        Hop("notify_customer", notified, "messages", mails, mails, True, "`MaximumConcurrency` of the mapping in 40-orders"),
        Hop("SES", QUOTAS["ses_rate"][0], "e-mails", mails, mails, True, "quota"),
    ]  # fmt: skip


def _prod() -> dict[str, float]:
    """The figures of prod that limit it, from its parameters and templates."""
    stage, templates = load_stage("prod"), load_all(ROOT / "cloudformation")
    handed = {name for layer in stage.layers for name in templates[layer].handed_over}
    layers = {layer: Resolved(templates[layer], stage, handed) for layer in stage.layers}
    names = ("SubmitOrderConcurrency", "ThrottleRate", "WebMaximum", "WorkerMaximum", "RequestsPerWebHost",
             "DatabaseConnectionsLimit")  # fmt: skip
    found = {
        name: float(layer.parameters[name])
        for name in names
        for layer in layers.values()
        if name in layer.parameters
    }
    mappings = [
        properties["ScalingConfig"]["MaximumConcurrency"]
        for _, kind, properties in layers["40-orders"].resources()
        if kind == "AWS::Lambda::EventSourceMapping"
    ]
    # Of this family each step doubles the processors, from two of `large` on.
    size = layers["20-data"].parameters["DatabaseInstanceClass"].rsplit(".", 1)[1]
    processors = {
        "small": 2,
        "medium": 2,
        "large": 2,
        "xlarge": 4,
        "2xlarge": 8,
        "4xlarge": 16,
        "8xlarge": 32,
    }
    return {**found, "NotifyBatches": float(mappings[0]), "DatabaseProcessors": float(processors[size])}


def needs(rate: float) -> Iterator[tuple[str, str]]:
    """What a rate of orders in a drop needs of each hop that grows."""
    work, prod = order_work(), _prod()
    pages = rate * ASSUMED["drop_pages"][0]
    processors = pages * ASSUMED["page_cpu_seconds"][0] + rate * ASSUMED["record_cpu_seconds"][0]
    in_index = 2 * math.ceil(work.reservation_bytes / 1024)
    yield "web hosts", f"{math.ceil(pages / (prod['RequestsPerWebHost'] / 60)):,}"
    yield "order API: requests a second", f"{rate:,}"
    environments = max(rate * ASSUMED["submit_seconds"][0], rate / QUOTAS["lambda_per_environment"][0])
    yield "submit_order: concurrency", f"{math.ceil(environments):,}"
    yield "inventory: write units a second", f"{math.ceil(rate * work.inventory_write_units):,}"
    shards = math.ceil(rate * in_index / QUOTAS["dynamodb_partition_units"][0])
    yield "outbox and expiry: shards", f"{shards:,}" + (f" (there are {SHARDS})" if shards > SHARDS else "")
    yield "tracking: write units a second", f"{math.ceil(rate * work.tracking_write_units):,}"
    yield "worker hosts", f"{math.ceil(rate / ASSUMED['record_per_host'][0]):,}"
    yield "database: processors", f"{math.ceil(processors / 0.8):,}"
    yield "database: MB/s to disk", f"{math.ceil(rate * ASSUMED['log_bytes'][0] / 1e6):,}"
    yield "e-mails a second (may wait)", f"{math.ceil(rate * 3):,}"


def hot_sku() -> dict[tuple[int, int], Outcome]:
    """The simulation's runs by (orders a second for the one article, counters)."""
    return {
        (rate, counters): simulate(rate, counters, seconds=min(2.0, 10_000 / rate))
        for rate in HOT_RATES
        for counters in COUNTERS
    }


def reckoned() -> dict[str, str]:
    """The parts of the page that are reckoned."""
    return {
        "work": _work(order_work()),
        "hops": _hops(hops()),
        "needs": _needs(),
        "assumed": _listed(ASSUMED),
        "quotas": _listed(QUOTAS),
    }


def simulated() -> dict[str, str]:
    """The parts that are simulated, which takes five seconds."""
    return {"hot": _hot(hot_sku()), "sold-out": _sold_out()}


def sections() -> dict[str, str]:
    """All written parts of the page."""
    return {**reckoned(), **simulated()}


def _work(work: OrderWork) -> str:
    return (
        f"A typical order of two articles: a reservation of {work.reservation_bytes:,} bytes (its message {work.message_bytes:,} of them), a "
        f"view of {work.tracking_bytes} bytes; one transaction over {work.transaction_items} items; {work.inventory_write_units} write units of "
        f"the inventory and {work.tracking_write_units} of tracking until it is delivered, {work.counter_write_units} of each counter at the order."
    )


def _hops(every: Sequence[Hop]) -> str:
    rows = [
        [
            "Hop",
            "Limit a second",
            "an order, usual",
            "an order, drop",
            "orders/s, usual",
            "orders/s, drop",
            "above it",
            "more by",
        ]
    ]
    for hop in every:
        above = "orders wait" if hop.is_waiting_allowed else "shoppers wait or are refused"
        rows.append([hop.name, f"{hop.limit:,.4g} {hop.unit}" if hop.limit < 1000 else f"{hop.limit:,.0f} {hop.unit}", f"{hop.usual:,.3g}",
                     f"{hop.drop:,.3g}", f"{hop.usual_orders:,.0f}", f"{hop.drop_orders:,.0f}", above, hop.more])  # fmt: skip
    hard = [hop for hop in every if not hop.is_waiting_allowed]
    first, drop = min(hard, key=lambda hop: hop.usual_orders), min(hard, key=lambda hop: hop.drop_orders)
    verdict = (
        f"**What saturates first:** on a usual day the {first.name}, at {first.usual_orders:,.0f} orders a second "
        f"({first.usual_orders * 86_400 / 1e6:,.1f} million a day if it were always so); in a drop the {drop.name}, at {drop.drop_orders:,.0f}."
    )
    return _table(rows) + "\n\n" + verdict


def _needs() -> str:
    columns = [dict(needs(rate)) for rate in RATES]
    rows = [["In a drop", *(f"{rate:,} orders/s" for rate in RATES)]]
    rows += [[name, *(column[name] for column in columns)] for name in columns[0]]
    return _table(rows)


def _hot(runs: Mapping[tuple[int, int], Outcome]) -> str:
    rows = [["Counters", *(f"{rate:,} orders/s" for rate in HOT_RATES)]]
    for counters in COUNTERS:
        cells = []
        for rate in HOT_RATES:
            run = runs[rate, counters]
            share = 100 * run.accepted / run.orders
            cells.append(
                f"{share:.1f} %, {1000 * run.p50_seconds:,.0f} / {1000 * run.p99_seconds:,.0f} ms, {run.tries:.2f}"
            )
        rows.append([str(counters), *cells])
    enough = [
        (rate, next((n for n in COUNTERS if runs[rate, n].accepted == runs[rate, n].orders and runs[rate, n].p99_seconds < 1), None))
        for rate in HOT_RATES
    ]  # fmt: skip
    told = "; ".join(f"{rate:,} orders/s need {n or f'more than {MAX_COUNTERS}'}" for rate, n in enough)
    return _table(rows) + f"\n\nCounters for everybody to be served, 99 of 100 within a second: {told}."


def _sold_out() -> str:
    run = simulate(1_000, 32, seconds=3.0, pieces=2_000)
    return (
        f"2,000 pieces on 32 counters, {run.orders:,} orders at 1,000 a second: {run.accepted:,} accepted, {run.refused:,} refused as sold out, "
        f"{run.gave_up} gave up, {run.left} left. The fullest counter served {run.fullest:.2f} times an even share; {run.tries:.2f} transactions an order."
    )


def _listed(known: Mapping[str, tuple[float, str]]) -> str:
    return "\n".join(f"* {value:,.10g} {what}" for value, what in known.values())


def _table(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [rows[0], ["---"] * len(rows[0]), *rows[1:]])


def refreshed(text: str, parts: Mapping[str, str] | None = None) -> str:
    """The page with its figures, or some parts of them, as they are now. Raises ValueError where a place is missing."""
    for name, content in (sections() if parts is None else parts).items():
        begin, end = BEGIN.format(name), END.format(name)
        if text.count(begin) != 1 or text.count(end) != 1:
            raise ValueError(f"{PAGE.name} must have one place for {name}")
        before, rest = text.split(begin)
        text = f"{before}{begin}\n\n{content}\n\n{end}{rest.split(end)[1]}"
    return text


def main(words: Sequence[str]) -> int:
    """Print the figures, or write them into the page."""
    parser = argparse.ArgumentParser("python -m bench.capacity", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write them into docs/capacity.md")
    if parser.parse_args(words).write:
        PAGE.write_text(refreshed(PAGE.read_text("utf-8")), "utf-8")
        return 0
    for name, content in sections().items():
        print(f"{name}\n\n{content}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
