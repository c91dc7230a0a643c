"""Small pieces of the product, each timed beside a yardstick of the same run: the ratio survives another machine.

Each pair takes turns, round after round, so that a busy machine slows both alike; processor time counts, and the median.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from orders import links
from orders.adapters.memory.clock import MemoryClock
from orders.adapters.memory.inventory import MemoryInventory
from orders.adapters.memory.queue import MemoryOrders
from orders.adapters.memory.tracking import MemoryTracking
from orders.domain.events import EventType
from orders.domain.ids import Sku, new_order_id, order_number
from orders.domain.order import INITIAL, apply
from orders.domain.request import check
from orders.messages import decode_order_request, encode_order_request
from orders.services.submit_order import submit_order
from tests.order_samples import order_body

ROUNDS = 7
ROUND_SECONDS = 0.05
LINES = (1, 10, 98)


@dataclass(frozen=True, slots=True)
class Row:
    """One measured piece."""

    name: str
    yardstick: str
    milliseconds: float
    ratio: float
    """How many times the yardstick."""
    bound: str
    """What it is made of, so what would have to change."""


def _timed(work: Callable[[], object]) -> float:
    """Processor milliseconds of one call, over as many as fit a round."""
    began, count = time.process_time(), 0
    while (used := time.process_time() - began) < ROUND_SECONDS:
        work()
        count += 1
    return used * 1000 / count


def processor_milliseconds(work: Callable[[], object]) -> float:
    """Processor milliseconds of one call: the median of several rounds."""
    return statistics.median(_timed(work) for _ in range(ROUNDS))


def paired(
    name: str, work: Callable[[], object], yardstick: str, measure: Callable[[], object], bound: str
) -> Row:
    """Time both in turns and compare them within each round."""
    pairs = [(_timed(work), _timed(measure)) for _ in range(ROUNDS)]
    return Row(
        name,
        yardstick,
        statistics.median(ours for ours, _ in pairs),
        statistics.median(ours / theirs for ours, theirs in pairs),
        bound,
    )


def _lines(count: int) -> list[tuple[str, int, int]]:
    return [(f"SKU-{number:03}", 2, 1_250) for number in range(count)]


def domain() -> list[Row]:
    """The pure functions on an order's way, beside one JSON round trip of the same order."""
    rows = []
    for count in LINES:
        body = json.dumps(order_body(_lines(count)))
        request = decode_order_request(body)
        yardstick = f"json.loads + dumps, {count} lines"

        def round_trip(body: str = body) -> object:
            return json.dumps(json.loads(body))

        rows += [
            paired(
                f"decode and validate an order, {count} lines",
                lambda body=body: decode_order_request(body),  # type: ignore[misc]
                yardstick,
                round_trip,
                "marshmallow, field by field",
            ),
            paired(
                f"price and check an order, {count} lines",
                lambda request=request: check(request),  # type: ignore[misc]
                yardstick,
                round_trip,
                "integer arithmetic per line",
            ),
            paired(
                f"encode an order, {count} lines",
                lambda request=request: encode_order_request(request),  # type: ignore[misc]
                yardstick,
                round_trip,
                "dictionaries, then json",
            ),
        ]
    return rows + _single()


def _single() -> list[Row]:
    now, keys = datetime.now(UTC), ("k" * 32,)
    order_id = new_order_id(now)
    token = links.sign(order_id, keys)
    small = json.dumps({"order_id": order_id})

    def round_trip() -> object:
        return json.loads(small)

    work: Sequence[tuple[str, Callable[[], object], str]] = (
        ("make an order id", lambda: new_order_id(now), "one call to the kernel for randomness"),
        ("show its number", lambda: order_number(order_id), "base 32 and a check digit"),
        ("sign an order link", lambda: links.sign(order_id, keys), "one HMAC-SHA256"),
        ("read an order link", lambda: links.read(token, keys), "one HMAC-SHA256"),
        (
            "one state transition",
            lambda: apply(INITIAL, EventType.ORDER_CONFIRMED),
            "a look into TRANSITIONS",
        ),
    )
    return [paired(name, each, "json.loads of one id", round_trip, bound) for name, each, bound in work]


def decoding(count: int) -> Callable[[], object]:
    """What decodes and checks an order of so many lines."""
    body = json.dumps(order_body(_lines(count)))
    return lambda: check(decode_order_request(body))


def accepting(count: int) -> Callable[[], object]:
    """What accepts an order of so many lines, when DynamoDB and SQS cost nothing."""
    now = datetime.now(UTC)
    clock = MemoryClock(now)
    inventory, queue = MemoryInventory(MemoryTracking()), MemoryOrders(clock)
    for sku, _, price in _lines(count):
        inventory.set_up_sku(Sku(sku), price, "EUR")
        inventory.restock(Sku(sku), 10**9, f"all:{sku}")
    body = order_body(_lines(count))

    def accept() -> object:
        order = {**body, "order_id": new_order_id(now)}
        request = decode_order_request(order)
        return submit_order(
            request,
            inventory=inventory,
            queue=queue,
            clock=clock,
            currency="EUR",
            reservation_ttl_seconds=60,
            correlation_id="b",
        )

    return accept


def use_case() -> list[Row]:
    """The accept path without its stores: what our code costs."""
    text = json.dumps(order_body(_lines(3)))
    return [
        paired(
            "accept an order, 3 lines, stores in memory",
            accepting(3),
            "json.loads + dumps, 3 lines",
            lambda: json.dumps(json.loads(text)),
            "validation, the fingerprint, the message",
        )
    ]


def imports() -> list[Row]:
    """What a cold Lambda imports, beside a bare interpreter."""
    rows = []
    for name in ("submit_order", "get_order", "cancel_order", "sweep", "notify_customer"):
        pairs = [
            (_process(f"import lambdas.{name}.handler"), _process("import json, decimal, datetime, uuid"))
            for _ in range(3)
        ]
        rows.append(
            Row(
                f"import lambdas.{name}.handler",
                "a bare interpreter with json and decimal",
                statistics.median(ours for ours, _ in pairs),
                statistics.median(ours / theirs for ours, theirs in pairs),
                "marshmallow; boto3 comes at the first call" if name != "notify_customer" else "jinja2",
            )
        )
    return rows


def _process(code: str) -> float:
    script = f"import time\n{code}\nprint(time.process_time())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return float(done.stdout) * 1000


def all_rows() -> list[Row]:
    """Every pair."""
    return [*domain(), *use_case(), *imports()]
