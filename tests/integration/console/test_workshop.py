"""Stock, packing, bulk work, quarantine, radar, doctor and dashboard, each against the real database and the real jobs."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from orders.adapters.memory.inventory import MemoryInventory
from orders.adapters.memory.queue import MemoryOrders, MemoryQueue
from orders.adapters.rds.bulk_job_models import BulkJob, BulkRow
from orders.adapters.rds.job_models import JobRecord
from orders.adapters.rds.models import Order, Outbox, QuarantinedMessage
from orders.domain.ids import OrderId, order_number
from orders.domain.order import FulfilmentStatus, OrderStatus
from orders.messages import decode_job
from orders.services.ship_order import Parcel, ship_order, start_picking
from tests.integration.console.shop import BOWL, MUG, STAFF, Shop
from webapp.console.permissions import Role
from webapp.extensions import db
from worker.context import JobContext
from worker.jobs.bulk_orders import bulk_orders
from worker.jobs.count_sales import count_sales
from worker.jobs.list_low_stock import list_low_stock

AsRole = Callable[[Role], FlaskClient]


# --- stock -----------------------------------------------------------------------------------------------------


@pytest.fixture
def shelves(inventory: MemoryInventory) -> MemoryInventory:
    """Ten mugs and two bowls."""
    for sku, pieces in ((MUG, 10), (BOWL, 2)):
        inventory.set_up_sku(sku, 1990, "EUR")
        inventory.restock(sku, pieces, f"first:{sku}")
    return inventory


def test_a_movement_is_booked_once_with_its_reason(as_role: AsRole, shelves: MemoryInventory) -> None:
    """The same form sent twice moves the pieces once; who and why is on the page."""
    client = as_role(Role.WAREHOUSE)
    page = client.get(f"/console/stock/{MUG}").text
    movement = re.search(r'name="movement_id" value="([^"]+)"', page)
    assert movement
    data = {
        "movement_id": movement[1],
        "kind": "adjust",
        "pieces": "-3",
        "reason": "damaged",
        "note": "dropped",
    }
    for _ in range(2):
        assert client.post(f"/console/stock/{MUG}/move", data=data).status_code == 302
    assert shelves.levels([MUG])[MUG].available == 7
    assert client.get(f"/console/stock/{MUG}").text.count("damaged: dropped") == 1


@pytest.mark.parametrize(
    "data",
    [
        {"kind": "adjust", "pieces": "-11", "reason": "damaged"},
        {"kind": "restock", "pieces": "-1", "reason": "supplier"},
        {"kind": "restock", "pieces": "x", "reason": "supplier"},
        {"kind": "restock", "pieces": "1", "reason": "because"},
        {"kind": "sell", "pieces": "1", "reason": "other"},
    ],
)
def test_a_movement_that_cannot_be_is_refused(
    as_role: AsRole, shelves: MemoryInventory, data: dict[str, str]
) -> None:
    """Never below zero, never without a reason; the shelf is as it was."""
    answer = as_role(Role.WAREHOUSE).post(f"/console/stock/{MUG}/move", data={"movement_id": "m", **data})
    assert answer.status_code == 422
    assert shelves.levels([MUG])[MUG].available == 10


def test_an_import_is_a_dry_run_first_and_is_applied_once(as_role: AsRole, shelves: MemoryInventory) -> None:
    """The dry run moves nothing; sending the confirmed file twice moves it once; a bad row leaves the others alone."""
    client = as_role(Role.WAREHOUSE)
    sheet = f"sku,restock,count\n{MUG},5,\n{BOWL},,1\nNOTHING,1,\n"
    first = client.post(
        "/console/stock-import",
        data={"nonce": "n1", "file": (io.BytesIO(sheet.encode()), "stock.csv")},
        content_type="multipart/form-data",
    )
    assert "2 of 3 rows can be" in first.text
    assert shelves.levels([MUG])[MUG].available == 10
    for _ in range(2):
        client.post("/console/stock-import", data={"nonce": "n1", "text": sheet, "confirmed": "1"})
    levels = shelves.levels([MUG, BOWL])
    assert (levels[MUG].available, levels[BOWL].available) == (15, 1)
    journal = {sku: client.get(f"/console/stock/{sku}").text for sku in (MUG, BOWL)}
    assert journal[MUG].count(">+5<") == journal[BOWL].count(">-1<") == 1


def test_what_runs_low_is_listed_fewest_first(as_role: AsRole, shelves: MemoryInventory) -> None:
    """Ten mugs are enough, two bowls are not."""
    page = as_role(Role.VIEWER).get("/console/stock?low=1").text
    assert BOWL in page
    assert MUG not in page


# --- picking and packing ---------------------------------------------------------------------------------------


def test_a_batch_becomes_one_pick_list_and_leaves_out_what_was_held(as_role: AsRole, shop: Shop) -> None:
    """The list adds the pieces up by SKU; an order that cannot be picked is named and left out."""
    ids = [shop.place({MUG: 2}), shop.place({MUG: 1, BOWL: 1})]
    held = shop.place({MUG: 5})
    from orders.services.hold_order import hold_order

    hold_order(shop.desk, held, command_id="h", actor=STAFF, hold_reason="manual")
    client = as_role(Role.WAREHOUSE)
    assert order_number(held) not in client.get("/console/picking").text
    answer = client.post(
        "/console/picking", data={"batch_id": "b1", "order": [*ids, held]}, follow_redirects=True
    )
    assert f"{order_number(held)} is left out" in answer.text
    assert re.search(rf"{MUG}</code>.*?<strong>3</strong>", answer.text, re.S)
    assert {shop.read(one).state.fulfilment for one in ids} == {FulfilmentStatus.PICKING}


def test_packing_counts_scans_without_scripts_too(as_role: AsRole, shop: Shop) -> None:
    """A scan counts up to what the order has, a foreign SKU is refused."""
    order_id = shop.place({MUG: 2})
    start_picking(shop.desk, order_id, command_id="p", actor=STAFF)
    client, address = as_role(Role.WAREHOUSE), f"/console/orders/{order_id}/pack"
    page = client.get(address, query_string={"scan": "mug-blue", f"ship:{MUG}": "1"}).text
    assert "MUG-BLUE: 2 of 2" in page
    assert "are in already" in client.get(address, query_string={"scan": MUG, f"ship:{MUG}": "2"}).text
    assert "does not belong" in client.get(address, query_string={"scan": BOWL}).text


def test_the_papers_are_pdfs_for_names_of_all_of_europe(as_role: AsRole, shop: Shop) -> None:
    """Łódź, Čapek and Ωνάσης can be written; a slip names no price."""
    order_id = shop.place({MUG: 2}, name="Žofie Čapková-Ωνάση Łukasz Ягода")
    client = as_role(Role.WAREHOUSE)
    for name in ("slip", "invoice"):
        answer = client.get(f"/console/orders/{order_id}/{name}.pdf")
        assert answer.mimetype == "application/pdf"
        assert answer.data.startswith(b"%PDF-")
        assert answer.data.rstrip().endswith(b"%%EOF")


# --- bulk work -------------------------------------------------------------------------------------------------


def _context(app: Flask, shop: Shop, inventory: MemoryInventory, queue: MemoryOrders) -> JobContext:
    with app.app_context():
        unused: Any = None
        return JobContext(shop.desk, db.engine, {}, inventory, unused, queue, unused)


def _run_bulk(app: Flask, context: JobContext, queue: MemoryOrders) -> int:
    """Deliver the promised message and every part that follows. Returns how many parts ran."""
    with app.app_context(), db.engine.begin() as connection:
        rows = connection.execute(
            select(Outbox.payload).where(Outbox.effect == "job", Outbox.key.like("bulk_orders:%"))
        ).all()
        connection.execute(Outbox.__table__.delete().where(Outbox.key.like("bulk_orders:%")))
    for row in rows:
        queue.send(row.payload["body"], queue=row.payload["queue"])
    parts = 0
    while received := queue.queues["low"].receive(1):
        bulk_orders.function(context, decode_job(received[0].body))
        queue.queues["low"].delete_many([received[0].handle])
        parts += 1
    return parts


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
    app: Flask, as_role: AsRole, shop: Shop, inventory: MemoryInventory, queue: MemoryOrders
) -> None:
    """The whole result of a search is held by the worker; a shipped order fails with its reason; undo releases the rest."""
    ids = [shop.place({MUG: 1}) for _ in range(4)]
    gone = shop.place({MUG: 1}, country="FR")
    ship_order(shop.desk, gone, Parcel({}), shipment_id="s", actor=STAFF)
    from orders.services.ship_order import deliver_order

    deliver_order(shop.desk, gone, command_id="d", actor=STAFF)
    client, context = as_role(Role.MANAGER), _context(app, shop, inventory, queue)
    job_id = _begin(client, "hold", whole="1", query="", reason="stocktaking", hold_reason="stock")
    assert _run_bulk(app, context, queue) == 1
    with app.app_context():
        rows = db.session.execute(
            select(BulkRow.status, BulkRow.detail).where(BulkRow.job_id == job_id)
        ).all()
    assert sorted(row.status for row in rows) == ["done"] * 4 + ["failed"]
    assert all(shop.read(one).state.is_held for one in ids)
    page = client.get(f"/console/jobs/{job_id}").text
    assert "not possible" in page
    undo = client.post(f"/console/jobs/{job_id}/undo").headers["Location"]
    _run_bulk(app, context, queue)
    assert not any(shop.read(one).state.is_held for one in ids)
    assert client.get(undo).status_code == 200


def test_bulk_work_that_was_killed_halfway_goes_on_and_ships_each_order_once(
    app: Flask,
    as_role: AsRole,
    shop: Shop,
    inventory: MemoryInventory,
    queue: MemoryOrders,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The worker dies after an order was shipped and before its row says so: the message comes back, nothing ships twice."""
    import worker.jobs.bulk_orders as module

    ids = [shop.place({MUG: 1}) for _ in range(5)]
    client, context = as_role(Role.MANAGER), _context(app, shop, inventory, queue)
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
        _run_bulk(app, context, queue)
    for message in list(queue.queues["low"].receive(10, 0, 0)):
        queue.queues["low"].change_visibility_many([message.handle], 0)
    with app.app_context():
        body = json.dumps(
            {"id": f"bulk_orders:{job_id}:1:0", "job": "bulk_orders", "schema_version": 1,
             "payload": {"bulk_id": str(job_id), "round": 1, "part": 0}}
        )  # fmt: skip
    queue.send(body, queue="low")
    _run_bulk(app, context, queue)
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


# --- quarantine, radar, doctor, dashboard -----------------------------------------------------------------------


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
    app: Flask, as_role: AsRole, shop: Shop, inventory: MemoryInventory, queue: MemoryOrders
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
        count_sales.function(_context(app, shop, inventory, queue), message)
    page = client.get("/console/dashboard").text
    # 24.80 of yesterday (the cancelled one counts as an order, not as revenue) and 44.70 of today.
    assert "€69.50" in page
    assert re.search(r"Orders</p><p class=\"value\">3<", page)
    assert order_id


def test_the_dashboard_lists_what_the_worker_saw_running_low(
    app: Flask, as_role: AsRole, shop: Shop, shelves: MemoryInventory, queue: MemoryOrders
) -> None:
    """No page reads every level: the worker does, once a minute at most, and the page shows its list and its age."""
    client = as_role(Role.VIEWER)
    assert "The worker is looking through the stock" in client.get("/console/dashboard").text
    client.get("/console/dashboard")
    with app.app_context():
        (payload,) = db.session.scalars(select(Outbox.payload).where(Outbox.key.like("list_low_stock:%")))
    message = decode_job(payload["body"])
    result = list_low_stock.function(_context(app, shop, shelves, queue), message)
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
