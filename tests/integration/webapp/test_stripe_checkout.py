"""Buying with Stripe: over its page and back, by webhook when the shopper does not come back, charged once whatever is lost."""

from __future__ import annotations

import gc
import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from orders.adapters.payments.stripe_provider import StripeProvider
from orders.adapters.rds.models import Order, TimelineEvent
from orders.adapters.rds.order_book import SqlOrderBook
from orders.domain.errors import LineRefusal, OrderRefused, RefusalReason
from orders.messages import decode_order_request
from orders.services.desk import OrderDesk
from orders.services.record_order import AcceptedOrder, record_orders
from tests.integration.webapp.conftest import (
    DETAILS,
    MUG,
    ShopUnderTest,
    hidden,
    place,
    put_in_cart,
    send,
    token_of,
)
from tests.stripe_fake import KEY, WEBHOOK_SECRET, FakeStripe, Fault, signed
from webapp import create_app
from webapp.checkout.models import Checkout, CheckoutStatus
from webapp.checkout.reconcile import reconcile
from webapp.extensions import db
from webapp.page_cache import PageCache
from webapp.wiring import wiring


@dataclass
class StripeShop:
    """The shop with Stripe as its provider."""

    shop: ShopUnderTest
    stripe: FakeStripe

    def review(self) -> tuple[FlaskClient, TestResponse]:
        """A browser that has come to the last look."""
        browser = self.shop.client()
        put_in_cart(browser, MUG, 2)
        send(browser, "/checkout/details", DETAILS)
        send(browser, "/checkout/delivery", {"shipping_code": "standard"})
        assert send(browser, "/checkout/payment", {}).status_code == 303
        return browser, browser.get("/checkout/review")

    def page_id(self) -> str:
        """The newest payment page."""
        return list(self.stripe.sessions)[-1]

    def tell(self, kind: str, thing: dict[str, object], event_id: str = "") -> int:
        """Send a webhook as Stripe does; returns the status."""
        body, signature = self.stripe.event(kind, thing, event_id=event_id)
        return self.post(body, signature)

    def post(self, body: bytes, signature: str) -> int:
        """Send anything to the webhook."""
        headers = {"Stripe-Signature": signature, "Content-Type": "application/json"}
        return self.shop.client().post("/webhooks/stripe", data=body, headers=headers).status_code

    def status(self) -> str:
        """Where the only checkout stands."""
        return str(self.shop.checkout().status)

    def reconcile(self, seconds: float) -> None:
        """Let time pass and the reconciler run."""
        self.shop.clock.advance(seconds=seconds)
        with self.shop.app.app_context():
            reconcile(wiring())


@pytest.fixture
def stripe_shop(shop: ShopUnderTest) -> Iterator[StripeShop]:
    """The same shop, with the fake of Stripe behind its checkout."""
    with FakeStripe() as fake:
        parts = shop.app.extensions["cartwright"]
        settings = replace(
            parts.settings,
            payment_provider="stripe",
            stripe_secret_key=KEY,
            stripe_webhook_secret=WEBHOOK_SECRET,
            stripe_api_base=fake.url,
        )
        provider = StripeProvider(KEY, fake.url, (1.0, 1.0))
        gc.disable()
        app = create_app(wiring=replace(parts, settings=settings, payments=provider))
        gc.enable()
        app.extensions["cartwright-pages"] = PageCache(now=itertools.count(step=1000).__next__)
        yield StripeShop(replace(shop, app=app), fake)
        provider.close()
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


def test_a_shopper_pays_on_stripes_page_and_comes_back_to_an_order(stripe_shop: StripeShop) -> None:
    """No card field on our pages; the order names the payment; the money is held once and not taken yet."""
    assert 'autocomplete="cc-number"' not in _payment_page(stripe_shop)
    browser, review = stripe_shop.review()
    answer = place(browser, review)
    assert answer.location.startswith(stripe_shop.stripe.url)
    policy = review.headers["Content-Security-Policy"]
    assert f"form-action 'self' {stripe_shop.stripe.url};" in policy
    assert "script-src 'self';" in policy
    assert "Your payment is not complete" in browser.get("/checkout/return", follow_redirects=True).text
    stripe_shop.stripe.pay(stripe_shop.page_id())
    back = browser.get("/checkout/return")
    assert back.location.startswith("/orders/")
    body = json.loads(stripe_shop.shop.order_api.bodies[0])
    (intent,) = stripe_shop.stripe.intents.values()
    assert body["payment"] == {"provider": "stripe", "reference": intent["id"], "amount_minor": 3490}
    assert (stripe_shop.stripe.held_minor(), stripe_shop.stripe.taken_minor()) == (3490, 0)


def test_stripes_page_speaks_the_language_that_the_order_is_placed_in(stripe_shop: StripeShop) -> None:
    """Begun in English and placed in German: the page is German."""
    browser, _english = stripe_shop.review()
    review = browser.get("/de/checkout/review")
    fields = {name: hidden(review, name) for name in ("checkout_id", "version")}
    browser.post("/de/checkout/place", data={"csrf_token": token_of(review), **fields})
    assert stripe_shop.stripe.sessions[stripe_shop.page_id()]["locale"] == "de"


def _payment_page(stripe_shop: StripeShop) -> str:
    browser = stripe_shop.shop.client()
    put_in_cart(browser)
    send(browser, "/checkout/details", DETAILS)
    send(browser, "/checkout/delivery", {"shipping_code": "standard"})
    text: str = browser.get("/checkout/payment").text
    return text


def test_with_the_test_provider_the_policy_names_nobody_else(shop: ShopUnderTest) -> None:
    """And there is no webhook."""
    assert "form-action 'self';" in shop.client().get("/").headers["Content-Security-Policy"]
    assert shop.client().post("/webhooks/stripe").status_code == 404


def test_a_shopper_who_never_comes_back_has_ordered_all_the_same(stripe_shop: StripeShop) -> None:
    """Paid, tab closed: the webhook brings the order in, and saying it again changes nothing."""
    browser, review = stripe_shop.review()
    place(browser, review)
    stripe_shop.stripe.pay(stripe_shop.page_id())
    session = stripe_shop.stripe.sessions[stripe_shop.page_id()]
    for _ in range(3):
        assert stripe_shop.tell("checkout.session.completed", session, "evt_1") == 204
        assert stripe_shop.status() == CheckoutStatus.PLACED
    assert len(stripe_shop.shop.order_api.bodies) == 1
    assert stripe_shop.stripe.held_minor() == 3490


def test_an_early_or_strange_event_changes_nothing(stripe_shop: StripeShop) -> None:
    """ "Completed" of a page that is still open is not believed: Stripe is asked."""
    browser, review = stripe_shop.review()
    place(browser, review)
    session = {**stripe_shop.stripe.sessions[stripe_shop.page_id()], "status": "complete"}
    assert stripe_shop.tell("checkout.session.completed", session) == 204
    assert stripe_shop.status() == CheckoutStatus.CHALLENGED
    assert stripe_shop.tell("customer.created", {"object": "customer", "id": "cus_1"}) == 204
    unknown = {"object": "payment_intent", "id": "pi_unknown", "metadata": {}}
    assert stripe_shop.tell("payment_intent.canceled", unknown) == 404


@pytest.mark.parametrize("forged", ["secret", "body", "old", "missing", "nonsense"])
def test_what_stripe_did_not_sign_just_now_is_refused(stripe_shop: StripeShop, forged: str) -> None:
    """Another secret, another body, a replay from an hour ago, no signature, no JSON: 400, and nothing moves."""
    browser, review = stripe_shop.review()
    place(browser, review)
    stripe_shop.stripe.pay(stripe_shop.page_id())
    session = stripe_shop.stripe.sessions[stripe_shop.page_id()]
    body, signature = stripe_shop.stripe.event("checkout.session.completed", session)
    sent = {
        "secret": lambda: signed(body, secret="whsec_other"),
        "body": lambda: (body.replace(b"completed", b"expired"), signature),
        "old": lambda: signed(body, at=int(time.time()) - 3600),
        "missing": lambda: (body, ""),
        "nonsense": lambda: signed(b"[1"),
    }[forged]()
    assert stripe_shop.post(*sent) == 400
    assert stripe_shop.status() == CheckoutStatus.CHALLENGED


@pytest.mark.parametrize("status", [0, 500, 429])
def test_a_lost_answer_at_place_opens_one_page_and_charges_once(stripe_shop: StripeShop, status: int) -> None:
    """The shopper sees "checking"; the next look finds the page that was made, under the same key."""
    stripe_shop.stripe.faults = [Fault("sessions", status, after=status != 429)]
    browser, review = stripe_shop.review()
    waiting = place(browser, review)
    if status == 429:
        assert "/checkout/payment" in waiting.location or "/checkout/review" in waiting.location
        place(browser, browser.get("/checkout/review"))
    else:
        assert "/checkout/checking/" in waiting.location
        assert stripe_shop.stripe.sessions[stripe_shop.page_id()]["url"] in browser.get(waiting.location).text
    assert len(stripe_shop.stripe.sessions) == 1
    stripe_shop.stripe.pay(stripe_shop.page_id())
    assert browser.get("/checkout/return").location.startswith("/orders/")
    assert stripe_shop.stripe.held_minor() == 3490


def test_a_page_that_is_left_is_closed(stripe_shop: StripeShop) -> None:
    """By "back to the order" at once, by the reconciler after a while: nobody can pay on it any more."""
    browser, review = stripe_shop.review()
    place(browser, review)
    checking = browser.get("/checkout/return", follow_redirects=True)
    token = checking.text.split('name="csrf_token" value="')[1].split('"')[0]
    first = stripe_shop.page_id()
    left = browser.post(f"/checkout/other-card/{stripe_shop.shop.checkout().id}", data={"csrf_token": token})
    assert left.location.endswith("/checkout/payment")
    assert stripe_shop.stripe.sessions[first]["status"] == "expired"
    send(browser, "/checkout/payment", {})
    place(browser, browser.get("/checkout/review"))
    second = stripe_shop.page_id()
    assert second != first
    stripe_shop.reconcile(seconds=1000)
    assert stripe_shop.stripe.sessions[second]["status"] == "expired"
    assert stripe_shop.status() == CheckoutStatus.OPEN


def test_a_refused_order_lets_the_money_go(stripe_shop: StripeShop) -> None:
    """Sold out while the shopper paid: the hold is released, nothing was taken."""
    browser, review = stripe_shop.review()
    place(browser, review)
    stripe_shop.stripe.pay(stripe_shop.page_id())
    refusal = OrderRefused([LineRefusal(MUG, RefusalReason.OUT_OF_STOCK, 2, 0)])
    stripe_shop.shop.order_api.troubles.append(("before", refusal))
    browser.get("/checkout/return")
    assert (stripe_shop.stripe.held_minor(), stripe_shop.stripe.taken_minor()) == (0, 0)
    assert stripe_shop.status() == CheckoutStatus.OPEN


def test_a_dispute_holds_the_order_once(stripe_shop: StripeShop) -> None:
    """Found by the payment's name, noted once per event, and not shipped until somebody has looked."""
    browser, review = stripe_shop.review()
    place(browser, review)
    stripe_shop.stripe.pay(stripe_shop.page_id())
    browser.get("/checkout/return")
    shop = stripe_shop.shop
    with shop.app.app_context():
        settings = wiring().settings
    request = decode_order_request(shop.order_api.bodies[0])
    dispute = {"object": "dispute", "id": "dp_1", "payment_intent": request.payment.reference, "metadata": {}}
    assert stripe_shop.tell("charge.dispute.created", dispute, "evt_early") == 404
    desk = OrderDesk(SqlOrderBook(shop.engine), shop.clock, settings)
    record_orders(desk, [AcceptedOrder("m1", request, shop.clock.now())])
    for _ in range(2):
        assert stripe_shop.tell("charge.dispute.created", dispute, "evt_2") == 204
    failed = {"object": "refund", "id": "re_1", "payment_intent": request.payment.reference, "metadata": {}}
    assert stripe_shop.tell("refund.failed", failed, "evt_3") == 204
    (order,) = shop.rows(Order)
    assert (order.is_held, order.hold_reason) == (True, "payment")
    with shop.app.app_context():
        said = db.session.scalars(
            select(TimelineEvent.reason).where(
                TimelineEvent.order_id == UUID(request.order_id), TimelineEvent.actor_kind == "provider"
            )
        ).all()
    assert [text.split(":")[0] for text in sorted(said)] == [
        "a refund did not arrive",
        "the cardholder disputes the payment",
    ]
    assert len(shop.rows(Checkout)) == 1
