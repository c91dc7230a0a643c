"""Exports, papers of many orders and imported tracking numbers, with the jobs that the worker runs."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select, update

from orders.adapters.rds.bulk_job_models import BulkJob, BulkRow, JobFile
from orders.domain.ids import order_number
from orders.domain.order import FulfilmentStatus
from orders.ports import JobMessage
from orders.services.ship_order import Parcel, ship_order
from tests.integration.console.low_queue import LowQueue, job_of
from tests.integration.console.shop import MUG, STAFF, AsRole, Shop
from webapp.console.permissions import Role
from webapp.extensions import db
from worker.jobs import export_orders, housekeeping, print_papers


def test_an_export_is_written_part_by_part_and_goes_on_where_it_broke_off(
    as_role: AsRole, shop: Shop, low_queue: LowQueue, monkeypatch: pytest.MonkeyPatch, app: Flask
) -> None:
    """Seven orders in parts of three: no file before its end, every order once, a repeated message adds nothing."""
    monkeypatch.setattr(export_orders, "PART", 3)
    placed = {order_number(shop.place({MUG: 1})) for _ in range(7)}
    shop.place({MUG: 1}, country="FR")
    manager = as_role(Role.MANAGER)
    job_id = job_of(manager.post("/console/orders/export", data={"query": "country=DE&sort=total"}))
    assert low_queue.run(most=2) == 2
    page = manager.get(f"/console/jobs/{job_id}").text
    assert re.search(r"<dt>Done</dt><dd>6</dd>", page)
    assert re.search(r"<dt>Still to do</dt><dd>1</dd>", page)
    assert manager.get(f"/console/jobs/{job_id}/orders.csv").status_code == 404
    with app.app_context():
        first = JobMessage("again", "export_orders", {"bulk_id": job_id, "round": 1, "part": 0})
        export_orders.export_orders.function(low_queue.context, first)
    low_queue.run()
    answer = manager.get(f"/console/jobs/{job_id}/orders.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert sorted(row["number"] for row in rows) == sorted(placed)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert as_role(Role.SUPPORT).get(f"/console/jobs/{job_id}/orders.csv").status_code == 403


def test_an_exported_name_is_no_formula(as_role: AsRole, shop: Shop, low_queue: LowQueue) -> None:
    """A shopper chose it; a spreadsheet must not run it."""
    shop.place(name='=HYPERLINK("http://evil")')
    shop.place()
    manager = as_role(Role.MANAGER)
    job_id = job_of(manager.post("/console/orders/export", data={"query": ""}))
    low_queue.run()
    rows = list(csv.DictReader(io.StringIO(manager.get(f"/console/jobs/{job_id}/orders.csv").text)))
    assert {row["customer"][:2] for row in rows} == {"'=", "An"}
    assert {row["total"] for row in rows} == {"79.20"}


def test_files_are_dropped_after_a_week(app: Flask, as_role: AsRole, shop: Shop, low_queue: LowQueue) -> None:
    """They hold personal data; the job stays on record and says that its file is gone."""
    shop.place()
    manager = as_role(Role.MANAGER)
    job_id = job_of(manager.post("/console/orders/export", data={"query": ""}))
    low_queue.run()
    with app.app_context():
        db.session.execute(update(JobFile).values(created_at=datetime.now(UTC) - timedelta(days=8)))
        db.session.commit()
    housekeeping.prune.function(low_queue.context, JobMessage("p", "prune", {}))
    assert manager.get(f"/console/jobs/{job_id}/orders.csv").status_code == 404
    assert "/orders.csv" not in manager.get(f"/console/jobs/{job_id}").text


# --- papers --------------------------------------------------------------------------------------------------------


def test_the_papers_of_many_orders_are_one_file(
    as_role: AsRole, shop: Shop, low_queue: LowQueue, app: Flask
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
    low_queue.run()
    answer = manager.get(f"/console/jobs/{job_id[1]}/papers.pdf")
    assert answer.mimetype == "application/pdf"
    assert answer.data.count(b"/Type /Page\n") == 6
    with app.app_context():
        assert set(db.session.scalars(select(BulkRow.status))) == {"done"}
        before = db.session.scalars(select(JobFile.content)).all()
        again = JobMessage("again", "print_papers", {"bulk_id": job_id[1], "round": 1, "part": 0})
        print_papers.print_papers.function(low_queue.context, again)
        assert db.session.scalars(select(JobFile.content)).all() == before


def _sheet(*rows: tuple[str, str, str]) -> str:
    return "\n".join(["order,carrier,tracking_number", *(",".join(row) for row in rows)])


def test_tracking_numbers_are_tried_first_and_done_once(
    as_role: AsRole, shop: Shop, low_queue: LowQueue
) -> None:
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
        low_queue.run()
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


def test_the_list_of_jobs_shows_an_export_with_its_progress(
    as_role: AsRole, shop: Shop, low_queue: LowQueue, app: Flask
) -> None:
    """Queued until the worker begins, done when it is whole."""
    shop.place()
    manager = as_role(Role.MANAGER)
    job_id = job_of(manager.post("/console/orders/export", data={"query": ""}))
    assert "queued" in manager.get(f"/console/jobs/{job_id}").text
    low_queue.run()
    page = manager.get("/console/jobs").text
    assert "export" in page
    with app.app_context():
        job = db.session.get(BulkJob, UUID(job_id))
        assert job is not None
        assert (job.total, job.finished_at is not None) == (1, True)
