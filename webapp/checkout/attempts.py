"""Payment attempts of a checkout: a row before every call to the provider, finished with its answer."""

from __future__ import annotations

from datetime import datetime

from orders.ports import AttemptStatus, PaymentOutcome, PaymentResult
from webapp import statements
from webapp.checkout.models import Checkout
from webapp.checkout.store import Along

_ON_ITS_WAY = "asked; no answer yet"


def key(checkout: Checkout, kind: str) -> str:
    """The idempotency key of the present attempt, and its row's id."""
    return f"{checkout.id}:{kind}:{checkout.attempts}"


def recorded(
    checkout: Checkout, kind: str, amount_minor: int, provider: str, now: datetime, *, is_called: bool = False
) -> Along:
    """The row of a call that is about to be made, to go along with the checkout; the same attempt again changes nothing.

    `is_called` marks that the call is made right after this (see `begin_call`), by whoever writes it.
    """
    return Along(
        {"attempt": _RECORD},
        {
            "attempt_id": key(checkout, kind),
            "attempt_order": checkout.id,
            "attempt_kind": kind,
            "attempt_provider": provider,
            "attempt_reference": checkout.payment_reference if kind != "authorise" else "",
            "attempt_amount": amount_minor,
            "attempt_currency": checkout.currency,
            "attempt_status": str(AttemptStatus.PENDING),
            "attempt_detail": _ON_ITS_WAY if is_called else "",
            "attempt_at": now,
        },
    )


_RECORD = """
INSERT INTO payment_attempts
    (id, order_id, kind, provider, reference, amount_minor, currency, status, detail, created_at, updated_at)
SELECT %(attempt_id)s, %(attempt_order)s, %(attempt_kind)s, %(attempt_provider)s, %(attempt_reference)s, %(attempt_amount)s,
       %(attempt_currency)s, %(attempt_status)s, %(attempt_detail)s, %(attempt_at)s, %(attempt_at)s
FROM kept ON CONFLICT DO NOTHING
"""


def answered(attempt_id: str, result: PaymentResult, now: datetime) -> Along:
    """The provider's answer to a call, to go along with the checkout."""
    return finished(attempt_id, result.outcome, result.reference, result.decline_code, result.message, now)


def finished(
    attempt_id: str, outcome: PaymentOutcome, reference: str, decline_code: str, detail: str, now: datetime
) -> Along:
    """How a call ended, to go along with the checkout. A reference that is known stays where none is given."""
    return Along(
        {"attempt": _FINISH},
        {
            "attempt_id": attempt_id,
            "attempt_status": str(AttemptStatus(outcome.value)),
            "attempt_reference": reference,
            "attempt_code": decline_code[:40],
            "attempt_detail": detail[:500],
            "attempt_at": now,
        },
    )


_FINISH = """
UPDATE payment_attempts SET status = %(attempt_status)s, decline_code = %(attempt_code)s, detail = %(attempt_detail)s,
       reference = coalesce(nullif(%(attempt_reference)s, ''), reference), updated_at = %(attempt_at)s
WHERE id = %(attempt_id)s AND EXISTS (SELECT FROM kept)
"""


def begin_call(attempt_id: str) -> bool:
    """Mark that a call is on its way, so that a crash counts as a lost answer too. Commits.

    Returns whether an earlier call of this attempt was made and never answered.
    """
    found = statements.one(_BEGIN_CALL, {"id": attempt_id, "on_its_way": _ON_ITS_WAY})
    return found is not None and bool(found.detail == _ON_ITS_WAY)


_BEGIN_CALL = """
WITH earlier AS (SELECT detail FROM payment_attempts WHERE id = %(id)s FOR UPDATE)
UPDATE payment_attempts SET detail = %(on_its_way)s WHERE id = %(id)s RETURNING (SELECT detail FROM earlier) AS detail
"""
