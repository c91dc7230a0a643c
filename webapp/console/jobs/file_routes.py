"""Files that the worker writes: an export is asked for here, and fetched here when it is whole."""

from __future__ import annotations

from uuid import UUID

from flask import Response, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from orders.adapters.rds.bulk_job_models import BulkJob
from orders.adapters.rds.bulk_jobs import begin_bulk
from orders.adapters.rds.job_files import last_part, read_parts
from orders.adapters.rds.order_search import OrderSearch, Words
from orders.domain.ids import uuid7
from orders.observability import correlation_id
from webapp.console.door import console, requires
from webapp.console.people.audit import record
from webapp.console.permissions import Permission
from webapp.console.wiring import actor
from webapp.extensions import db
from webapp.wiring import wiring


@console.post("/orders/export")
@requires(Permission.ORDERS_EXPORT)
def start_export() -> ResponseReturnValue:
    """Have the worker write the whole result of a search as CSV."""
    search = OrderSearch.parse(Words(request.form.get("query", "")[:2000]))
    now = wiring().clock.now()
    job_id = UUID(uuid7(now))
    begin_bulk(
        db.session.connection(),
        job_id=job_id,
        action="export",
        options={"search": search.query()},
        asked_by=str(actor())[:80],
        query=search.query() or "every order",
        chosen=None,
        correlation_id=correlation_id.get(),
        at=now,
    )
    record("orders_exported", f"job:{job_id}", query=search.query())
    db.session.commit()
    return redirect(url_for("console.bulk_job", job_id=job_id))


def file_is_whole(job: BulkJob) -> bool:
    """Whether a job's file is there to be fetched: written to its end, and not so old that it was dropped."""
    return job.finished_at is not None and last_part(db.session.connection(), job.id) is not None


@console.get("/jobs/<uuid:job_id>/orders.csv")
@requires(Permission.ORDERS_EXPORT)
def export_file(job_id: UUID) -> ResponseReturnValue:
    """The orders of an export."""
    return _file(job_id, "export", "text/csv", "orders-{:%Y-%m-%d}.csv")


@console.get("/jobs/<uuid:job_id>/papers.pdf")
@requires(Permission.ORDERS_FULFIL)
def papers_file(job_id: UUID) -> ResponseReturnValue:
    """The papers of a bulk job in one PDF."""
    return _file(job_id, "print", "application/pdf", "papers-{:%Y-%m-%d}.pdf")


def _file(job_id: UUID, action: str, mimetype: str, name: str) -> Response:
    job = db.session.get(BulkJob, job_id)
    if job is None or job.action != action or not file_is_whole(job):
        abort(404, "The file is not there: not written yet, or so old that it was dropped. Ask for it anew.")
    how = f'{"inline" if action == "print" else "attachment"}; filename="{name.format(job.created_at)}"'
    return Response(
        read_parts(db.engine, job_id),
        mimetype=mimetype,
        headers={"Content-Disposition": how},
    )
