"""Why is it here? A stuck order's page and the radar tell what waits, who is at it, what failed, and one request's trace."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import update

from orders.adapters.rds.job_models import WorkerRow
from orders.adapters.rds.models import Order, Outbox, PaymentAttemptRow, QuarantinedMessage
from orders.domain.ids import OrderId
from orders.settings import Settings
from tests.integration.console.shop import AsRole, Shop
from webapp.console.orders.traces import xray_address
from webapp.console.permissions import Role
from webapp.extensions import db

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def late(app: Flask, shop: Shop) -> OrderId:
    """A confirmed order whose money was not taken for two days."""
    order_id = shop.place(is_captured=False)
    with app.app_context():
        two_days_ago = datetime.now(UTC) - timedelta(days=2)
        db.session.execute(update(Order).where(Order.id == UUID(order_id)).values(updated_at=two_days_ago))
        db.session.commit()
    return order_id


def test_the_radar_tells_queue_lease_error_and_trace(app: Flask, as_role: AsRole, late: OrderId) -> None:
    """State, last event, the message that waits with its tries, the worker that holds it, the provider's no, the trace."""
    now = datetime.now(UTC)
    with app.app_context():
        db.session.add_all(
            [
                Outbox(
                    key=f"capture_payment:{late}", effect="job", order_id=UUID(late), payload={}, attempts=2,
                    due_at=now + timedelta(minutes=5), last_error="Unavailable: the queue is away",
                ),
                WorkerRow(
                    name="worker-7", host="h", pid=1, state="running", queues={}, started_at=now, seen_at=now,
                    running=[{"job": "capture_payment", "messages": 1, "order_id": late, "seconds": 12.0}],
                ),
                WorkerRow(
                    name="worker-gone", host="h", pid=2, state="running", queues={}, started_at=now,
                    seen_at=now - timedelta(minutes=5),
                    running=[{"job": "capture_payment", "messages": 1, "order_id": late, "seconds": 1.0}],
                ),
                PaymentAttemptRow(
                    id=f"{late}:capture:2", order_id=UUID(late), kind="capture", provider="memory", amount_minor=1,
                    currency="EUR", status="declined", decline_code="insufficient_funds",
                    created_at=now + timedelta(seconds=1), updated_at=now,
                ),
            ]
        )  # fmt: skip
        db.session.commit()
    page = as_role(Role.VIEWER).get("/console/radar?stage=uncaptured").text
    assert "Last: order confirmed" in page
    assert re.search(r"capture payment \(tried 2 times, again in \d+ (min|s): Unavailable: the queue", page)
    assert re.search(r"worker-7 is at it: capture payment, for 1\d s", page)
    assert "worker-gone" not in page
    assert "Payment, capture: declined: insufficient funds" in page
    assert f"/console/orders/{late}/traces/" in page


def test_a_trace_shows_what_one_request_did(app: Flask, as_role: AsRole, late: OrderId) -> None:
    """A clerk's hold: its event, its entry in the audit and what still waits for it, and nothing of other requests."""
    client = as_role(Role.MANAGER)
    form = client.get(f"/console/orders/{late}/hold").text
    command = re.search(r'name="command_id" value="([^"]+)"', form)
    version = re.search(r'name="version" value="(\d+)"', form)
    assert command
    assert version
    data = {
        "command_id": command[1], "version": version[1], "hold_reason": "fraud", "reason": "two cards", "confirmed": "1",
    }  # fmt: skip
    answer = client.post(f"/console/orders/{late}/hold", data=data, headers={"X-Correlation-Id": TRACE})
    assert answer.status_code == 302
    assert f"/console/orders/{late}/traces/{TRACE}" in client.get(f"/console/orders/{late}").text
    with app.app_context():
        db.session.add(
            QuarantinedMessage(
                id="failed-1", queue="high", job="notify", order_id=late, error="Boom", attempts=5,
                body=json.dumps({"correlation_id": TRACE}), failed_at=datetime.now(UTC),
            )
        )  # fmt: skip
        db.session.commit()
    page = client.get(f"/console/orders/{late}/traces/{TRACE}").text
    assert "order held" in page
    assert "two cards" in page
    assert "order, hold" in page
    assert "/console/quarantine/failed-1" in page
    assert "order placed" not in page


def test_a_trace_that_the_order_does_not_know_is_not_found(as_role: AsRole, late: OrderId) -> None:
    """A guessed id shows nothing."""
    assert as_role(Role.VIEWER).get(f"/console/orders/{late}/traces/{'0' * 32}").status_code == 404


def test_a_trace_leads_to_x_ray_on_aws_only() -> None:
    """X-Ray writes a W3C id with a version and a dash; a laptop has no X-Ray, and other ids no spans."""
    on_aws = Settings(stage="prod", aws_region="eu-west-1")
    assert xray_address(on_aws, TRACE).endswith("#xray:traces/1-0af76519-16cd43dd8448eb211c80319c")
    assert xray_address(on_aws, "not-a-trace") == ""
    assert xray_address(Settings(), TRACE) == ""


def test_an_address_that_is_none_is_told_in_the_console(as_role: AsRole, app: Flask) -> None:
    """Staff are not sent to the shop's page for shoppers; a stranger is asked to sign in."""
    answer = as_role(Role.VIEWER).get("/console/no-such-page/at-all")
    assert answer.status_code == 404
    assert "Look around the shop" not in answer.text
    assert 'aria-label="Console"' in answer.text
    assert app.test_client().get("/console/no-such-page").status_code == 302
