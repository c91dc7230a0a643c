"""Tracking numbers from a carrier's file: a dry run with a result per row, then a bulk job over the rows that can be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from orders.adapters.rds.bulk_jobs import begin_bulk
from orders.domain.errors import InvalidRequest, Problem
from orders.domain.ids import OrderId, uuid7
from orders.observability import correlation_id
from orders.services.whereabouts import Whereabouts
from webapp.console.door import console, requires
from webapp.console.fulfilment.queries import batch_lies
from webapp.console.jobs import tracking_sheet as sheet
from webapp.console.people.audit import record
from webapp.console.permissions import Permission
from webapp.console.uploads import uploaded_text
from webapp.console.warehouses.names import several_places
from webapp.console.wiring import actor, console_wiring, desk
from webapp.extensions import db
from webapp.wiring import wiring


@console.route("/tracking-import", methods=["GET", "POST"])
@requires(Permission.ORDERS_FULFIL)
def tracking_import() -> ResponseReturnValue:
    """Ask for the file, show what each row would do, and with `confirmed` have the worker do it."""
    text, problem, rows = "", "", []
    if request.method == "POST":
        try:
            text = uploaded_text()
            rows = _planned(text)
            if request.form.get("confirmed") == "1":
                return _begin(rows)
        except InvalidRequest as invalid:
            problem = invalid.problems[0].detail
    return render_template(
        "console/jobs/tracking_import.html",
        text=text,
        rows=rows,
        problem=problem,
        job_id=uuid7(wiring().clock.now()),
        good=sum(1 for row in rows if not row.problem),
        places=several_places(),
    ), 422 if problem else 200


def _planned(text: str) -> list[sheet.TrackingRow]:
    def lies(order_ids: Sequence[OrderId]) -> Mapping[OrderId, Whereabouts]:
        return batch_lies(desk(), console_wiring().inventory, order_ids)

    return sheet.plan(db.session(), sheet.read_sheet(text), several_places(), lies)


def _begin(rows: list[sheet.TrackingRow]) -> ResponseReturnValue:
    try:
        job_id = UUID(request.form.get("job_id", ""))
    except ValueError:
        raise InvalidRequest([Problem("/file", "the form is incomplete; choose the file again")]) from None
    total = begin_bulk(
        db.session.connection(),
        job_id=job_id,
        action="track",
        options={},
        asked_by=str(actor())[:80],
        query=f"a file of {len(rows)} tracking numbers",
        chosen=sheet.parcels_of(rows),
        correlation_id=correlation_id.get(),
        at=wiring().clock.now(),
    )
    if total:
        record("bulk.track", f"job:{job_id}", orders=total)
    db.session.commit()
    return redirect(url_for("console.bulk_job", job_id=job_id))
