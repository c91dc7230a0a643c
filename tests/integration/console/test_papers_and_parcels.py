"""Files that the worker writes, tracking numbers that are imported, labels, carriers' messages, risk rules: against the real
database, with the jobs that the worker runs."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from orders.adapters.carriers.post import SIGNATURE_HEADER, EmbeddedPost, tracking_number
from orders.adapters.memory.inventory import MemoryInventory
from orders.adapters.memory.queue import MemoryOrders
from orders.adapters.rds.bulk_job_models import BulkJob, BulkRow, JobFile
from orders.adapters.rds.models import Outbox
from orders.domain.ids import OrderId, order_number
from orders.domain.order import FulfilmentStatus
from orders.messages import decode_job
from orders.ports import JobMessage
from orders.services.ship_order import Parcel, ship_order
from tests.integration.console.shop import BOWL, MUG, STAFF, AsRole, Shop
from webapp.console.permissions import Role
from webapp.console.wiring import ConsoleWiring
from webapp.extensions import db
from worker.context import JobContext
from worker.jobs import bulk_orders, export_orders, housekeeping, print_papers, release_holds

JOBS = {
    "bulk_orders": bulk_orders.bulk_orders,
    "export_orders": export_orders.export_orders,
    "print_papers": print_papers.print_papers,
}


class Worker:
    """The worker's jobs, one message at a time, over memory queues."""

    def __init__(self, app: Flask, shop: Shop, inventory: MemoryInventory, queue: MemoryOrders) -> None:
        unused: Any = None
        self._app, self._queue = app, queue
        with app.app_context():
            self.context = JobContext(shop.desk, db.engine, {}, inventory, unused, queue, unused)

    def run(self, most: int = 100) -> int:
        """Relay what was promised, then do the low queue's messages, at most so many. Each is delivered twice."""
        with self._app.app_context(), db.engine.begin() as connection:
            mine = Outbox.payload["queue"].as_string() == "low"
            for row in connection.execute(select(Outbox.payload).where(mine)).all():
                self._queue.send(row.payload["body"], queue="low")
            connection.execute(Outbox.__table__.delete().where(mine))
        done = 0
        while done < most and (received := self._queue.queues["low"].receive(1)):
            message = decode_job(received[0].body)
            JOBS[message.job].function(self.context, message)
            self._queue.queues["low"].delete_many([received[0].handle])
            done += 1
        return done


@pytest.fixture
def worker(app: Flask, shop: Shop, inventory: MemoryInventory, queue: MemoryOrders) -> Worker:
    """A worker over this test's stores."""
    return Worker(app, shop, inventory, queue)


def _job_of(answer: Any) -> str:
    assert answer.status_code == 302, answer.text
    return str(answer.headers["Location"]).rpartition("/")[2]


# --- exports -------------------------------------------------------------------------------------------------------


def test_an_export_is_written_part_by_part_and_goes_on_where_it_broke_off(
    as_role: AsRole, shop: Shop, worker: Worker, monkeypatch: pytest.MonkeyPatch, app: Flask
) -> None:
    """Seven orders in parts of three: no file before its end, every order once, a repeated message adds nothing."""
    monkeypatch.setattr(export_orders, "PART", 3)
    placed = {order_number(shop.place({MUG: 1})) for _ in range(7)}
    shop.place({MUG: 1}, country="FR")
    manager = as_role(Role.MANAGER)
    job_id = _job_of(manager.post("/console/orders/export", data={"query": "country=DE&sort=total"}))
    assert worker.run(most=2) == 2
    page = manager.get(f"/console/jobs/{job_id}").text
    assert re.search(r"<dt>Done</dt><dd>6</dd>", page)
    assert re.search(r"<dt>Still to do</dt><dd>1</dd>", page)
    assert manager.get(f"/console/jobs/{job_id}/orders.csv").status_code == 404
    with app.app_context():
        first = JobMessage("again", "export_orders", {"bulk_id": job_id, "round": 1, "part": 0})
        export_orders.export_orders.function(worker.context, first)
    worker.run()
    answer = manager.get(f"/console/jobs/{job_id}/orders.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert sorted(row["number"] for row in rows) == sorted(placed)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert as_role(Role.SUPPORT).get(f"/console/jobs/{job_id}/orders.csv").status_code == 403


def test_an_exported_name_is_no_formula(as_role: AsRole, shop: Shop, worker: Worker) -> None:
    """A shopper chose it; a spreadsheet must not run it."""
    shop.place(name='=HYPERLINK("http://evil")')
    shop.place()
    manager = as_role(Role.MANAGER)
    job_id = _job_of(manager.post("/console/orders/export", data={"query": ""}))
    worker.run()
    rows = list(csv.DictReader(io.StringIO(manager.get(f"/console/jobs/{job_id}/orders.csv").text)))
    assert {row["customer"][:2] for row in rows} == {"'=", "An"}
    assert {row["total"] for row in rows} == {"79.20"}


def test_files_are_dropped_after_a_week(app: Flask, as_role: AsRole, shop: Shop, worker: Worker) -> None:
    """They hold personal data; the job stays on record and says that its file is gone."""
    shop.place()
    manager = as_role(Role.MANAGER)
    job_id = _job_of(manager.post("/console/orders/export", data={"query": ""}))
    worker.run()
    with app.app_context():
        db.session.execute(update(JobFile).values(created_at=datetime.now(UTC) - timedelta(days=8)))
        db.session.commit()
    housekeeping.prune.function(worker.context, JobMessage("p", "prune", {}))
    assert manager.get(f"/console/jobs/{job_id}/orders.csv").status_code == 404
    assert "/orders.csv" not in manager.get(f"/console/jobs/{job_id}").text


# --- papers --------------------------------------------------------------------------------------------------------


def test_the_papers_of_many_orders_are_one_file(
    as_role: AsRole, shop: Shop, worker: Worker, app: Flask
) -> None:
    """A page for each slip and each invoice; every order is done; a second delivery draws nothing again."""
    orders = [shop.place() for _ in range(3)]
    manager = as_role(Role.MANAGER)
    data = {"action": "print", "order": orders}
    shown = manager.post("/console/orders/bulk", data=data).text
    job_id = re.search(r'name="job_id" value="([^"]+)"', shown)
    assert job_id
    form = {**data, "job_id": job_id[1], "papers": "both", "confirmed": "1"}
    assert manager.post("/console/orders/bulk", data=form).status_code == 302
    worker.run()
    answer = manager.get(f"/console/jobs/{job_id[1]}/papers.pdf")
    assert answer.mimetype == "application/pdf"
    assert answer.data.count(b"/Type /Page\n") == 6
    with app.app_context():
        assert set(db.session.scalars(select(BulkRow.status))) == {"done"}
        before = db.session.scalars(select(JobFile.content)).all()
        again = JobMessage("again", "print_papers", {"bulk_id": job_id[1], "round": 1, "part": 0})
        print_papers.print_papers.function(worker.context, again)
        assert db.session.scalars(select(JobFile.content)).all() == before


# --- tracking numbers ----------------------------------------------------------------------------------------------


def _sheet(*rows: tuple[str, str, str]) -> str:
    return "\n".join(["order,carrier,tracking_number", *(",".join(row) for row in rows)])


def test_tracking_numbers_are_tried_first_and_done_once(as_role: AsRole, shop: Shop, worker: Worker) -> None:
    """A bare parcel gets its number, an order on the shelf is shipped with it, the others say why not."""
    bare, shelf, cancelled = shop.place(), shop.place(), shop.place()
    ship_order(shop.desk, bare, Parcel({}), shipment_id="s1", actor=STAFF)
    clerk = as_role(Role.SUPPORT)
    assert clerk.get("/console/tracking-import").status_code == 403
    ship_order(shop.desk, cancelled, Parcel({}, "DHL", "OLD"), shipment_id="s2", actor=STAFF)
    text = _sheet(
        (order_number(bare), "DHL", "A1"), (shelf, "DHL", "B2"), (order_number(shelf), "DHL", "C3"),
        (order_number(cancelled), "DHL", "D4"), ("CW-NOTHING", "DHL", "E5"), (order_number(bare), "", "F6"),
    )  # fmt: skip
    packer = as_role(Role.WAREHOUSE)
    upload = {"file": (io.BytesIO(text.encode()), "numbers.csv")}
    page = packer.post("/console/tracking-import", data=upload, content_type="multipart/form-data").text
    for said in (
        "the parcel that left gets the number", "all that is left is shipped with the number",
        "this order is in the file twice", "every parcel has a number", "no such order", "a carrier and a tracking",
        "2 of 6 rows can be",
    ):  # fmt: skip
        assert said in page, said
    assert shop.read(shelf).state.fulfilment is FulfilmentStatus.UNFULFILLED
    job_id = re.search(r'name="job_id" value="([^"]+)"', page)
    assert job_id
    for _ in range(2):
        form = {"text": text, "job_id": job_id[1], "confirmed": "1"}
        assert packer.post("/console/tracking-import", data=form).status_code == 302
        worker.run()
    for order_id, number in ((bare, "A1"), (shelf, "B2")):
        with shop.desk.book.transaction() as tx:
            (parcel,) = tx.shipments(order_id)
        assert (parcel.carrier, parcel.tracking_number) == ("DHL", number)


@pytest.mark.parametrize("text", ["", "sku,count\nA,1", "order,carrier\nx,y"])
def test_a_file_that_is_none_is_refused(as_role: AsRole, text: str) -> None:
    """422 and what the first line must say."""
    upload = {"file": (io.BytesIO(text.encode()), "numbers.csv")}
    answer = as_role(Role.WAREHOUSE).post(
        "/console/tracking-import", data=upload, content_type="multipart/form-data"
    )
    assert answer.status_code == 422


# --- labels and carriers -------------------------------------------------------------------------------------------


@pytest.fixture
def post(app: Flask, inventory: MemoryInventory, queue: MemoryOrders) -> EmbeddedPost:
    """The embedded carrier, behind the console."""
    with app.app_context():
        carrier = EmbeddedPost(db.engine, app.extensions["cartwright"].settings)
    wired = ConsoleWiring(inventory, queue, {}, {carrier.name: carrier})
    app.extensions["cartwright-console"] = wired
    return carrier


def _labelled(client: FlaskClient, order_id: OrderId) -> dict[str, str]:
    """Make a label while packing; returns what the pack form has then."""
    page = client.get(f"/console/orders/{order_id}/pack").text
    command = re.search(r'name="command_id" value="([^"]+)"', page)
    assert command
    data = {"command_id": command[1], "label_from": "cartwright-post", f"ship:{MUG}": "1"}
    for _ in range(2):
        answer = client.post(f"/console/orders/{order_id}/label", data=data)
        assert answer.status_code == 302
    page = client.get(answer.headers["Location"]).text
    assert f'name="ship:{MUG}"' in page
    fields = ("carrier", "tracking_number", "tracking_url")
    return {
        name: found[1]
        for name in fields
        if (found := re.search(rf'name="{name}"[^>]* value="([^"]*)"', page))
    }


def test_a_label_is_made_once_and_the_carriers_message_completes_the_order(
    app: Flask, as_role: AsRole, shop: Shop, post: EmbeddedPost
) -> None:
    """Pressed twice it is one label; the PDF prints; a signed message delivers, told twice it delivers once."""
    order_id, packer = shop.place({MUG: 1}), as_role(Role.WAREHOUSE)
    label = _labelled(packer, order_id)
    assert re.fullmatch(r"CW\d{9}XX", label["tracking_number"])
    page = packer.get(f"/console/orders/{order_id}/pack?label=label:none").text
    assert "Make a label" in page
    ship_order(
        shop.desk, order_id, Parcel({}, label["carrier"], label["tracking_number"], label["tracking_url"]),
        shipment_id="s1", actor=STAFF,
    )  # fmt: skip
    printed = re.search(r'href="(/console/labels/[^"]+)"', packer.get(f"/console/orders/{order_id}").text)
    assert printed
    assert packer.get(printed[1]).data.startswith(b"%PDF")
    body, signature = post.deliver(label["tracking_number"], datetime.now(UTC))
    carrier = app.test_client()
    for expected in (200, 200):
        answer = carrier.post(
            "/carriers/cartwright-post/events", data=body, headers={SIGNATURE_HEADER: signature}
        )
        assert answer.status_code == expected
    assert shop.read(order_id).state.fulfilment is FulfilmentStatus.DELIVERED


def test_only_a_fresh_message_of_the_carrier_is_believed(app: Flask, shop: Shop, post: EmbeddedPost) -> None:
    """Another body, another key, an old stamp, none at all: 400, and nothing is delivered."""
    order_id = shop.place({MUG: 1})
    label = post.make_label(
        idempotency_key="k", reference="r", sender="s", recipient=shop.read(order_id).request.shipping_address
    )
    ship_order(
        shop.desk, order_id, Parcel({}, label.carrier, label.tracking_number), shipment_id="s", actor=STAFF
    )
    now = datetime.now(UTC)
    body, signature = post.deliver(label.tracking_number, now)
    stamp = signature.partition(",")[0]
    wrong = [
        (body, ""), (body, f"{stamp},v1={'0' * 64}"), (body + b" ", signature), (body, post.sign(body, now - timedelta(hours=1))),
        (b"[]", post.sign(b"[]", now)), (body, "t=x,v1=y"),
    ]  # fmt: skip
    client = app.test_client()
    for sent, signed in wrong:
        answer = client.post(
            "/carriers/cartwright-post/events", data=sent, headers={SIGNATURE_HEADER: signed}
        )
        assert answer.status_code == 400, (sent, signed)
    unknown = json.dumps({"id": "x", "parcel": "CW1", "event": "delivered", "at": now.isoformat()}).encode()
    headers = {SIGNATURE_HEADER: post.sign(unknown, now)}
    assert client.post("/carriers/cartwright-post/events", data=unknown, headers=headers).status_code == 404
    assert client.post("/carriers/nobody/events", data=body).status_code == 404
    assert shop.read(order_id).state.fulfilment is FulfilmentStatus.SHIPPED


def test_an_order_that_may_not_leave_gets_no_label(as_role: AsRole, shop: Shop, post: EmbeddedPost) -> None:
    """Nothing is bought for a parcel that cannot go."""
    order_id = shop.place({MUG: 1})
    ship_order(shop.desk, order_id, Parcel({}), shipment_id="s", actor=STAFF)
    data = {"command_id": "console:x", "label_from": "cartwright-post"}
    answer = as_role(Role.WAREHOUSE).post(f"/console/orders/{order_id}/label", data=data)
    assert answer.status_code == 409


def test_the_number_of_a_label_carries_the_check_digit_of_the_standard() -> None:
    """UPU S10's own example: RB 47312482 9 US."""
    assert tracking_number(47_312_482) == "CW473124829XX"


# --- risk rules and holds ------------------------------------------------------------------------------------------


def test_a_rule_is_changed_added_and_removed_and_the_next_order_feels_it(as_role: AsRole, shop: Shop) -> None:
    """On: the order is held and its page says why; off again: the next one goes on."""
    manager = as_role(Role.MANAGER)
    data = {
        "name": "Too dear",
        "limit": "50,00",
        "hold_kind": "fraud",
        "hold_hours": "2",
        "holds": "on",
        "is_on": "on",
    }
    assert manager.post("/console/risk/amount", data=data).status_code == 302
    order_id = shop.place(is_captured=False)
    record = shop.read(order_id)
    assert (record.state.is_held, record.hold_reason) == (True, "fraud")
    page = manager.get(f"/console/orders/{order_id}").text
    assert "79.20 EUR is 50.00 EUR or more" in page
    assert "Too dear" in page
    assert manager.post("/console/risk/amount", data={**data, "is_on": ""}).status_code == 302
    del data["is_on"]
    assert manager.post("/console/risk/amount", data=data).status_code == 302
    assert not shop.read(shop.place()).state.is_held
    added = {**data, "kind": "country", "countries": "fr, es", "name": "Far away"}
    assert manager.post("/console/risk", data=added).status_code == 302
    page = manager.get("/console/risk").text
    assert "ES, FR" in page
    (code,) = re.findall(r'action="/console/risk/([0-9a-f-]{36})"', page)
    assert manager.post(f"/console/risk/{code}/remove").status_code == 302
    assert manager.post(f"/console/risk/{code}/remove").status_code == 404
    assert as_role(Role.SUPPORT).get("/console/risk").status_code == 403


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": " "}, "give the rule a name"),
        ({"limit": ""}, "every order would match"),
        ({"limit": "abc"}, "not an amount"),
        ({"hold_hours": "-1"}, "a whole number from 0"),
        ({"hold_kind": "because"}, "choose one"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_shown_again(
    as_role: AsRole, changes: dict[str, str], said: str
) -> None:
    """422 beside the field; the rule stays as it was."""
    data = {"name": "Dear", "limit": "50", "hold_kind": "fraud", "hold_hours": "0", "is_on": "on"}
    client = as_role(Role.MANAGER)
    answer = client.post("/console/risk/amount", data={**data, **changes})
    assert answer.status_code == 422
    assert said in answer.text
    assert "Dear order" in client.get("/console/risk").text


def test_a_line_is_held_in_the_console_and_goes_on_by_itself(
    as_role: AsRole, shop: Shop, worker: Worker, app: Flask
) -> None:
    """The pack page leaves it out; the worker's own schedule lets it go when the time is over."""
    order_id, clerk = shop.place({MUG: 2, BOWL: 1}), as_role(Role.WAREHOUSE)
    form = clerk.get(f"/console/orders/{order_id}/hold_lines").text
    fields = {
        name: found[1]
        for name in ("command_id", "version")
        if (found := re.search(rf'name="{name}" value="([^"]+)"', form))
    }
    end = shop.desk.clock.now() + timedelta(hours=1)
    data = {
        **fields, "line": BOWL, "hold_reason": "stock", "until": f"{end:%Y-%m-%dT%H:%M}", "reason": "late", "confirmed": "1",
    }  # fmt: skip
    assert clerk.post(f"/console/orders/{order_id}/hold_lines", data=data).status_code == 302
    assert f'data-sku="{BOWL}"' not in clerk.get(f"/console/orders/{order_id}/pack").text
    assert "on hold: stock" in clerk.get(f"/console/orders/{order_id}").text
    message = JobMessage("r", "release_holds", {})
    release_holds.release_holds.function(worker.context, message)
    assert set(shop.read(order_id).held_lines) == {BOWL}
    clock: Any = shop.desk.clock
    clock.at = end + timedelta(minutes=1)
    release_holds.release_holds.function(worker.context, message)
    assert shop.read(order_id).held_lines == {}
    assert "the hold ended by itself" in clerk.get(f"/console/orders/{order_id}").text


def test_money_that_was_not_taken_is_asked_for_again_once(as_role: AsRole, shop: Shop, app: Flask) -> None:
    """The job is promised with the attempt's own key; after the capture the action is not offered any more."""
    order_id, manager = shop.place(is_captured=False), as_role(Role.MANAGER)
    page = manager.get(f"/console/orders/{order_id}/capture").text
    found = {name: re.search(rf'name="{name}" value="([^"]+)"', page) for name in ("command_id", "version")}
    data = {name: match[1] for name, match in found.items() if match} | {"reason": "lost", "confirmed": "1"}
    for _ in range(2):
        assert manager.post(f"/console/orders/{order_id}/capture", data=data).status_code == 302
    with app.app_context():
        keys = db.session.scalars(select(Outbox.key).where(Outbox.key.like("capture_payment:%"))).all()
    assert len(keys) == 1
    captured = shop.place()
    assert manager.get(f"/console/orders/{captured}/capture").status_code == 409
    assert f"/{captured}/capture" not in manager.get(f"/console/orders/{captured}").text


def test_the_list_of_jobs_shows_an_export_with_its_progress(
    as_role: AsRole, shop: Shop, worker: Worker, app: Flask
) -> None:
    """Queued until the worker begins, done when it is whole."""
    shop.place()
    manager = as_role(Role.MANAGER)
    job_id = _job_of(manager.post("/console/orders/export", data={"query": ""}))
    assert "queued" in manager.get(f"/console/jobs/{job_id}").text
    worker.run()
    page = manager.get("/console/jobs").text
    assert "export" in page
    with app.app_context():
        job = db.session.get(BulkJob, UUID(job_id))
        assert job is not None
        assert (job.total, job.finished_at is not None) == (1, True)
