"""Stripe behind the payment port, through its own library: a hosted page takes the card, and holds the money by manual capture.

Our pages never see a card number and load no foreign script: `authorise` makes a Checkout Session, the shopper pays and
answers the bank (3-D Secure) on Stripe's page, `resume` asks Stripe what came of it. Why so: docs/adr/0006. A payment is
known by its session (`cs_...`) until it holds money, and by its PaymentIntent (`pi_...`) from then on.

Each call carries our idempotency key. Stripe forgets keys after a day, so each deed also leaves the key in the metadata,
and what is refused as done already is recognised there.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
import stripe
import urllib3
from stripe.params.checkout import SessionCreateParams

from orders.domain.errors import IdempotencyConflict, NotFound, OutcomeUnknown, Refused, Unavailable
from orders.domain.ids import OrderId, order_number
from orders.ports import PaymentOutcome, PaymentResult

log = logging.getLogger(__name__)

HOSTED = "hosted"
"""The token of a payment whose card is typed on Stripe's page."""
TIMEOUT_SECONDS = (2.0, 6.0)
"""To connect, and between two bytes of the answer: together less than a checkout's lease (leases.LEASE_SECONDS)."""
COUNTED_OTHERWISE = frozenset({"ISK", "BHD", "KWD", "TND", "JOD", "OMR"})
"""Currencies whose minor unit at Stripe is not that of ISO 4217 (docs.stripe.com/currencies)."""
ORDER_IN = {"en": "Order", "de": "Bestellung"}
"""The languages of Stripe's page that we ask for, and what the thing that is paid for is called on it."""
_HOLDS_OR_TOOK = frozenset({"requires_capture", "succeeded"})


class StripeProvider:
    """ports.PaymentProvider named "stripe". Threads may share it."""

    name = "stripe"

    def __init__(
        self, secret_key: str, api_base: str = "", timeout_seconds: tuple[float, float] = TIMEOUT_SECONDS
    ) -> None:
        self._http = stripe.RequestsClient(timeout=timeout_seconds)
        # No retries in the library: ours carry the same key, know the lease, and are on record.
        self._stripe = stripe.StripeClient(
            secret_key,
            base_addresses={"api": api_base} if api_base else None,
            max_network_retries=0,
            http_client=self._http,
        )

    def authorise(
        self,
        *,
        order_id: str,
        amount_minor: int,
        currency: str,
        token: str,
        idempotency_key: str,
        return_url: str,
        locale: str = "",
    ) -> PaymentResult:
        """See ports.PaymentProvider. REQUIRES_ACTION with the address of Stripe's page, which is where the card is typed."""
        asked = _page_for(order_id, amount_minor, currency, idempotency_key, return_url, locale)
        try:
            session = self._open_page(asked, idempotency_key)
        except IdempotencyConflict:
            # The release before this one named no language: an answer to it that was lost is heard like this.
            asked = _page_for(order_id, amount_minor, currency, idempotency_key, return_url, "")
            session = self._open_page(asked, idempotency_key)
        return PaymentResult(
            PaymentOutcome.REQUIRES_ACTION, session.id, amount_minor, action_url=session.url or ""
        )

    def _open_page(self, asked: SessionCreateParams, idempotency_key: str) -> stripe.checkout.Session:
        with _translated("authorise"):
            return self._stripe.v1.checkout.sessions.create(asked, {"idempotency_key": idempotency_key})

    def resume(self, *, reference: str) -> PaymentResult:
        """See ports.PaymentProvider. Raises NotFound."""
        if not reference.startswith("cs_"):
            with _translated("resume"):
                return _of_intent(self._stripe.v1.payment_intents.retrieve(reference))
        with _translated("resume"):
            session = self._stripe.v1.checkout.sessions.retrieve(reference, {"expand": ["payment_intent"]})
        amount_minor = session.amount_total or 0
        if session.status == "open":
            # A card that was declined there leaves the page open: the shopper tries another on it.
            return PaymentResult(
                PaymentOutcome.REQUIRES_ACTION, reference, amount_minor, action_url=session.url or ""
            )
        intent = session.payment_intent
        if session.status == "complete" and isinstance(intent, stripe.PaymentIntent):
            return _of_intent(intent)
        return PaymentResult(
            PaymentOutcome.DECLINED,
            reference,
            amount_minor,
            "challenge_failed",
            "the payment page has closed",
        )

    def find(self, *, idempotency_key: str, reference: str = "") -> PaymentResult | None:
        """See ports.PaymentProvider. With `reference` the answer is exact; without it, it comes from Stripe's search, which
        may lag by a minute. A page that nobody has opened holds nothing: it counts as never arrived."""
        with _translated("find"):
            intent = (
                self._stripe.v1.payment_intents.retrieve(reference)
                if reference.startswith("pi_")
                else self._search(idempotency_key)
            )
        if intent is None:
            return None
        kept = _metadata(intent)
        if kept.get("authorise") == idempotency_key:
            return _of_intent(intent)
        if kept.get("capture") == idempotency_key and intent.status == "succeeded":
            return PaymentResult(PaymentOutcome.SUCCEEDED, intent.id, intent.amount_received)
        with _translated("find"):
            refund = self._refund_with(intent.id, idempotency_key)
        return _of_refund(refund, intent.id) if refund else None

    def capture(self, *, reference: str, amount_minor: int, idempotency_key: str) -> PaymentResult:
        """See ports.PaymentProvider. Stripe lets the rest go. Raises Refused for more than is held."""
        try:
            with _translated("capture"):
                intent = self._stripe.v1.payment_intents.capture(
                    reference,
                    {"amount_to_capture": amount_minor, "metadata": {"capture": idempotency_key}},
                    {"idempotency_key": idempotency_key},
                )
        except _Declined as declined:
            return declined.result(reference, amount_minor)
        except Refused:
            done = self.find(idempotency_key=idempotency_key, reference=reference)
            if done is None or done.amount_minor != amount_minor:
                raise
            return done
        return PaymentResult(PaymentOutcome.SUCCEEDED, intent.id, intent.amount_received)

    def void(self, *, reference: str, idempotency_key: str) -> PaymentResult:
        """See ports.PaymentProvider. Closes the page, or lets the money go that was held on it a moment ago."""
        if reference.startswith("cs_"):
            try:
                with _translated("void"):
                    self._stripe.v1.checkout.sessions.expire(reference)
            except Refused:
                settled = self.resume(reference=reference)
                if settled.reference.startswith("pi_"):
                    return self.void(reference=settled.reference, idempotency_key=idempotency_key)
                if settled.outcome is PaymentOutcome.REQUIRES_ACTION:
                    raise
            return PaymentResult(PaymentOutcome.SUCCEEDED, reference, 0)
        try:
            with _translated("void"):
                intent = self._stripe.v1.payment_intents.cancel(
                    reference, options={"idempotency_key": idempotency_key}
                )
        except Refused:
            with _translated("void"):
                intent = self._stripe.v1.payment_intents.retrieve(reference)
            if intent.status != "canceled":
                raise
        return PaymentResult(PaymentOutcome.SUCCEEDED, reference, intent.amount)

    def refund(self, *, reference: str, amount_minor: int, idempotency_key: str) -> PaymentResult:
        """See ports.PaymentProvider. Raises Refused for more than was captured and not yet paid back."""
        try:
            with _translated("refund"):
                # Asked first: a repeat after a day, when Stripe has forgotten the key, would pay a second time.
                refund = self._refund_with(reference, idempotency_key)
                if refund is None:
                    refund = self._stripe.v1.refunds.create(
                        {
                            "payment_intent": reference,
                            "amount": amount_minor,
                            "metadata": {"refund": idempotency_key},
                        },
                        {"idempotency_key": idempotency_key},
                    )
        except _Declined as declined:
            return declined.result(reference, amount_minor)
        return _of_refund(refund, reference)

    def close(self) -> None:
        """Close this thread's connections."""
        self._http.close()  # type: ignore[no-untyped-call]

    def _search(self, idempotency_key: str) -> stripe.PaymentIntent | None:
        query = " OR ".join(f"metadata['{deed}']:'{idempotency_key}'" for deed in ("authorise", "capture"))
        found = self._stripe.v1.payment_intents.search({"query": query, "limit": 1})
        return next(iter(found.data), None)

    def _refund_with(self, intent_id: str, idempotency_key: str) -> stripe.Refund | None:
        refunds = self._stripe.v1.refunds.list({"payment_intent": intent_id, "limit": 100})
        mine = (
            refund
            for refund in refunds.auto_paging_iter()
            if _metadata(refund).get("refund") == idempotency_key
        )
        return next(mine, None)


class _Declined(Exception):
    """The bank said no: an answer, not an error."""

    def __init__(self, error: stripe.CardError) -> None:
        super().__init__(str(error))
        told = error.error.decline_code if error.error else None
        self.code = str(told or error.code or "card_declined")
        self.message = str(error.user_message or "")

    def result(self, reference: str, amount_minor: int) -> PaymentResult:
        return PaymentResult(PaymentOutcome.DECLINED, reference, amount_minor, self.code, self.message)


def _page_for(
    order_id: str, amount_minor: int, currency: str, key: str, return_url: str, locale: str
) -> SessionCreateParams:
    """The page that takes the card, in the language of the locale; in the browser's where we have no words in it.

    No time in it: a repeat must ask the very same question.
    """
    kept = {"order_id": order_id, "authorise": key}
    language = locale[:2]
    page: SessionCreateParams = {"locale": language} if language in ORDER_IN else {}
    return page | {
        "mode": "payment",
        "client_reference_id": order_id,
        "allowed_payment_method_types": ["card"],
        "adaptive_pricing": {"enabled": False},
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": currency.lower(),
                    "unit_amount": amount_minor,
                    "product_data": {
                        "name": f"{ORDER_IN.get(language, 'Order')} {order_number(OrderId(order_id))}"
                    },
                },
            }
        ],
        "payment_intent_data": {"capture_method": "manual", "metadata": kept},
        "metadata": kept,
        "success_url": return_url,
        "cancel_url": return_url,
    }


def _of_intent(intent: stripe.PaymentIntent) -> PaymentResult:
    if intent.status in _HOLDS_OR_TOOK:
        return PaymentResult(PaymentOutcome.SUCCEEDED, intent.id, intent.amount)
    if intent.status == "requires_action":
        redirect = intent.next_action.redirect_to_url if intent.next_action else None
        url = (redirect.url if redirect else "") or ""
        return PaymentResult(PaymentOutcome.REQUIRES_ACTION, intent.id, intent.amount, action_url=url)
    if intent.status == "processing":
        raise OutcomeUnknown("the bank has not answered Stripe yet")
    error = intent.last_payment_error
    code = (error.decline_code or error.code) if error else ""
    message = (error.message if error else "") or f"the payment is {intent.status}"
    return PaymentResult(PaymentOutcome.DECLINED, intent.id, intent.amount, code or "declined", message)


def _of_refund(refund: stripe.Refund, reference: str) -> PaymentResult:
    """A pending refund is on its way to the bank and counts as done; the webhook tells of one that fails later."""
    if refund.status in {"failed", "canceled"}:
        reason = str(refund.failure_reason or refund.status)
        return PaymentResult(PaymentOutcome.DECLINED, reference, refund.amount, "refund_declined", reason)
    return PaymentResult(PaymentOutcome.SUCCEEDED, reference, refund.amount)


def _metadata(thing: Any) -> dict[str, str]:
    return thing.metadata.to_dict() if thing.metadata else {}


@contextmanager
def _translated(deed: str) -> Iterator[None]:
    """Stripe's errors as ours. What decides is one question: can it have been done?"""
    try:
        yield
    except stripe.CardError as error:
        raise _Declined(error) from error
    except stripe.IdempotencyError as error:
        raise IdempotencyConflict(f"Stripe knows the key of this {deed} for another question") from error
    except stripe.RateLimitError as error:
        raise Unavailable(f"Stripe asks to slow down ({deed})") from error
    except stripe.InvalidRequestError as error:
        if error.http_status == 404 or error.code == "resource_missing":
            raise NotFound(f"Stripe does not know this payment ({deed})") from error
        raise Refused(f"Stripe refuses to {deed}: {error.user_message or error.code}") from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        log.error("stripe_key_refused", extra={"deed": deed, "status": error.http_status})
        raise Unavailable("Stripe does not accept our key") from error
    except stripe.APIConnectionError as error:
        if _never_arrived(error.__cause__):
            raise Unavailable(f"Stripe cannot be reached ({deed})") from error
        raise OutcomeUnknown(f"Stripe's answer was lost ({deed})") from error
    except stripe.StripeError as error:
        # 409: another request with this key is under way. 5xx: Stripe itself does not know. Ask again with the same key.
        raise OutcomeUnknown(f"Stripe answered {error.http_status} ({deed})") from error


def _never_arrived(cause: BaseException | None) -> bool:
    """Whether no connection came about, so that surely nothing was done."""
    if isinstance(cause, requests.exceptions.ConnectTimeout):
        return True
    reason = getattr(cause.args[0], "reason", None) if cause is not None and cause.args else None
    return isinstance(reason, urllib3.exceptions.NewConnectionError)
