"""Payment attempts of a checkout: a row before every call to the provider, finished with its answer."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from orders.adapters.rds.models import PaymentAttemptRow
from orders.ports import AttemptStatus, PaymentOutcome
from webapp.checkout.models import Checkout
from webapp.extensions import db
from webapp.reads import statement_by_statement

_ON_ITS_WAY = "asked; no answer yet"


def key(checkout: Checkout, kind: str) -> str:
    """The idempotency key of the present attempt, and its row's id."""
    return f"{checkout.id}:{kind}:{checkout.attempts}"


def record(checkout: Checkout, kind: str, amount_minor: int, provider: str, now: datetime) -> None:
    """Write the row of a call that is about to be made; the same attempt again changes nothing. The caller commits."""
    db.session.execute(
        insert(PaymentAttemptRow)
        .values(
            id=key(checkout, kind),
            order_id=checkout.id,
            kind=kind,
            provider=provider,
            reference=checkout.payment_reference if kind != "authorise" else "",
            amount_minor=amount_minor,
            currency=checkout.currency,
            status=AttemptStatus.PENDING,
            created_at=now,
            updated_at=now,
        )
        .on_conflict_do_nothing()
    )


def finish(attempt_id: str, outcome: PaymentOutcome, reference: str, decline_code: str, detail: str) -> None:
    """Write how the call ended. The caller commits."""
    values = {
        "status": AttemptStatus(outcome.value),
        "decline_code": decline_code[:40],
        "detail": detail[:500],
        "updated_at": datetime.now(UTC),
    }
    if reference:
        values["reference"] = reference
    db.session.execute(update(PaymentAttemptRow).where(PaymentAttemptRow.id == attempt_id).values(**values))


def begin_call(attempt_id: str) -> bool:
    """Mark that a call is on its way, so that a crash counts as a lost answer too. Commits.

    Returns whether an earlier call of this attempt was made and never answered.
    """
    before = select(PaymentAttemptRow.detail).where(PaymentAttemptRow.id == attempt_id).with_for_update()
    earlier = before.cte("earlier")
    statement_by_statement()
    was = db.session.scalar(
        update(PaymentAttemptRow)
        .where(PaymentAttemptRow.id == attempt_id)
        .values(detail=_ON_ITS_WAY)
        .returning(select(earlier.c.detail).scalar_subquery())
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
    return bool(was == _ON_ITS_WAY)
