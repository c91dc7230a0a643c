"""What needs somebody: the radar, the quarantine and the doctor."""

from __future__ import annotations

import json
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from orders.adapters.rds.job_models import JobRecord
from orders.adapters.rds.models import QuarantinedMessage
from orders.doctor.checks import CHECKS, Remedy
from orders.domain.ids import uuid7
from orders.domain.order import FulfilmentStatus, OrderState, OrderStatus, PaymentStatus
from webapp.console.door import console, requires, staff_may
from webapp.console.jobs import quarantine as store
from webapp.console.jobs import radar as scan
from webapp.console.jobs.asking import ask_for
from webapp.console.orders.actions import ACTIONS, offered
from webapp.console.people.audit import record
from webapp.console.permissions import Permission
from webapp.console.wiring import console_wiring
from webapp.extensions import db
from webapp.wiring import wiring

DOCTOR = "examine_shop"


@console.get("/radar")
@requires(Permission.JOBS_VIEW)
def radar() -> ResponseReturnValue:
    """Stage ages against their limits, and every order that is late with its reasons and its next action."""
    now, rule = wiring().clock.now(), wiring().settings.capture_rule
    only = request.args.get("stage", "")
    return render_template(
        "console/jobs/radar.html",
        now=now,
        only=only,
        ages=scan.stage_ages(db.session(), now, rule),
        stuck=scan.stuck_orders(db.session(), now, only, rule),
        next_action=_next_action,
    )


def _next_action(stuck: scan.Stuck) -> Any:
    """The action that moves an order on, when its state and the role allow it."""
    row = stuck.row
    state = OrderState(
        OrderStatus(row.status),
        PaymentStatus(row.payment_status),
        FulfilmentStatus(row.fulfilment_status),
        row.is_held,
        row.version,
    )
    action = ACTIONS.get(stuck.stage.next_action)
    return action if action in offered(state, staff_may) else None


# --- quarantine ------------------------------------------------------------------------------------------------


@console.get("/quarantine")
@requires(Permission.JOBS_VIEW)
def quarantine() -> ResponseReturnValue:
    """Messages that failed for good."""
    is_open = "resolved" not in request.args
    return render_template(
        "console/jobs/quarantine.html",
        messages=store.quarantined_messages(db.session(), is_open=is_open),
        is_open=is_open,
    )


@console.get("/quarantine/<path:message_id>")
@requires(Permission.JOBS_VIEW)
def quarantined(message_id: str) -> ResponseReturnValue:
    """One message: what it was, why it failed, where."""
    message = db.session.get(QuarantinedMessage, message_id) or abort(404)
    return render_template("console/jobs/quarantined.html", message=message, body=_pretty(message.body))


def _pretty(body: str) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False, sort_keys=True)
    except ValueError:
        return body


@console.post("/quarantine-replay")
@requires(Permission.JOBS_REPLAY)
def replay() -> ResponseReturnValue:
    """Send messages to their queue again, or drop them with a reason."""
    resolution = "dropped" if request.form.get("drop") else "replayed"
    reason = request.form.get("reason", "").strip()[:300]
    if resolution == "dropped" and not reason:
        abort(422, "Say why the message is dropped: nobody will do its work.")
    wired, now, done = console_wiring(), wiring().clock.now(), 0
    for message_id in request.form.getlist("message")[:100]:
        found = db.session.get(QuarantinedMessage, message_id[:80])
        dead = wired.queues.get(f"{found.queue}_dlq") if found else None
        store.resolve(
            db.session(),
            message_id[:80],
            resolution,
            now,
            wired.queue if resolution == "replayed" else None,
            dead,
        )
        record(f"quarantine.{resolution}", f"message:{message_id}", reason=reason)
        db.session.commit()
        done += 1
    flash(f"{done} message{'' if done == 1 else 's'} {resolution}.")
    return redirect(url_for("console.quarantine"))


# --- the doctor ------------------------------------------------------------------------------------------------


@console.get("/doctor")
@requires(Permission.JOBS_VIEW)
def doctor() -> ResponseReturnValue:
    """The promises, when they were checked last, and what was found."""
    runs = db.session.scalars(
        select(JobRecord).where(JobRecord.job == DOCTOR).order_by(JobRecord.enqueued_at.desc()).limit(10)
    ).all()
    last = next((run for run in runs if run.result), None)
    report = (last.result or {}).get("value") or {} if last else {}
    by_check: dict[str, list[dict[str, Any]]] = {}
    for finding in report.get("findings", ()):
        by_check.setdefault(finding["check"], []).append(finding)
    return render_template(
        "console/jobs/doctor.html",
        runs=runs,
        last=last,
        report=report,
        by_check=by_check,
        promises=[(check.__name__, (check.__doc__ or "").splitlines()[0]) for check in CHECKS],
        by_hand=Remedy.NONE.value,
        is_running=any(run.status in {"queued", "running", "retrying"} for run in runs[:1]),
    )


@console.post("/doctor")
@requires(Permission.DOCTOR_RUN)
def examine() -> ResponseReturnValue:
    """Ask the worker to examine the shop, and to repair the chosen findings."""
    now = wiring().clock.now()
    subjects = [subject[:80] for subject in request.form.getlist("repair")][:200]
    job_id = ask_for(
        db.session(),
        DOCTOR,
        {"repair": subjects} if subjects else {},
        key=uuid7(now),
        now=now,
        is_recorded=True,
    )
    record("doctor.repair" if subjects else "doctor.examine", f"job:{job_id}", subjects=subjects)
    db.session.commit()
    flash("The doctor is asked; the result appears here.")
    return redirect(url_for("console.doctor"))
