"""The lease on a checkout that is being placed: one process works on it at a time, and a killed one blocks it for seconds."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import update

from webapp.checkout import store
from webapp.checkout.models import IN_FLIGHT, Checkout
from webapp.checkout.store import Along
from webapp.extensions import db
from webapp.statements import statement_by_statement
from webapp.wiring import Wiring

LEASE_SECONDS = 9
"""A little longer than the longest outside call of a step, and renewed before each: a killed process blocks a checkout for
this long at most. A slow one that loses its lease is stopped by the version at its next commit (models.Checkout)."""
_LEASED = [str(status) for status in IN_FLIGHT]


def lease(checkout_id: UUID, now: datetime) -> Checkout | None:
    """The checkout, when it is in flight and nobody else works on it. Commits."""
    statement_by_statement()
    checkout = db.session.scalar(
        update(Checkout)
        .where(
            Checkout.id == checkout_id,
            Checkout.status.in_(_LEASED),
            (Checkout.leased_until.is_(None)) | (Checkout.leased_until < now),
        )
        .values(leased_until=until(now))
        .returning(Checkout)
        .execution_options(populate_existing=True, synchronize_session=False)
    )
    db.session.commit()
    return store.detached(checkout) if checkout is not None else None


def until(now: datetime) -> datetime:
    """Until when a lease that is taken or renewed now holds."""
    return now + timedelta(seconds=LEASE_SECONDS)


def release(checkout_id: UUID) -> None:
    """Let anybody work on it again. Undoes what is not committed; commits."""
    db.session.rollback()
    statement_by_statement()
    db.session.execute(
        update(Checkout)
        .where(Checkout.id == checkout_id)
        .values(leased_until=None)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()


def save(checkout: Checkout, parts: Wiring, *along: Along, is_last: bool = False) -> None:
    """Commit a step with what goes along with it (store.keep), and the lease: renewed for the step that follows, or given
    back after the last one.

    Raises VersionConflict when somebody else has taken the checkout further.
    """
    now = parts.clock.now()
    checkout.leased_until = None if is_last else until(now)
    store.keep(checkout, now, *along)
