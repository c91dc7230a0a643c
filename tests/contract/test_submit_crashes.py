"""kill -9 of the order Lambda at every labelled step: what the next request and the sweeper find (promise I9)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orders import failpoints
from orders.adapters.aws import make_client
from orders.adapters.clock import SystemClock
from orders.adapters.dynamodb.inventory import DynamoInventory
from orders.adapters.dynamodb.tracking import DynamoTracking
from orders.adapters.memory.clock import MemoryClock
from orders.adapters.sqs import SqsOrders, open_queue
from orders.domain.ids import OrderId, Sku
from orders.messages import decode_job
from orders.services.sweep import sweep
from orders.settings import Settings, environment_name
from tests.lambda_events import http_event
from tests.order_samples import order_body

ROOT = Path(__file__).parents[2]
MUG = Sku("MUG-RED")
_INVOKE = """
import json, sys
from lambdas.submit_order.handler import handle
print("ANSWER " + json.dumps(handle(json.load(sys.stdin), None)))
"""


def invoke(settings: Settings, body: dict[str, Any], failpoint: str = "") -> subprocess.CompletedProcess[str]:
    """Run the handler in a process of its own, as AWS does, with a fault planted."""
    named = {
        environment_name(name): str(getattr(settings, name))
        for name in (
            "aws_region",
            "aws_endpoint_url",
            "inventory_table",
            "tracking_table",
            "orders_queue_url",
        )
    }
    return subprocess.run(
        [sys.executable, "-c", _INVOKE],
        cwd=ROOT,
        env={**os.environ, **named, "CARTWRIGHT_FAILPOINT": failpoint, "CARTWRIGHT_STAGE": "local"},
        input=json.dumps(http_event("/orders", body)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("ANSWER ")]
    found: dict[str, Any] = json.loads(line.removeprefix("ANSWER "))
    return found


@pytest.mark.parametrize("step", sorted(name for name in failpoints.NAMES if name.startswith("submit.")))
def test_a_killed_lambda_leaves_one_order_or_none_and_never_half(aws_settings: Settings, step: str) -> None:
    client = make_client("dynamodb", aws_settings)
    inventory = DynamoInventory(client, aws_settings, SystemClock())
    inventory.set_up_sku(MUG, 1250, "EUR")
    inventory.restock(MUG, 10, "first")
    body = order_body()
    order_id = OrderId(body["order_id"])

    killed = invoke(aws_settings, body, f"{step}:crash")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert "ANSWER" not in killed.stdout
    was_accepted = step != "submit.before_reserve"
    assert (inventory.find_reservation(order_id) is not None) == was_accepted
    assert (DynamoTracking(client, aws_settings).get(order_id) is not None) == was_accepted
    assert inventory.levels([MUG])[MUG].reserved == (2 if was_accepted else 0)

    later = MemoryClock(datetime.now(UTC) + timedelta(seconds=10))
    queue = SqsOrders(make_client("sqs", aws_settings), aws_settings)
    sweep(inventory=inventory, queue=queue, clock=later, sweep_after_seconds=5)
    again = answer(invoke(replace(aws_settings), body))
    assert again["statusCode"] == 202
    assert inventory.levels([MUG])[MUG].reserved == 2
    received = open_queue(aws_settings, "orders").receive(10, wait_seconds=5)
    assert {decode_job(message.body).id for message in received} == {f"record_order:{order_id}"}
    assert not inventory.unsent(later.now() + timedelta(hours=1), 10)
