"""What one request did to an order: everything under one trace, from the timeline to what failed, and where its log lines are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import abort, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from orders.adapters.rds.models import Outbox, QuarantinedMessage
from orders.settings import Settings
from webapp.console.door import console, requires
from webapp.console.orders.reading import Moment, OrderFile, read_order
from webapp.console.people.models import StaffAction
from webapp.console.permissions import Permission
from webapp.console.wiring import desk
from webapp.extensions import db
from webapp.wiring import wiring

_W3C = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Trace:
    """One request, or one job, as it shows in one order."""

    id: str
    moments: Sequence[Moment]
    actions: Sequence[StaffAction]
    waiting: Sequence[Any]
    failed: Sequence[QuarantinedMessage]

    @property
    def is_empty(self) -> bool:
        """Whether the order knows nothing of it."""
        return not (self.moments or self.actions or self.waiting or self.failed)


def trace_of(session: Session, file: OrderFile, trace_id: str) -> Trace:
    """What one order knows of one trace. Asks by the order, whose rows are few, never by the trace over all orders."""
    order_id = file.record.order_id
    return Trace(
        trace_id,
        moments=[one for one in reversed(file.timeline) if one.event.correlation_id == trace_id],
        actions=session.scalars(
            select(StaffAction)
            .where(StaffAction.subject == f"order:{order_id}", StaffAction.correlation_id == trace_id)
            .order_by(StaffAction.id)
        ).all(),
        waiting=session.execute(
            select(Outbox.effect, Outbox.key, Outbox.due_at, Outbox.attempts, Outbox.last_error)
            .where(Outbox.order_id == UUID(order_id), Outbox.correlation_id == trace_id)
            .order_by(Outbox.seq)
        ).all(),
        failed=[
            one
            for one in session.scalars(
                select(QuarantinedMessage).where(QuarantinedMessage.order_id == order_id)
            )
            if trace_id in one.body
        ],
    )


def xray_address(settings: Settings, trace_id: str) -> str:
    """Where AWS shows the spans of a trace; empty on a laptop, and for an id that is no W3C trace id.

    X-Ray writes the id as version, first 8 and last 24 digits:
    https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html
    """
    if settings.stage == "local" or not _W3C.fullmatch(trace_id):
        return ""
    region = settings.aws_region
    return (
        f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
        f"#xray:traces/1-{trace_id[:8]}-{trace_id[8:]}"
    )


@console.get("/orders/<uuid:order_id>/traces/<trace_id>")
@requires(Permission.ORDERS_VIEW)
def trace(order_id: UUID, trace_id: str) -> ResponseReturnValue:
    """One request and everything of it in one order."""
    file = read_order(db.session(), desk(), order_id)
    found = trace_of(db.session(), file, trace_id)
    if found.is_empty and trace_id != file.record.correlation_id:
        abort(404)
    return render_template(
        "console/orders/trace.html",
        file=file,
        record=file.record,
        trace=found,
        xray=xray_address(wiring().settings, trace_id),
    )
