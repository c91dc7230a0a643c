"""Quarantine, radar, doctor and dashboard, each against the real database and the real jobs."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from flask import Flask
from sqlalchemy import select, update

from orders.adapters.memory.inventory import MemoryInventory
from orders.adapters.memory.queue import MemoryOrders, MemoryQueue
from orders.adapters.rds.job_models import JobRecord
from orders.adapters.rds.models import Order, Outbox, QuarantinedMessage
from orders.domain.ids import OrderId, order_number
from orders.domain.order import OrderStatus
from orders.messages import decode_job
from tests.integration.console.shop import BOWL, MUG, AsRole, Shop
from webapp.console.permissions import Role
from webapp.extensions import db
from worker.context import JobContext
from worker.jobs.count_sales import count_sales
from worker.jobs.list_low_stock import list_low_stock


def _quarantine(app: Flask, order_id: OrderId) -> tuple[str, str]:
    message_id = f"capture_payment:{order_id}:1"
    body = json.dumps({"id": message_id, "job": "capture_payment", "payload": {}, "schema_version": 1})
    with app.app_context():
        db.session.add(
            QuarantinedMessage(
                id=message_id, queue="orders", job="capture_payment", order_id=order_id, body=body,
                error="Boom: <script>alert(1)</script>", attempts=5, failed_at=datetime.now(UTC),
            )
        )  # fmt: skip
        db.session.commit()
    return message_id, body


def test_a_replay_sends_the_message_once_and_empties_the_dead_letter_queue(
    app: Flask, as_role: AsRole, shop: Shop, queue: MemoryOrders
) -> None:
    """Sent to its own queue, its copy deleted, other dead letters left alone, a second click refused."""
    message_id, body = _quarantine(app, shop.place())
    dead = MemoryQueue(shop.desk.clock)
    dead.send("another", attributes={"quarantine_id": "another"})
    dead.send(body, attributes={"quarantine_id": message_id})
    wired = app.extensions["cartwright-console"]
    app.extensions["cartwright-console"] = replace(wired, queues={"orders_dlq": dead})
    client = as_role(Role.MANAGER)
    page = client.get(f"/console/quarantine/{message_id}").text
    assert "<script>alert" not in page
    assert client.post("/console/quarantine-replay", data={"message": message_id}).status_code == 302
    assert client.post("/console/quarantine-replay", data={"message": message_id}).status_code == 409
    assert [one.body for one in queue.queues["orders"].receive(10)] == [body]
    assert dead.depth().total == 1
    assert message_id not in client.get("/console/quarantine").text


def test_a_dropped_message_needs_a_reason(
    app: Flask, as_role: AsRole, shop: Shop, queue: MemoryOrders
) -> None:
    """Nobody will do its work: the audit says who decided that, and why."""
    message_id, _ = _quarantine(app, shop.place())
    client = as_role(Role.MANAGER)
    data = {"message": message_id, "drop": "1"}
    assert client.post("/console/quarantine-replay", data=data).status_code == 422
    assert (
        client.post("/console/quarantine-replay", data={**data, "reason": "order was a test"}).status_code
        == 302
    )
    assert queue.queues["orders"].receive(10) == []
    assert "order was a test" in client.get("/console/audit").text


def test_the_radar_names_the_late_order_its_reason_and_its_next_action(
    app: Flask, as_role: AsRole, shop: Shop
) -> None:
    """A captured order that nobody picked for two days is late; a fresh one is not."""
    late, fresh = shop.place(), shop.place()
    with app.app_context():
        db.session.execute(
            update(Order)
            .where(Order.id == UUID(late))
            .values(updated_at=datetime.now(UTC) - timedelta(days=2))
        )
        db.session.commit()
    _quarantine(app, late)
    page = as_role(Role.WAREHOUSE).get("/console/radar").text
    assert order_number(late) in page
    assert order_number(fresh) not in page
    assert "capture payment failed for good: Boom" in page
    assert f"/console/orders/{late}/pick" in page
    assert f"/console/orders/{late}/pick" not in as_role(Role.VIEWER).get("/console/radar").text


def test_the_doctor_is_asked_through_the_outbox(app: Flask, as_role: AsRole) -> None:
    """The wish is in the database before anybody is told that it was made."""
    assert as_role(Role.MANAGER).post("/console/doctor", data={"repair": ["a", "b"]}).status_code == 302
    with app.app_context():
        (payload,) = db.session.scalars(select(Outbox.payload).where(Outbox.key.like("examine_shop:%")))
    assert decode_job(payload["body"]).payload == {"repair": ["a", "b"]}
    assert "queued" in as_role(Role.VIEWER).get("/console/doctor").text


def test_the_dashboard_shows_what_the_worker_counted_and_asks_once_when_it_is_old(
    app: Flask, as_role: AsRole, shop: Shop, job_context: JobContext
) -> None:
    """Yesterday comes from the tally, today from the orders; looking twice asks for one count."""
    order_id, cancelled = shop.place({MUG: 1}), shop.place({BOWL: 1})
    yesterday = datetime.now(UTC) - timedelta(days=1)
    with app.app_context():
        db.session.execute(update(Order).values(placed_at=yesterday))
        db.session.execute(
            update(Order).where(Order.id == UUID(cancelled)).values(status=str(OrderStatus.CANCELLED))
        )
        db.session.commit()
    shop.place({MUG: 2})
    client = as_role(Role.VIEWER)
    client.get("/console/dashboard")
    client.get("/console/dashboard")
    with app.app_context():
        (payload,) = db.session.scalars(select(Outbox.payload).where(Outbox.key.like("count_sales:%")))
    message = decode_job(payload["body"])
    for _ in range(2):
        count_sales.function(job_context, message)
    page = client.get("/console/dashboard").text
    # 24.80 of yesterday (the cancelled one counts as an order, not as revenue) and 44.70 of today.
    assert "€69.50" in page
    assert re.search(r"Orders</p><p class=\"value\">3<", page)
    assert order_id


def test_the_dashboard_lists_what_the_worker_saw_running_low(
    app: Flask, as_role: AsRole, shelves: MemoryInventory, job_context: JobContext
) -> None:
    """No page reads every level: the worker does, once a minute at most, and the page shows its list and its age."""
    client = as_role(Role.VIEWER)
    assert "The worker is looking through the stock" in client.get("/console/dashboard").text
    client.get("/console/dashboard")
    with app.app_context():
        (payload,) = db.session.scalars(select(Outbox.payload).where(Outbox.key.like("list_low_stock:%")))
    message = decode_job(payload["body"])
    result = list_low_stock.function(job_context, message)
    assert result == {"low": [[BOWL, 2]], "count": 1}
    with app.app_context():
        db.session.add(
            JobRecord(
                id=message.id, job=message.job, queue="low", status="succeeded", result={"value": result}
            )
        )
        db.session.commit()
    page = client.get("/console/dashboard").text
    assert re.search(rf'/console/stock/{BOWL}">{BOWL}</a>.*<td class="number">2</td>', page)
    assert f"/console/stock/{MUG}" not in page
