"""Bulk work as jobs: results per order, the way back, a death halfway, consequences first."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from orders.adapters.memory.queue import MemoryOrders
from orders.adapters.rds.bulk_job_models import BulkJob, BulkRow
from orders.domain.order import OrderStatus
from orders.services.ship_order import Parcel, ship_order
from tests.integration.console.low_queue import LowQueue
from tests.integration.console.shop import BOWL, MUG, STAFF, AsRole, Shop
from webapp.console.permissions import Role
from webapp.extensions import db


def _begin(client: FlaskClient, action: str, **data: Any) -> UUID:
    page = client.post("/console/orders/bulk", data={"action": action, **data})
    job = re.search(r'name="job_id" value="([^"]+)"', page.text)
    assert job, page.text
    form = {"action": action, **data, "job_id": job[1], "confirmed": "1"}
    for _ in range(2):
        answer = client.post("/console/orders/bulk", data=form)
        assert answer.headers["Location"].endswith(job[1])
    return UUID(job[1])


def test_bulk_work_ends_with_a_result_per_order_and_can_be_taken_back(
    app: Flask, as_role: AsRole, shop: Shop, low_queue: LowQueue
) -> None:
    """The whole result of a search is held by the worker; a shipped order fails with its reason; undo releases the rest."""
    ids = [shop.place({MUG: 1}) for _ in range(4)]
    gone = shop.place({MUG: 1}, country="FR")
    ship_order(shop.desk, gone, Parcel({}), shipment_id="s", actor=STAFF)
    from orders.services.ship_order import deliver_order

    deliver_order(shop.desk, gone, command_id="d", actor=STAFF)
    client = as_role(Role.MANAGER)
    job_id = _begin(client, "hold", whole="1", query="", reason="stocktaking", hold_reason="stock")
    assert low_queue.run() == 1
    with app.app_context():
        rows = db.session.execute(
            select(BulkRow.status, BulkRow.detail).where(BulkRow.job_id == job_id)
        ).all()
    assert sorted(row.status for row in rows) == ["done"] * 4 + ["failed"]
    assert all(shop.read(one).state.is_held for one in ids)
    page = client.get(f"/console/jobs/{job_id}").text
    assert "not possible" in page
    undo = client.post(f"/console/jobs/{job_id}/undo").headers["Location"]
    low_queue.run()
    assert not any(shop.read(one).state.is_held for one in ids)
    assert client.get(undo).status_code == 200


def test_bulk_work_that_was_killed_halfway_goes_on_and_ships_each_order_once(
    app: Flask,
    as_role: AsRole,
    shop: Shop,
    low_queue: LowQueue,
    queue: MemoryOrders,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The worker dies after an order was shipped and before its row says so: the message comes back, nothing ships twice."""
    import worker.jobs.bulk_orders as module

    ids = [shop.place({MUG: 1}) for _ in range(5)]
    client = as_role(Role.MANAGER)
    job_id = _begin(client, "ship", order=ids, carrier="DHL")
    monkeypatch.setattr(module, "PART", 2)

    class Killed(BaseException):
        """kill -9, as far as the code can tell."""

    real, calls = module.BulkBook.finish_row, [0]

    def dies_once(self: Any, *args: Any, **kwargs: Any) -> None:
        calls[0] += 1
        if calls[0] == 2:
            raise Killed
        real(self, *args, **kwargs)

    monkeypatch.setattr(module.BulkBook, "finish_row", dies_once)
    with pytest.raises(Killed):
        low_queue.run()
    for message in list(queue.queues["low"].receive(10, 0, 0)):
        queue.queues["low"].change_visibility_many([message.handle], 0)
    with app.app_context():
        body = json.dumps(
            {"id": f"bulk_orders:{job_id}:1:0", "job": "bulk_orders", "schema_version": 1,
             "payload": {"bulk_id": str(job_id), "round": 1, "part": 0}}
        )  # fmt: skip
    queue.send(body, queue="low")
    low_queue.run()
    for order_id in ids:
        with shop.desk.book.transaction() as tx:
            assert len(tx.shipments(order_id)) == 1
        assert shop.read(order_id).counts_of(MUG).shipped == 1
    with app.app_context():
        job = db.session.get(BulkJob, job_id)
        assert job is not None
        assert job.finished_at is not None
        assert {
            row.status for row in db.session.scalars(select(BulkRow).where(BulkRow.job_id == job_id))
        } == {"done"}


def test_bulk_work_is_shown_with_its_consequences_before_it_begins(as_role: AsRole, shop: Shop) -> None:
    """Stock, money and message of one order of each state, found by doing it and taking it back; nothing is changed."""
    paid, unpaid = shop.place({MUG: 2}), shop.place({BOWL: 1}, is_captured=False)
    gone = shop.place({MUG: 1})
    ship_order(shop.desk, gone, Parcel({}), shipment_id="gone", actor=STAFF)
    client = as_role(Role.MANAGER)
    page = client.post("/console/orders/bulk", data={"action": "cancel", "order": [paid, unpaid, gone]}).text
    assert "2 items (2 × MUG-BLUE) can be sold again." in page
    assert "€44.70 are paid back to the card." in page
    assert "held on the card are let go." in page
    assert page.count("an e-mail to anna@example.com") == 2
    assert "not possible, left alone" in page
    assert {shop.read(one).state.order for one in (paid, unpaid)} == {OrderStatus.CONFIRMED}


def test_a_bulk_job_knows_how_many_orders_it_has(app: Flask, as_role: AsRole, shop: Shop) -> None:
    """Of a whole result, too: the progress bar and the audit count against it."""
    for _ in range(3):
        shop.place({MUG: 1})
    client = as_role(Role.MANAGER)
    data = {"action": "pick", "whole": "1", "query": "q=anna@", "job_id": str(UUID(int=7)), "confirmed": "1"}
    assert client.post("/console/orders/bulk", data=data).status_code == 302
    with app.app_context():
        job = db.session.get(BulkJob, UUID(int=7))
        assert job is not None
        assert job.total == 3
    assert "Start picking" in client.get(f"/console/jobs/{UUID(int=7)}").text


def test_bulk_work_needs_the_permission_of_its_action_too(as_role: AsRole, shop: Shop) -> None:
    """Whoever may not work in bulk gets 403 and no menu; nothing is chosen is said."""
    shop.place()
    assert as_role(Role.SUPPORT).post("/console/orders/bulk", data={"action": "hold"}).status_code == 403
    assert "data-bulk" not in as_role(Role.SUPPORT).get("/console/orders").text
    assert as_role(Role.MANAGER).post("/console/orders/bulk", data={"action": "hold"}).status_code == 422
    assert as_role(Role.MANAGER).post("/console/orders/bulk", data={"action": "erase"}).status_code == 422
    for what in ("retry", "undo"):
        assert as_role(Role.MANAGER).post(f"/console/jobs/{UUID(int=1)}/{what}").status_code == 404
