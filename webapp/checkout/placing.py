"""From "place my order" to an accepted order: resumable, so that a crash, a lost reply or a closed tab never charges twice.

A checkout moves through its states by `advance`, one committed step at a time. Every outside call carries a key that
was committed before it (attempt row, order id), so doing a step again is safe; the checking page and the reconciler
call the same function. A lease keeps two processes from working on one checkout at the same moment.

    OPEN -> AUTHORISING -> (CHALLENGED ->) AUTHORISED -> PLACED
                 |              |              `-> REFUSED -> OPEN   (the held money is let go first)
                 `--------------+-> OPEN                            (declined: nothing is held)
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm.exc import StaleDataError

from orders.domain.errors import (
    IdempotencyConflict,
    InvalidRequest,
    OrderRefused,
    OutcomeUnknown,
    Problem,
    Refused,
    Unavailable,
    VersionConflict,
)
from orders.domain.ids import OrderId
from orders.domain.request import check
from orders.failpoints import failpoint
from orders.messages import decode_order_request, encode_order_request, order_request_to_dict
from orders.observability import correlation_id
from orders.ports import PaymentOutcome, PaymentResult
from webapp.cart.queries import take_out_ordered
from webapp.checkout import attempts, coupons
from webapp.checkout.arrival import expected_arrival
from webapp.checkout.models import IN_FLIGHT, Checkout, CheckoutStatus
from webapp.checkout.queries import commit, move_on
from webapp.checkout.quote import order_request, quote
from webapp.extensions import db
from webapp.wiring import Wiring

log = logging.getLogger(__name__)

LEASE_SECONDS = 10
"""A little longer than the longest outside call of a step, and renewed before each: a killed process blocks a checkout for
this long at most. A slow one that loses its lease is stopped by the version at its next commit (models.Checkout)."""
ANSWER_LIMIT_SECONDS = 35
"""API Gateway ends a request after 29 s and the Lambda before that: a request older than this is not on its way any more."""
MAX_ATTEMPTS = 10
"""Cards tried in one checkout. Beyond that it is somebody testing stolen cards."""


DECLINED = {
    "": "Your bank declined the payment. Nothing was charged; try another card.",
    "declined": "Your bank declined the payment. Nothing was charged; try another card.",
    "card_declined": "Your bank declined the payment. Nothing was charged; try another card.",
    "insufficient_funds": "There is not enough money on this card. Nothing was charged; try another card.",
    "expired_card": "This card has expired. Nothing was charged; try another card.",
    "incorrect_cvc": "The security code does not match the card. Nothing was charged; please type it again.",
    "authentication_failed": "The payment was not confirmed with your bank. Nothing was charged; try again or use another card.",
    "challenge_failed": "The payment was not confirmed with your bank. Nothing was charged; try again or use another card.",
}
"""What the shopper reads for each of the provider's reasons."""


def begin(checkout: Checkout, parts: Wiring, now: datetime) -> None:
    """Freeze what is charged, claim the coupon and record the payment attempt, in one transaction, before any call. Commits.

    The caller holds the row's lock and has compared versions. Raises VersionConflict when it is not open, CouponRefused
    when the coupon was used up meanwhile.
    """
    if checkout.status != CheckoutStatus.OPEN:
        raise VersionConflict("this order is being placed already")
    if checkout.attempts >= MAX_ATTEMPTS:
        problem = "This order was tried too often. Please wait, or call us; nothing was charged."
        raise InvalidRequest([Problem("/payment", problem)])
    quoted = quote(checkout, parts.settings, now)
    request = order_request(checkout, quoted, parts.settings)
    if quoted.shipping is not None:
        arrival = expected_arrival(quoted.shipping, request.shipping_address.country, now)
        request = replace(request, client={**request.client, "expected_at": arrival.isoformat()})
    check(request)
    if request.total_minor == 0:
        problem = "An order that costs nothing cannot be paid by card. Take the coupon out, or call us."
        raise InvalidRequest([Problem("/discount_code", problem)])
    if request.discount_code:
        coupons.claim(checkout, now)
    checkout.request = order_request_to_dict(request)
    # The body must be one that the order API takes, before any money is held for it.
    decode_order_request(
        {**checkout.request, "payment": {**checkout.request["payment"], "reference": "pending"}}
    )
    checkout.attempts += 1
    checkout.status = CheckoutStatus.AUTHORISING
    checkout.submitted_at = None
    checkout.refusals, checkout.notice, checkout.action_url = [], "", ""
    checkout.correlation_id = correlation_id.get()
    attempts.record(checkout, "authorise", request.total_minor, parts.payments.name, now)
    move_on(checkout, now)
    commit()
    failpoint("checkout.after_attempt")


def advance(checkout_id: UUID, parts: Wiring) -> Checkout:
    """Do every step that can be done now and return the checkout as it stands. Safe to call at any time, by anyone."""
    checkout = _lease(checkout_id, parts.clock.now())
    if checkout is None:
        return db.session.get_one(Checkout, checkout_id, populate_existing=True)
    try:
        while (step := _STEPS.get(CheckoutStatus(checkout.status))) is not None and step(checkout, parts):
            _renew(checkout_id, parts.clock.now())
    except (VersionConflict, StaleDataError):
        # Somebody else has taken it further meanwhile; what this one did has the same key and changed nothing more.
        log.info("placing_overtaken", extra={"order_id": str(checkout_id)})
    finally:
        _release(checkout_id)
    return db.session.get_one(Checkout, checkout_id, populate_existing=True)


def _lease(checkout_id: UUID, now: datetime) -> Checkout | None:
    """The checkout, when nobody else works on it."""
    got = db.session.execute(
        update(Checkout)
        .where(
            Checkout.id == checkout_id,
            Checkout.status.in_([str(status) for status in _STEPS]),
            (Checkout.leased_until.is_(None)) | (Checkout.leased_until < now),
        )
        .values(leased_until=now + timedelta(seconds=LEASE_SECONDS))
        .returning(Checkout.id)
    ).scalar_one_or_none()
    db.session.commit()
    if got is None:
        return None
    checkout = db.session.scalar(
        select(Checkout).where(Checkout.id == checkout_id).execution_options(populate_existing=True)
    )
    db.session.commit()
    return checkout


def _renew(checkout_id: UUID, now: datetime) -> None:
    until = now + timedelta(seconds=LEASE_SECONDS)
    db.session.execute(update(Checkout).where(Checkout.id == checkout_id).values(leased_until=until))
    db.session.commit()


def _release(checkout_id: UUID) -> None:
    db.session.rollback()
    db.session.execute(update(Checkout).where(Checkout.id == checkout_id).values(leased_until=None))
    db.session.commit()


def _reopen(checkout: Checkout) -> None:
    """Nothing is held and nothing was ordered: the shopper may go on, and the coupon is anybody's again."""
    checkout.status = CheckoutStatus.OPEN
    coupons.give_back(checkout)


def _save(checkout: Checkout, parts: Wiring) -> None:
    move_on(checkout, parts.clock.now())
    commit()


# --- the steps: each returns whether another may follow at once --------------------------------------------------


def _authorise(checkout: Checkout, parts: Wiring) -> bool:
    """Ask the provider to hold the money. The key makes a repeat the same question."""
    assert checkout.request is not None  # noqa: S101  (begin froze it)
    key = attempts.key(checkout, "authorise")
    was_lost = attempts.begin_call(key)
    try:
        result = parts.payments.authorise(
            order_id=str(checkout.id),
            amount_minor=checkout.request["total_minor"],
            currency=checkout.currency,
            token=checkout.payment_token,
            idempotency_key=key,
            return_url=f"{parts.settings.public_url}/checkout/return",
        )
    except OutcomeUnknown as error:
        log.warning("authorise_unknown", extra={"order_id": str(checkout.id), "reason": str(error)[:200]})
        return False
    except Unavailable as error:
        log.warning("authorise_away", extra={"order_id": str(checkout.id), "reason": str(error)[:200]})
        # Only when no earlier call of this attempt was lost is it certain that nothing is held.
        return False if was_lost else _not_authorised(checkout, parts, key)
    failpoint("checkout.after_authorise")
    return _take_result(checkout, parts, key, result)


def _not_authorised(checkout: Checkout, parts: Wiring, key: str) -> bool:
    """The attempt never reached the provider: nothing is held, the shopper may try again."""
    attempts.finish(key, PaymentOutcome.DECLINED, "", "unavailable", "it never reached the provider")
    _reopen(checkout)
    checkout.notice = (
        "The payment service does not answer at the moment. Nothing was charged; please try again soon."
    )
    _save(checkout, parts)
    return False


def _challenge(checkout: Checkout, parts: Wiring) -> bool:
    """See what became of the bank's question."""
    try:
        result = parts.payments.resume(reference=checkout.payment_reference)
    except Unavailable as error:
        log.warning("challenge_unknown", extra={"order_id": str(checkout.id), "reason": str(error)[:200]})
        return False
    if result.outcome is PaymentOutcome.REQUIRES_ACTION:
        return False
    return _take_result(checkout, parts, attempts.key(checkout, "authorise"), result)


def _take_result(checkout: Checkout, parts: Wiring, key: str, result: PaymentResult) -> bool:
    attempts.finish(key, result.outcome, result.reference, result.decline_code, result.message)
    checkout.payment_reference = result.reference
    if result.outcome is PaymentOutcome.SUCCEEDED:
        payment = {**(checkout.request or {})["payment"], "reference": result.reference}
        checkout.request = {**(checkout.request or {}), "payment": payment}
        checkout.status = CheckoutStatus.AUTHORISED
    elif result.outcome is PaymentOutcome.REQUIRES_ACTION:
        checkout.action_url = result.action_url
        checkout.status = CheckoutStatus.CHALLENGED
    else:
        checkout.payment_reference = checkout.payment_token = checkout.payment_label = ""
        checkout.notice = DECLINED.get(result.decline_code, DECLINED[""])
        _reopen(checkout)
    _save(checkout, parts)
    return result.outcome is PaymentOutcome.SUCCEEDED


def _submit(checkout: Checkout, parts: Wiring) -> bool:
    """Hand the order to the order API, or ask what became of it."""
    order_id, now = OrderId(str(checkout.id)), parts.clock.now()
    first_sent = checkout.submitted_at
    try:
        if first_sent is not None and parts.order_api.find(order_id) is not None:
            return _placed(checkout, parts)
        if first_sent is None:
            checkout.submitted_at = now
            _save(checkout, parts)
        body = encode_order_request(decode_order_request(checkout.request or {}))
        correlation_id.set(checkout.correlation_id or correlation_id.get())
        parts.order_api.submit(order_id, body)
        failpoint("checkout.after_submit")
    except OrderRefused as error:
        if first_sent is not None and (now - first_sent).total_seconds() < ANSWER_LIMIT_SECONDS:
            # A lost first request could still be accepted while its repeat is refused.
            return False
        refusals = [asdict(line) for line in error.lines]
        return _refused(checkout, parts, "Part of your order cannot be had as it was.", refusals)
    except OutcomeUnknown as error:
        log.warning("submit_unknown", extra={"order_id": order_id, "reason": str(error)[:200]})
        return False
    except Unavailable as error:
        log.warning("submit_unavailable", extra={"order_id": order_id, "reason": str(error)[:200]})
        if first_sent is not None:
            return False
        return _refused(
            checkout,
            parts,
            "We cannot take orders at this moment. Nothing was charged and your cart is kept.",
            [],
        )
    except (InvalidRequest, IdempotencyConflict) as error:
        log.error("submit_invalid", extra={"order_id": order_id, "reason": str(error)[:500]})
        if isinstance(error, IdempotencyConflict) and parts.order_api.find(order_id) is not None:
            return _placed(checkout, parts)
        return _refused(
            checkout,
            parts,
            "The order could not be taken; this is our mistake. Nothing was charged and your cart is kept.",
            [],
        )
    return _placed(checkout, parts)


def _placed(checkout: Checkout, parts: Wiring) -> bool:
    now = parts.clock.now()
    checkout.status = CheckoutStatus.PLACED
    checkout.payment_token = checkout.notice = ""
    checkout.refusals = []
    ordered = {line["sku"]: line["quantity"] for line in (checkout.request or {})["lines"]}
    take_out_ordered(checkout.cart_id, ordered, now)
    _save(checkout, parts)
    log.info("order_submitted", extra={"order_id": str(checkout.id)})
    return False


def _refused(checkout: Checkout, parts: Wiring, notice: str, refusals: list[dict[str, Any]]) -> bool:
    checkout.status = CheckoutStatus.REFUSED
    checkout.notice, checkout.refusals = notice, refusals
    attempts.record(
        checkout, "void", (checkout.request or {})["total_minor"], parts.payments.name, parts.clock.now()
    )
    _save(checkout, parts)
    return True


def _let_go(checkout: Checkout, parts: Wiring) -> bool:
    """Void the authorisation of a refused order; until that is done the checkout stays REFUSED."""
    key = attempts.key(checkout, "void")
    try:
        result = parts.payments.void(reference=checkout.payment_reference, idempotency_key=key)
    except Unavailable as error:
        log.warning("void_unknown", extra={"order_id": str(checkout.id), "reason": str(error)[:200]})
        return False
    except Refused as error:
        # The provider says that this money is not held any more; the doctor compares both books.
        log.error("void_refused", extra={"order_id": str(checkout.id), "reason": str(error)[:200]})
        result = PaymentResult(
            PaymentOutcome.DECLINED, checkout.payment_reference, 0, "refused", str(error)[:200]
        )
    attempts.finish(key, result.outcome, result.reference, result.decline_code, result.message)
    checkout.payment_reference = ""
    checkout.request, checkout.submitted_at = None, None
    _reopen(checkout)
    _save(checkout, parts)
    return False


_STEPS: Mapping[CheckoutStatus, Callable[[Checkout, Wiring], bool]] = {
    CheckoutStatus.AUTHORISING: _authorise,
    CheckoutStatus.CHALLENGED: _challenge,
    CheckoutStatus.AUTHORISED: _submit,
    CheckoutStatus.REFUSED: _let_go,
}


def abandon(checkout_id: UUID, parts: Wiring) -> bool:
    """End a placing that did not come to an end: nothing is held afterwards, or the order is known. True when it is over.

    For the reconciler. The checkout must have been still for longer than any request can be on its way, and `advance`
    must have had its chance. Raises Unavailable when the provider or the order API cannot be asked.
    """
    checkout = _lease(checkout_id, parts.clock.now())
    if checkout is None:
        return False
    try:
        if checkout.status == CheckoutStatus.AUTHORISING:
            key = attempts.key(checkout, "authorise")
            result = parts.payments.find(idempotency_key=key)
            if result is None:
                _not_authorised(checkout, parts, key)
            else:
                _take_result(checkout, parts, key, result)
        if checkout.status in {CheckoutStatus.CHALLENGED, CheckoutStatus.AUTHORISED}:
            if parts.order_api.find(OrderId(str(checkout.id))) is not None:
                _placed(checkout, parts)
            else:
                _refused(checkout, parts, "The order was not completed in time. Nothing was charged.", [])
        if checkout.status == CheckoutStatus.REFUSED:
            _let_go(checkout, parts)
        return checkout.status not in IN_FLIGHT
    finally:
        _release(checkout_id)


def give_up_challenge(checkout_id: UUID, parts: Wiring) -> None:
    """The shopper does not answer the bank's question: let the payment go and open the checkout again."""
    checkout = _lease(checkout_id, parts.clock.now())
    if checkout is None:
        return
    try:
        if checkout.status == CheckoutStatus.CHALLENGED:
            checkout.payment_token = checkout.payment_label = ""
            _refused(checkout, parts, "The payment was not confirmed. Nothing was charged.", [])
            _let_go(checkout, parts)
    finally:
        _release(checkout_id)
