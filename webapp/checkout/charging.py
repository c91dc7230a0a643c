"""The steps of a placing that talk to the payment provider: hold the money, see what the bank was told, let it go again.

Each returns whether another step may follow at once. A checkout that comes here is leased (leases.py).
"""

from __future__ import annotations

import logging

from orders.domain.errors import OutcomeUnknown, Refused, Unavailable
from orders.failpoints import failpoint
from orders.links import shop_url
from orders.ports import PaymentOutcome, PaymentResult
from webapp.checkout import attempts, coupons, submitting
from webapp.checkout.leases import save
from webapp.checkout.models import Checkout, CheckoutStatus
from webapp.languages import N_
from webapp.wiring import Wiring

log = logging.getLogger(__name__)

DECLINED = {
    "": N_("Your bank declined the payment. Nothing was charged; try another card."),
    "declined": N_("Your bank declined the payment. Nothing was charged; try another card."),
    "card_declined": N_("Your bank declined the payment. Nothing was charged; try another card."),
    "insufficient_funds": N_(
        "There is not enough money on this card. Nothing was charged; try another card."
    ),
    "expired_card": N_("This card has expired. Nothing was charged; try another card."),
    "incorrect_cvc": N_(
        "The security code does not match the card. Nothing was charged; please type it again."
    ),
    "authentication_failed": N_(
        "The payment was not confirmed with your bank. Nothing was charged; try again or use another card."
    ),
    "challenge_failed": N_(
        "The payment was not confirmed with your bank. Nothing was charged; try again or use another card."
    ),
}
"""What the shopper reads for each of the provider's reasons, in the language of the page (pages.py)."""


def authorise(checkout: Checkout, parts: Wiring) -> bool:
    """Take up a placing of which it is not known whether the provider was asked: ask (again)."""
    was_lost = attempts.begin_call(attempts.key(checkout, "authorise"))
    return hold(checkout, parts, was_lost=was_lost)


def hold(checkout: Checkout, parts: Wiring, *, was_lost: bool = False) -> bool:
    """Ask the provider to hold the money, and hand the order over when it does. The key makes a repeat the same question.

    That the call is on its way is on record already. `was_lost`: an earlier one was made and never answered.
    """
    assert checkout.request is not None  # noqa: S101  (begin froze it)
    key = attempts.key(checkout, "authorise")
    try:
        result = parts.payments.authorise(
            order_id=str(checkout.id),
            amount_minor=checkout.request["total_minor"],
            currency=checkout.currency,
            token=checkout.payment_token,
            idempotency_key=key,
            return_url=_return_url(checkout, parts),
            locale=_locale(checkout),
        )
    except OutcomeUnknown as error:
        log.warning("authorise_unknown", extra={"order_id": str(checkout.id), "reason": str(error)[:200]})
        return False
    except Unavailable as error:
        log.warning("authorise_away", extra={"order_id": str(checkout.id), "reason": str(error)[:200]})
        # Only when no earlier call of this attempt was lost is it certain that nothing is held.
        return False if was_lost else not_authorised(checkout, parts, key)
    failpoint("checkout.after_authorise")
    return _go_on(checkout, parts, key, result)


def _return_url(checkout: Checkout, parts: Wiring) -> str:
    """Where the bank sends the shopper back to: in the language of the order, so that a repeat asks for the same."""
    return f"{shop_url(parts.settings, _locale(checkout))}/checkout/return"


def _locale(checkout: Checkout) -> str:
    """The language that the order was placed in."""
    return str((checkout.request or {})["contact"]["locale"])


def not_authorised(checkout: Checkout, parts: Wiring, key: str) -> bool:
    """The attempt never reached the provider: nothing is held, the shopper may try again."""
    finished = attempts.finished(
        key, PaymentOutcome.DECLINED, "", "unavailable", "it never reached the provider", parts.clock.now()
    )
    _reopen(checkout)
    checkout.notice = N_(
        "The payment service does not answer at the moment. Nothing was charged; please try again soon."
    )
    save(checkout, parts, finished, is_last=True)
    return False


def challenge(checkout: Checkout, parts: Wiring) -> bool:
    """See what became of the bank's question."""
    try:
        result = parts.payments.resume(reference=checkout.payment_reference)
    except Unavailable as error:
        log.warning("challenge_unknown", extra={"order_id": str(checkout.id), "reason": str(error)[:200]})
        return False
    if result.outcome is PaymentOutcome.REQUIRES_ACTION:
        return False
    return _go_on(checkout, parts, attempts.key(checkout, "authorise"), result)


def _go_on(checkout: Checkout, parts: Wiring, key: str, result: PaymentResult) -> bool:
    """Write the provider's answer down and, when the money is held, hand the order over."""
    if result.outcome is PaymentOutcome.SUCCEEDED:
        checkout.submitted_at = parts.clock.now()  # It is sent right after: both are kept at once.
    return take_result(checkout, parts, key, result) and submitting.hand_over(checkout, parts)


def take_result(checkout: Checkout, parts: Wiring, key: str, result: PaymentResult) -> bool:
    """Write the provider's answer to an authorisation into its attempt and the checkout, in one transaction."""
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
    goes_on = result.outcome is PaymentOutcome.SUCCEEDED
    save(checkout, parts, attempts.answered(key, result, parts.clock.now()), is_last=not goes_on)
    return goes_on


def let_go(checkout: Checkout, parts: Wiring) -> bool:
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
    checkout.payment_reference = ""
    checkout.request, checkout.submitted_at = None, None
    _reopen(checkout)
    save(checkout, parts, attempts.answered(key, result, parts.clock.now()), is_last=True)
    return False


def _reopen(checkout: Checkout) -> None:
    """Nothing is held and nothing was ordered: the shopper may go on, and the coupon is anybody's again."""
    checkout.status = CheckoutStatus.OPEN
    coupons.give_back(checkout)
