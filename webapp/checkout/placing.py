"""From "place my order" to an accepted order: resumable, so that a crash, a lost reply or a closed tab never charges twice.

A checkout moves through its states by `advance`, one committed step at a time. Every outside call carries a key that
was committed before it (attempt row, order id), so doing a step again is safe; the checking page and the reconciler
call the same function. A lease (leases.py) keeps two processes from working on one checkout at the same moment. What
the steps do is in charging.py and submitting.py.

    OPEN -> AUTHORISING -> (CHALLENGED ->) AUTHORISED -> PLACED
                 |              |              `-> REFUSED -> OPEN   (the held money is let go first)
                 `--------------+-> OPEN                            (declined: nothing is held)
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from orders.domain.errors import InvalidRequest, Problem, VersionConflict
from orders.domain.ids import OrderId
from orders.domain.request import check
from orders.failpoints import failpoint
from orders.messages import decode_order_request, order_request_to_dict
from orders.observability import correlation_id
from webapp.checkout import attempts, charging, coupons, store, submitting
from webapp.checkout.arrival import expected_arrival
from webapp.checkout.leases import lease, release, until
from webapp.checkout.models import IN_FLIGHT, Checkout, CheckoutStatus
from webapp.checkout.quote import order_request, quote
from webapp.languages import N_
from webapp.wiring import Wiring

log = logging.getLogger(__name__)
Step = Callable[[Checkout, Wiring], bool]
"""Does what can be done, and returns whether another step may follow at once."""

MAX_ATTEMPTS = 10
"""Cards tried in one checkout. Beyond that it is somebody testing stolen cards."""
TRIED_TOO_OFTEN = N_("This order was tried too often. Please wait, or call us; nothing was charged.")
COSTS_NOTHING = N_("An order that costs nothing cannot be paid by card. Take the coupon out, or call us.")


def place(checkout: Checkout, parts: Wiring, now: datetime) -> Checkout:
    """Begin, and do every step that can be done now; returns the checkout as it stands then. Raises what `begin` raises."""
    begin(checkout, parts, now)
    return _work(checkout, parts, charging.hold)


def begin(checkout: Checkout, parts: Wiring, now: datetime) -> None:
    """Freeze what is charged, claim the coupon, record the payment attempt, whose call follows, and take the lease, in one
    transaction, before any call. Commits.

    Raises VersionConflict when it is not open, or not any more as it was read, and CouponRefused when the coupon was used
    up meanwhile.
    """
    if checkout.status != CheckoutStatus.OPEN:
        raise VersionConflict("this order is being placed already")
    if checkout.attempts >= MAX_ATTEMPTS:
        raise InvalidRequest([Problem("/payment", TRIED_TOO_OFTEN)])
    quoted = quote(checkout, parts.settings, now)
    request = order_request(checkout, quoted, parts.settings)
    if quoted.shipping is not None:
        arrival = expected_arrival(quoted.shipping, request.shipping_address.country, now)
        request = replace(request, client={**request.client, "expected_at": arrival.isoformat()})
    check(request)
    if request.total_minor == 0:
        raise InvalidRequest([Problem("/discount_code", COSTS_NOTHING)])
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
    checkout.leased_until = until(now)  # Whoever begins goes on with it at once: see `place`.
    store.keep(
        checkout,
        now,
        attempts.recorded(
            checkout, "authorise", request.total_minor, parts.payments.name, now, is_called=True
        ),
    )
    failpoint("checkout.after_attempt")


def advance(checkout_id: UUID, parts: Wiring) -> Checkout:
    """Do every step that can be done now and return the checkout as it stands. Safe to call at any time, by anyone."""
    checkout = lease(checkout_id, parts.clock.now())
    if checkout is None:
        return store.get(checkout_id)
    return _work(checkout, parts)


def _work(checkout: Checkout, parts: Wiring, begun: Step | None = None) -> Checkout:
    """Step after step of a leased checkout, the first one `begun` or what its state asks for. Each commits and renews the
    lease; the last gives it back."""
    checkout_id, is_over = checkout.id, False
    try:
        step = begun or _STEPS.get(CheckoutStatus(checkout.status))
        while step is not None and step(checkout, parts):
            step = _STEPS.get(CheckoutStatus(checkout.status))
        is_over = checkout.leased_until is None
    except VersionConflict:
        # Somebody else has taken it further meanwhile; what this one did has the same key and changed nothing more.
        log.info("placing_overtaken", extra={"order_id": str(checkout_id)})
    finally:
        if not is_over:
            release(checkout_id)
    return checkout if is_over else store.get(checkout_id)


_STEPS: Mapping[CheckoutStatus, Step] = {
    CheckoutStatus.AUTHORISING: charging.authorise,
    CheckoutStatus.CHALLENGED: charging.challenge,
    CheckoutStatus.AUTHORISED: submitting.submit,
    CheckoutStatus.REFUSED: charging.let_go,
}


def abandon(checkout_id: UUID, parts: Wiring) -> bool:
    """End a placing that did not come to an end: nothing is held afterwards, or the order is known. True when it is over.

    For the reconciler. The checkout must have been still for longer than any request can be on its way, and `advance`
    must have had its chance. Raises Unavailable when the provider or the order API cannot be asked.
    """
    checkout = lease(checkout_id, parts.clock.now())
    if checkout is None:
        return False
    try:
        if checkout.status == CheckoutStatus.AUTHORISING:
            key = attempts.key(checkout, "authorise")
            result = parts.payments.find(idempotency_key=key)
            if result is None:
                charging.not_authorised(checkout, parts, key)
            else:
                charging.take_result(checkout, parts, key, result)
        if checkout.status in {CheckoutStatus.CHALLENGED, CheckoutStatus.AUTHORISED}:
            if parts.order_api.find(OrderId(str(checkout.id))) is not None:
                submitting.placed(checkout, parts)
            else:
                submitting.refused(
                    checkout, parts, N_("The order was not completed in time. Nothing was charged."), []
                )
        if checkout.status == CheckoutStatus.REFUSED:
            charging.let_go(checkout, parts)
        return checkout.status not in IN_FLIGHT
    finally:
        release(checkout_id)


def give_up_challenge(checkout_id: UUID, parts: Wiring) -> None:
    """The shopper does not answer the bank's question: let the payment go and open the checkout again."""
    checkout = lease(checkout_id, parts.clock.now())
    if checkout is None:
        return
    try:
        if checkout.status == CheckoutStatus.CHALLENGED:
            checkout.payment_token = checkout.payment_label = ""
            submitting.refused(checkout, parts, N_("The payment was not confirmed. Nothing was charged."), [])
            charging.let_go(checkout, parts)
    finally:
        release(checkout_id)
