"""Bulk fulfilment of many orders whose worker is killed halfway: each is shipped once, and each shopper is told once.

BULK_ORDERS=5000 plays it at the size that the console promises.
"""

from __future__ import annotations

import json
import os
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text

from lambdas.notify_customer.rendering import JinjaRenderer
from orders.adapters.memory.notifier import MemoryNotifier
from orders.adapters.rds.bulk_jobs import begin_bulk
from orders.adapters.rds.models import Order
from orders.adapters.sqs import open_queue
from orders.domain.events import EventType
from orders.domain.ids import OrderId, Sku, uuid7
from orders.services.notify_customer import notify_customer
from orders.services.record_order import AcceptedOrder, record_orders
from tests.integration.worker.conftest import Shop, until
from tests.order_samples import order_request, reservation, view

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

COUNT = int(os.environ.get("BULK_ORDERS", "400"))
PATIENCE_SECONDS = 300 + COUNT * 0.15
MUG, PRICE = Sku("MUG-RED"), 1250


def _arrive(shop: Shop, count: int) -> list[OrderId]:
    """Paid orders of one mug each, in the book and reserved for good, nothing of them on its way."""
    now, inventory = datetime.now(UTC), shop.context.inventory
    inventory.set_up_sku(MUG, PRICE, "EUR", counters=4)
    inventory.restock(MUG, count * 2, "first")  # Shares of four counters need not be used evenly.
    requests = [
        order_request(
            [(MUG, 1, PRICE)],
            contact={"name": "Ada Lovelace", "email": f"ada{n}@example.org", "phone": "", "wants_sms": False, "locale": "en"},
        )
        for n in range(count)
    ]  # fmt: skip

    def reserve(order_id: OrderId) -> None:
        inventory.reserve(reservation([(MUG, 1, PRICE)], order_id=order_id, at=now), view(order_id, at=now))
        inventory.confirm(order_id)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(reserve, [request.order_id for request in requests]))
    accepted = [AcceptedOrder(f"record:{one.order_id}", one, now, "c" * 32) for one in requests]
    for start in range(0, count, 250):
        record_orders(shop.context.desk, accepted[start : start + 250])
    with shop.engine.begin() as connection:
        # The morning is over: what it promised was delivered, and the money was taken.
        connection.execute(text("DELETE FROM outbox"))
        connection.execute(text("UPDATE orders SET payment_status = 'captured'"))
    return [request.order_id for request in requests]


def _begin(shop: Shop) -> uuid.UUID:
    now = datetime.now(UTC)
    job_id = uuid.UUID(uuid7(now))
    with shop.engine.begin() as connection:
        begin_bulk(
            connection,
            job_id=job_id,
            action="ship",
            options={"carrier": "DHL"},
            asked_by="staff:manager@shop.example",
            query="",
            chosen=select(Order.id).order_by(Order.placed_at),
            correlation_id="b" * 32,
            at=now,
        )
    return job_id


def _tell(shop: Shop) -> Counter[str]:
    """Let the shoppers be told of all that lies in the queue of news. Returns how often each was told of a parcel."""
    queue, notifier = open_queue(shop.settings, "notify"), MemoryNotifier()
    renderer = JinjaRenderer("Cartwright", shop.settings.public_url)
    while received := queue.receive(10, 1):
        for message in received:
            event = json.loads(message.body)
            if event["event"] == EventType.ORDER_SHIPPED:
                notify_customer(
                    event, tracking=shop.context.tracking, notifier=notifier, renderer=renderer,
                    clock=shop.context.desk.clock, is_sms_enabled=False,
                )  # fmt: skip
        queue.delete_many([message.handle for message in received])
    return Counter(one.to for one in notifier.emails)


def test_bulk_work_whose_worker_is_killed_ships_every_order_once_and_tells_every_shopper_once(
    shop: Shop,
) -> None:
    """SIGKILL when half is done; another worker takes the message over when its lease is out, and goes on from there."""
    orders = _arrive(shop, COUNT)
    job_id = _begin(shop)
    is_mine = f"job_id = '{job_id}'"
    first = shop.process("--name", "first")
    until(lambda: shop.count("bulk_rows", f"{is_mine} AND status = 'done'") >= COUNT // 2, PATIENCE_SECONDS)
    first.kill()
    first.wait(30)
    assert shop.count("bulk_rows", f"{is_mine} AND status = 'pending'") > 0, "it was not halfway"
    shop.process("--name", "second")
    until(lambda: shop.count("bulk_jobs", f"id = '{job_id}' AND finished_at IS NOT NULL"), PATIENCE_SECONDS)
    until(lambda: shop.count("outbox") == 0, PATIENCE_SECONDS)
    assert shop.count("bulk_rows", f"{is_mine} AND status = 'done'") == COUNT
    assert shop.count("shipments") == COUNT
    assert shop.count("orders", "fulfilment_status = 'shipped'") == COUNT
    assert shop.count("timeline_events", f"type = '{EventType.ORDER_SHIPPED}'") == COUNT
    level = shop.context.inventory.levels([MUG])[MUG]
    assert (level.reserved, level.sold) == (0, COUNT)
    assert level.is_conserved
    told = _tell(shop)
    assert len(told) == len(orders)
    assert set(told.values()) == {1}
