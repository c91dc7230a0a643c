"""The audit: what staff did, written in the transaction that did it."""

from __future__ import annotations

from typing import Any

from flask import g, has_request_context, request

from orders.observability import correlation_id
from webapp.console.people.models import Staff, StaffAction
from webapp.extensions import db
from webapp.wiring import wiring


def record(
    action: str, subject: str = "", *, reason: str = "", staff: Staff | None = None, **detail: Any
) -> None:
    """Add an action to the audit; it is kept when the caller commits. `subject` names what it was done to,
    such as `order:<id>`, `sku:<sku>` or `staff:<email>`."""
    who = staff or (g.get("staff") if has_request_context() else None)
    db.session.add(
        StaffAction(
            at=wiring().clock.now(),
            staff_id=who.id if who else None,
            action=action,
            subject=subject[:120],
            detail=detail,
            reason=reason,
            ip=(request.remote_addr or "") if has_request_context() else "",
            correlation_id=correlation_id.get(),
        )
    )
