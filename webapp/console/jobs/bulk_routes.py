"""Bulk work: chosen in the order list, looked at, begun, watched, tried again and taken back."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, select
from werkzeug.datastructures import MultiDict

from orders.adapters.rds.bulk_job_models import BulkRow
from orders.adapters.rds.bulk_jobs import MOST_ORDERS, MOST_PAPERS, begin_bulk, retry_failed
from orders.domain.errors import Refused, Unavailable
from orders.domain.ids import OrderId, uuid7
from orders.observability import correlation_id
from orders.services.bulk_actions import UNDONE_BY, Task, perform
from webapp.console.door import console, requires, staff_may
from webapp.console.jobs import bulk
from webapp.console.jobs.file_routes import file_is_whole
from webapp.console.orders.preview import Consequence, preview
from webapp.console.orders.runs import HOLD_REASONS
from webapp.console.orders.search import OrderSearch
from webapp.console.people.audit import record
from webapp.console.permissions import Permission
from webapp.console.shop_time import shop_zone
from webapp.console.warehouses.names import several_places
from webapp.console.wiring import actor, desk
from webapp.extensions import db
from webapp.wiring import wiring

EXAMPLES = 6
"""Kinds of orders of which one is tried out for the preview: each is a transaction that is taken back."""


def bulk_menu() -> list[tuple[str, str]]:
    """The bulk actions of who is at the keyboard, as (code, words)."""
    if not staff_may(Permission.ORDERS_BULK):
        return []
    return [(code, words) for code, (words, needed) in bulk.BULK_MENU.items() if staff_may(needed)]


@console.get("/jobs")
@requires(Permission.JOBS_VIEW)
def bulk_jobs() -> ResponseReturnValue:
    """The latest bulk jobs."""
    return render_template("console/jobs/bulk_jobs.html", jobs=bulk.bulk_views(db.session()))


@console.get("/jobs/<uuid:job_id>")
@requires(Permission.JOBS_VIEW)
def bulk_job(job_id: UUID) -> ResponseReturnValue:
    """One bulk job: progress and a result per order."""
    view = bulk.bulk_view(db.session(), job_id) or abort(404)
    status = request.args.get("status", "")
    status = status if status in {"pending", "done", "failed"} else ""
    return render_template(
        "console/jobs/bulk_job.html",
        view=view,
        rows=bulk.bulk_rows(db.session(), job_id, status),
        status=status,
        undo=bulk.spoken(UNDONE_BY.get(view.job.action, "")),
        shown=bulk.ROWS_SHOWN,
        has_file=view.job.action in bulk.WRITES_FILE and file_is_whole(view.job),
    )


@console.post("/orders/bulk")
@requires(Permission.ORDERS_BULK)
def start_bulk() -> ResponseReturnValue:
    """Show what a bulk job would do, and with `confirmed` begin it."""
    action = request.form.get("action", "")
    words, needed = bulk.BULK_MENU.get(action) or abort(422, "Choose what is to be done.")
    if not staff_may(needed):
        abort(403)
    search, ids = _chosen()
    chosen = bulk.chosen_orders(db.session(), search, ids)
    if request.form.get("confirmed") != "1":
        return _preview(action, words, search, ids, chosen)
    job_id = UUID(request.form.get("job_id", "")) if _is_uuid(request.form.get("job_id", "")) else abort(400)
    options = {
        name: request.form.get(name, "").strip()[:300]
        for name in ("reason", "hold_reason", "carrier", "papers")
    }
    total = begin_bulk(
        db.session.connection(),
        job_id=job_id,
        action=action,
        options={name: value for name, value in options.items() if value},
        asked_by=str(actor())[:80],
        query=search.query() if search else f"{len(ids)} chosen orders",
        chosen=chosen.limit(MOST_PAPERS) if action == "print" else chosen,
        correlation_id=correlation_id.get(),
        at=wiring().clock.now(),
    )
    if total:
        record(f"bulk.{action}", f"job:{job_id}", reason=options["reason"], orders=total)
    db.session.commit()
    return redirect(url_for("console.bulk_job", job_id=job_id))


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _chosen() -> tuple[OrderSearch | None, list[UUID]]:
    if request.form.get("whole") == "1":
        words = MultiDict(parse_qsl(request.form.get("query", "")[:2000]))
        return OrderSearch.parse(words, shop_zone()), []
    ids = [UUID(text) for text in request.form.getlist("order") if _is_uuid(text)]
    if not ids:
        abort(422, "Choose at least one order.")
    return None, ids


def _preview(
    action: str, words: str, search: OrderSearch | None, ids: list[UUID], chosen: Select[Any]
) -> ResponseReturnValue:
    """How many orders may and may not take the action now, by their state: the state machine decides, not a guess."""
    groups = bulk.groups_of(db.session(), chosen.limit(MOST_ORDERS + 1), action)
    return render_template(
        "console/jobs/bulk_preview.html",
        action=action,
        action_words=words,
        groups=groups,
        effects={group.sample: _effects(action, group) for group in groups[:EXAMPLES] if group.is_possible},
        possible=sum(group.count for group in groups if group.is_possible),
        total=sum(group.count for group in groups),
        most=MOST_PAPERS if action == "print" else MOST_ORDERS,
        search=search,
        ids=ids,
        hold_reasons=HOLD_REASONS,
        names_places=action in {"ship", "print"} and _has_several_places(),
        job_id=uuid7(wiring().clock.now()),
    )


def _has_several_places() -> bool:
    try:
        return bool(several_places())
    except Unavailable:
        return False


def _effects(action: str, group: bulk.Group) -> list[Consequence]:
    """What the action does to one order of a group, as an example for all of them: found by doing it and taking it back."""
    if action == "print":
        return []
    sample = OrderId(str(group.sample))
    task = Task(sample, f"preview:{uuid7(wiring().clock.now())}", actor(), {})
    try:
        return preview(desk(), db.engine, lambda drafting: perform(drafting, action, task))
    except Refused as refused:
        return [Consequence("status", f"Not done: {refused}")]


@console.post("/jobs/<uuid:job_id>/retry")
@requires(Permission.ORDERS_BULK)
def retry_bulk(job_id: UUID) -> ResponseReturnValue:
    """Try the failed rows again."""
    if bulk.bulk_view(db.session(), job_id) is None:
        abort(404)
    again = retry_failed(db.session.connection(), job_id, wiring().clock.now())
    record("bulk.retry", f"job:{job_id}", orders=again)
    db.session.commit()
    flash(f"{again} order{'' if again == 1 else 's'} will be tried again.")
    return redirect(url_for("console.bulk_job", job_id=job_id))


@console.post("/jobs/<uuid:job_id>/undo")
@requires(Permission.ORDERS_BULK)
def undo_bulk(job_id: UUID) -> ResponseReturnValue:
    """Take back what was done, where the state machine has a way back: a bulk job of its own over the done rows."""
    view = bulk.bulk_view(db.session(), job_id) or abort(404)
    back = UNDONE_BY.get(view.job.action) or abort(409, "There is no way back from this.")
    now = wiring().clock.now()
    undo_id = UUID(uuid7(now))
    total = begin_bulk(
        db.session.connection(),
        job_id=undo_id,
        action=back,
        options={"reason": f"taken back: bulk {view.job.action}"},
        asked_by=str(actor())[:80],
        query=f"undo of {job_id}",
        chosen=select(BulkRow.order_id).where(BulkRow.job_id == job_id, BulkRow.status == "done"),
        correlation_id=correlation_id.get(),
        at=now,
    )
    record("bulk.undo", f"job:{job_id}", orders=total)
    db.session.commit()
    return redirect(url_for("console.bulk_job", job_id=undo_id))
