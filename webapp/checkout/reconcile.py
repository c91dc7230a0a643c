"""The reconciler: finishes what a crash or a closed tab left in the middle, and lets money go whose order never came."""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from orders.domain.errors import CartwrightError
from orders.observability import correlation_id
from webapp.checkout.models import IN_FLIGHT, Checkout
from webapp.checkout.placing import abandon, advance
from webapp.extensions import db
from webapp.wiring import Wiring

log = logging.getLogger(__name__)

STILL_SECONDS = 12
"""A little longer than a lease. A checkout that nobody touched for this long is taken up: its page is closed, or its process died."""
GIVE_UP_SECONDS = 900
"""Then the money is let go: longer than a bank's challenge page is open, and far longer than a request is on its way."""


def reconcile(parts: Wiring, limit: int = 200) -> dict[str, int]:
    """Take up every placing that stands still; returns how many were finished, ended, and are still open.

    Safe to run at any time and in several places at once: each checkout is leased.
    """
    counts = {"finished": 0, "ended": 0, "open": 0, "failed": 0}
    for checkout_id in _still(parts, limit):
        try:
            counts[_take_up(checkout_id, parts)] += 1
        except CartwrightError as error:
            db.session.rollback()
            counts["failed"] += 1
            log.warning("reconcile_failed", extra={"order_id": str(checkout_id), "reason": str(error)[:200]})
    if any(counts.values()):
        log.info("reconciled", extra=counts)
    return counts


def _still(parts: Wiring, limit: int) -> list[UUID]:
    before = parts.clock.now() - timedelta(seconds=STILL_SECONDS)
    query = (
        select(Checkout.id)
        .where(Checkout.status.in_([str(s) for s in IN_FLIGHT]), Checkout.updated_at < before)
        .order_by(Checkout.updated_at)
        .limit(limit)
    )
    found = list(db.session.scalars(query))
    db.session.commit()
    return found


def _take_up(checkout_id: UUID, parts: Wiring) -> str:
    began = db.session.get_one(Checkout, checkout_id, populate_existing=True)
    still_since = began.updated_at
    correlation_id.set(began.correlation_id)
    checkout = advance(checkout_id, parts)
    if checkout.status not in IN_FLIGHT:
        return "finished"
    if parts.clock.now() - still_since < timedelta(seconds=GIVE_UP_SECONDS):
        return "open"
    return "ended" if abandon(checkout_id, parts) else "open"
