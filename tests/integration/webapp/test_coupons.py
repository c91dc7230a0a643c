"""Coupons from the cart to the order: what is shown is what is charged, and the last use is used once."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from orders.adapters.rds.coupon_models import CouponRow, CouponUse
from orders.adapters.rds.order_book import SqlOrderBook
from orders.domain.coupon import CouponKind
from orders.domain.errors import LineRefusal, OrderRefused, OutcomeUnknown, RefusalReason
from orders.domain.events import Actor
from orders.domain.ids import OrderId, Sku
from orders.messages import decode_order_request
from orders.services.cancel_order import cancel_order
from orders.services.desk import OrderDesk
from orders.services.expire_order import expire_order
from orders.services.record_order import AcceptedOrder, record_orders
from tests.integration.webapp.conftest import (
    APPROVED,
    CHALLENGED,
    DECLINED,
    DETAILS,
    MUG,
    PAN,
    ShopUnderTest,
    fill_in,
    pay_with,
    place,
    put_in_cart,
    send,
    token_of,
)
from webapp.catalog.models import Variant
from webapp.checkout.reconcile import reconcile
from webapp.extensions import db
from webapp.wiring import wiring


def make_coupon(shop: ShopUnderTest, code: str = "TEN", **terms: Any) -> None:
    """Ten percent off, unless said otherwise."""
    given = {"kind": CouponKind.PERCENT, "rate_ppm": 100_000, **terms}
    with shop.app.app_context():
        db.session.add(CouponRow(code=code, currency="EUR", created_at=shop.clock.now(), **given))
        db.session.commit()


def use(browser: FlaskClient, code: str) -> TestResponse:
    """Type a code in the cart."""
    page = browser.get("/cart")
    return browser.post("/cart/coupon", data={"csrf_token": token_of(page), "code": code})


def used(shop: ShopUnderTest, code: str = "TEN") -> tuple[int, int]:
    """The coupon's counter, and how many orders hold a use."""
    (coupon,) = [row for row in shop.rows(CouponRow) if row.code == code]
    return coupon.used, len([row for row in shop.rows(CouponUse) if row.code == code])


def body_of(shop: ShopUnderTest) -> dict[str, Any]:
    """The order that was sent last."""
    body: dict[str, Any] = json.loads(shop.order_api.bodies[-1])
    return body


def test_a_coupon_goes_from_the_cart_to_the_charge(shop: ShopUnderTest) -> None:
    """Cart, steps, review, order request and charge agree; the next cart does not have it any more."""
    make_coupon(shop)
    browser = shop.client()
    put_in_cart(browser, MUG, 2)
    assert use(browser, " ten ").status_code == 303
    cart = browser.get("/cart").text
    assert "10 % off" in cart
    assert "-€3.00" in cart
    review = fill_in(browser)
    assert "-€3.00" in review.text
    assert used(shop) == (0, 0)
    assert place(browser, review).location.startswith("/orders/")
    body = body_of(shop)
    assert (body["discount_code"], body["discount_minor"]) == ("TEN", 300)
    (charge,) = shop.charges("authorised")
    assert charge.amount_minor == body["total_minor"] == 3000 - 300 + 490
    assert used(shop) == (1, 1)
    put_in_cart(browser, PAN)
    assert "TEN" not in browser.get("/cart").text


def test_free_shipping_pays_for_the_cheapest_delivery_only(shop: ShopUnderTest) -> None:
    """Standard becomes free; express costs what it costs, and then the coupon is not used up."""
    make_coupon(shop, "SHIPFREE", kind=CouponKind.FREE_SHIPPING, rate_ppm=0)
    for delivery, shipping_minor, uses in (("standard", 0, 1), ("express", 1190, 1)):
        browser = shop.client()
        put_in_cart(browser, MUG)
        use(browser, "shipfree")
        send(browser, "/checkout/details", DETAILS)
        send(browser, "/checkout/delivery", {"shipping_code": delivery})
        place(browser, pay_with(browser, APPROVED))
        assert body_of(shop)["shipping"]["price_minor"] == shipping_minor
        assert body_of(shop)["discount_code"] == ("SHIPFREE" if delivery == "standard" else "")
        assert used(shop, "SHIPFREE") == (uses, uses)


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"max_uses": 1, "used": 1}, "has been used up"),
        ({"ends_at": -1}, "has ended"),
        ({"starts_at": 24}, "counts from"),
        ({}, "We know no coupon NONE"),
    ],
)
def test_a_coupon_that_does_not_count_says_why_beside_the_field(
    shop: ShopUnderTest, terms: dict[str, Any], said: str
) -> None:
    """What was typed stays in the field, and nothing is taken off."""
    hours = {k: shop.clock.now() + timedelta(hours=v) for k, v in terms.items() if k.endswith("_at")}
    make_coupon(shop, **{**terms, **hours})
    browser = shop.client()
    put_in_cart(browser)
    page = use(browser, "ten" if terms else "none")
    assert page.status_code == 422
    assert said in page.text
    assert f'value="{"TEN" if terms else "NONE"}"' in page.text
    assert 'aria-describedby="coupon-code-error"' in page.text
    assert "10 % off" not in browser.get("/cart").text


def test_a_coupon_from_a_minimum_waits_for_a_fuller_cart(shop: ShopUnderTest) -> None:
    """It is kept, says from when it counts, and counts as soon as the cart is worth it."""
    make_coupon(shop, minimum_minor=5000)
    browser = shop.client()
    put_in_cart(browser)
    assert use(browser, "TEN").status_code == 303
    assert "counts from €50.00" in browser.get("/cart").text
    put_in_cart(browser, PAN)
    assert "-€10.40" in browser.get("/cart").text


def test_a_limit_per_customer_counts_the_inbox(shop: ShopUnderTest) -> None:
    """The second order of the same e-mail address, written otherwise, is told at the step where the address is known."""
    make_coupon(shop, max_uses_per_customer=1)
    for email, counts in (
        ("ada@example.com", True),
        ("ADA+two@example.com", False),
        ("eve@example.com", True),
    ):
        browser = shop.client()
        put_in_cart(browser)
        use(browser, "TEN")
        send(browser, "/checkout/details", {**DETAILS, "email": email})
        told = browser.get("/checkout/delivery").text
        assert ("You have used the coupon TEN" in told) is not counts
        send(browser, "/checkout/delivery", {"shipping_code": "standard"})
        place(browser, pay_with(browser, APPROVED))
        assert body_of(shop)["discount_minor"] == (150 if counts else 0)
    assert used(shop) == (2, 2)


def test_of_two_orders_at_once_one_gets_the_last_use(shop: ShopUnderTest) -> None:
    """Both have reviewed the discount; the loser is shown the order without it and is charged nothing."""
    make_coupon(shop, max_uses=1)
    browsers = [shop.client() for _ in range(4)]
    reviews = []
    for number, browser in enumerate(browsers):
        put_in_cart(browser)
        use(browser, "TEN")
        send(browser, "/checkout/details", {**DETAILS, "email": f"shopper{number}@example.com"})
        send(browser, "/checkout/delivery", {"shipping_code": "standard"})
        reviews.append(pay_with(browser, APPROVED))
    assert all("-€1.50" in review.text for review in reviews)
    answers: dict[int, TestResponse] = {}
    barrier = threading.Barrier(len(browsers))

    def click(number: int) -> None:
        barrier.wait(20)
        answers[number] = place(browsers[number], reviews[number])

    threads = [threading.Thread(target=click, args=(number,)) for number in range(len(browsers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    won = [n for n, answer in answers.items() if answer.status_code == 303]
    lost = [n for n, answer in answers.items() if answer.status_code == 409]
    assert (len(won), len(lost)) == (1, 3)
    assert used(shop) == (1, 1)
    assert [charge.amount_minor for charge in shop.charges("authorised")] == [1500 - 150 + 490]
    page = answers[lost[0]]
    assert "has been used up" in page.text
    assert "Place the order and pay €19.90" in page.text
    assert place(browsers[lost[0]], page).status_code == 303
    assert body_of(shop)["discount_minor"] == 0


def discounted(shop: ShopUnderTest, card: str = APPROVED) -> tuple[FlaskClient, TestResponse]:
    """A review with the coupon, which has one use."""
    make_coupon(shop, max_uses=1)
    browser = shop.client()
    put_in_cart(browser)
    use(browser, "TEN")
    return browser, fill_in(browser, card)


def test_a_declined_card_gives_the_use_back_and_the_next_card_claims_it_again(shop: ShopUnderTest) -> None:
    """The coupon stays in the shopper's cart all the while."""
    browser, review = discounted(shop, DECLINED)
    place(browser, review)
    assert used(shop) == (0, 0)
    review = pay_with(browser, APPROVED)
    assert "-€1.50" in review.text
    place(browser, review)
    assert used(shop) == (1, 1)


def test_a_refused_order_gives_the_use_back(shop: ShopUnderTest) -> None:
    """Together with the money."""
    browser, review = discounted(shop)
    refusal = OrderRefused([LineRefusal(MUG, RefusalReason.OUT_OF_STOCK, 1, 0)])
    shop.order_api.troubles.append(("before", refusal))
    place(browser, review)
    assert used(shop) == (0, 0)
    assert [charge.status for charge in shop.charges()] == ["voided"]


def test_a_lost_answer_keeps_the_use_until_the_order_is_known(shop: ShopUnderTest) -> None:
    """Accepted, but nobody heard it: the use is held, the reconciler finds the order, the use is counted once."""
    browser, review = discounted(shop)
    shop.order_api.troubles.append(("after", OutcomeUnknown("lost")))
    place(browser, review)
    assert used(shop) == (1, 1)
    shop.clock.advance(seconds=60)
    with shop.app.app_context():
        assert reconcile(wiring())["finished"] == 1
    assert used(shop) == (1, 1)
    assert len(shop.accepted()) == 1


def test_an_abandoned_payment_gives_the_use_back(shop: ShopUnderTest) -> None:
    """The shopper never answers the bank; the reconciler ends the placing and the coupon is anybody's again."""
    browser, review = discounted(shop, CHALLENGED)
    place(browser, review)
    assert used(shop) == (1, 1)
    shop.clock.advance(seconds=1000)
    with shop.app.app_context():
        assert reconcile(wiring())["ended"] == 1
    assert used(shop) == (0, 0)


def _accepted(shop: ShopUnderTest) -> tuple[OrderDesk, AcceptedOrder]:
    browser, review = discounted(shop)
    place(browser, review)
    request = decode_order_request(shop.order_api.bodies[-1])
    with shop.app.app_context():
        desk = OrderDesk(SqlOrderBook(shop.engine), shop.clock, wiring().settings)
    return desk, AcceptedOrder("m1", request, shop.clock.now())


def test_a_cancelled_order_gives_the_use_back_once(shop: ShopUnderTest) -> None:
    """In the transaction that cancels it; a repeat gives nothing more."""
    desk, accepted = _accepted(shop)
    record_orders(desk, [accepted])
    assert used(shop) == (1, 1)
    order_id = OrderId(accepted.request.order_id)
    for command in ("c1", "c1", "c2"):
        cancel_order(desk, order_id, command_id=command, actor=Actor("staff", "test"))
        assert used(shop) == (0, 0)


def test_an_expired_order_gives_the_use_back(shop: ShopUnderTest) -> None:
    """Whether or not it was ever on record."""
    desk, accepted = _accepted(shop)
    for _ in range(2):
        expire_order(desk, accepted)
        assert used(shop) == (0, 0)


def test_an_order_that_would_cost_nothing_is_not_placed(shop: ShopUnderTest) -> None:
    """A card cannot be charged nothing: the page says so, no use is claimed, no stock and no money is held."""
    make_coupon(shop, "SHIPFREE", kind=CouponKind.FREE_SHIPPING, rate_ppm=0)
    shop.inventory.set_price(Sku(MUG), 0)
    with shop.app.app_context():
        db.session.execute(update(Variant).where(Variant.sku == MUG).values(price_minor=0))
        db.session.commit()
    browser = shop.client()
    put_in_cart(browser)
    use(browser, "SHIPFREE")
    page = place(browser, fill_in(browser))
    if page.status_code == 303:
        page = browser.get(page.location)
    assert "An order that costs nothing cannot be paid by card" in page.text
    assert used(shop, "SHIPFREE") == (0, 0)
    assert (shop.charges(), shop.accepted()) == ([], [])


def test_a_coupon_for_all_of_the_goods_leaves_the_delivery_to_pay(shop: ShopUnderTest) -> None:
    """A hundred percent is of the goods."""
    make_coupon(shop, "ALL", rate_ppm=1_000_000)
    browser = shop.client()
    put_in_cart(browser)
    use(browser, "ALL")
    review = fill_in(browser)
    # Delivery is still to be paid: this order costs 4.90 and goes through.
    assert "pay €4.90" in review.text
    assert place(browser, review).status_code == 303


def test_a_coupon_travels_with_the_checkout_and_can_be_taken_out(shop: ShopUnderTest) -> None:
    """Typed and removed beside the sums of a step; the review charges what it shows."""
    make_coupon(shop)
    browser = shop.client()
    put_in_cart(browser)
    review = fill_in(browser)
    data = {"csrf_token": token_of(review), "from": "checkout"}
    answer = browser.post("/cart/coupon", data={**data, "code": "TEN"}, follow_redirects=True)
    assert "-€1.50" in answer.text
    answer = browser.post("/cart/coupon", data={**data, "remove": "1"}, follow_redirects=True)
    assert "-€1.50" not in answer.text
    place(browser, browser.get("/checkout/review"))
    assert body_of(shop)["discount_code"] == ""


def test_guessing_codes_is_slowed_down(shop: ShopUnderTest) -> None:
    """Whoever tries one code after the other is soon answered 429."""
    browser = shop.client()
    put_in_cart(browser)
    token = token_of(browser.get("/cart"))
    answers = [
        browser.post("/cart/coupon", data={"csrf_token": token, "code": f"GUESS{n}"}).status_code
        for n in range(14)
    ]
    assert answers[0] == 422
    assert answers[-1] == 429
