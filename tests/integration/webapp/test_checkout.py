"""From a cart to an order: one order and one charge, whatever the shopper, the bank or the network does."""

from __future__ import annotations

import json
import re
import threading

import pytest

from orders.adapters.rds.models import PaymentAttemptRow
from orders.domain.ids import Sku
from tests.integration.webapp.conftest import (
    APPROVED,
    CARD,
    CHALLENGED,
    DECLINED,
    DETAILS,
    MUG,
    MUG_BLUE,
    PAN,
    ShopUnderTest,
    fill_in,
    hidden,
    pay_with,
    place,
    put_in_cart,
    send,
    token_of,
)
from webapp.checkout.models import Checkout
from webapp.checkout.placing import advance
from webapp.wiring import wiring


def test_a_label_belongs_to_one_field(shop: ShopUnderTest) -> None:
    """No page of the way has an id twice: a label, and what a screen reader says, would be the first one's."""
    browser = shop.client()
    put_in_cart(browser)
    pages = [browser.get("/cart"), fill_in(browser)]
    pages += [browser.get(f"/checkout/{step}") for step in ("details", "delivery", "payment")]
    pages.append(browser.get(place(browser, pages[1]).location))
    for page in pages:
        assert page.status_code == 200, page.request.path
        ids = re.findall(r'\sid="([^"]+)"', page.text)
        assert len(ids) == len(set(ids)), page.request.path


def test_a_guest_buys(shop: ShopUnderTest) -> None:
    """The whole way: the order holds stock, the money is held once, the cart is empty, the page says thank you."""
    browser = shop.client()
    put_in_cart(browser, MUG, 2)
    put_in_cart(browser, PAN)
    answer = place(browser, fill_in(browser))
    assert answer.status_code == 303
    assert answer.location.startswith("/orders/")
    page = browser.get(answer.location)
    assert "We have your order" in page.text
    assert "Ada Lovelace" in page.text
    (order_id,) = shop.accepted()
    (charge,) = shop.charges("authorised")
    body = json.loads(shop.order_api.bodies[0])
    assert charge.amount_minor == body["total_minor"] == 2 * 1500 + 8900
    assert body["payment"] == {"provider": "test", "reference": charge.reference, "amount_minor": 11900}
    assert str(shop.checkout().id) == order_id
    assert "Nothing in it yet" in browser.get("/cart").text


def test_what_is_typed_is_kept_when_something_is_wrong(shop: ShopUnderTest) -> None:
    """An error stands beside its field and in the summary; the other fields keep what was typed."""
    browser = shop.client()
    put_in_cart(browser)
    wrong = {**DETAILS, "shipping-postal_code": "1011", "email": "ada"}
    page = send(browser, "/checkout/details", wrong)
    assert page.status_code == 200
    assert "This is not a postal code in Germany" in page.text
    assert 'href="#shipping-postal_code"' in page.text
    assert 'value="Werkstr. 12"' in page.text
    assert 'aria-invalid="true"' in page.text
    assert shop.checkout().contact == {}


def test_the_card_number_is_nowhere(shop: ShopUnderTest) -> None:
    """Neither the checkout nor an attempt nor the order's request holds a card number; the page does not show it again."""
    browser = shop.client()
    put_in_cart(browser)
    review = fill_in(browser)
    assert "Visa ending in 4242" in review.text
    place(browser, review)
    for row in [shop.checkout(), *shop.rows(PaymentAttemptRow)]:
        assert APPROVED not in repr({c.name: getattr(row, c.key) for c in row.__table__.columns})
    put_in_cart(browser)
    assert APPROVED not in send(browser, "/checkout/details", DETAILS).text
    send(browser, "/checkout/delivery", {"shipping_code": "standard"})
    failed = send(browser, "/checkout/payment", {**CARD, "number": APPROVED, "code": ""})
    assert failed.status_code == 200
    assert APPROVED not in failed.text


def test_a_double_click_gives_one_order(shop: ShopUnderTest) -> None:
    """The same review sent twice, also after the first was answered, is one order and one charge."""
    browser = shop.client()
    put_in_cart(browser)
    review = fill_in(browser)
    first, second = place(browser, review), place(browser, review)
    assert first.location == second.location
    assert len(shop.accepted()) == 1
    assert len(shop.charges()) == 1


def test_clicks_at_the_same_moment_give_one_order(shop: ShopUnderTest) -> None:
    """Eight requests at once: one works, the others are sent to wait for it."""
    browser = shop.client()
    put_in_cart(browser)
    review = fill_in(browser)
    cookies = {name: browser.get_cookie(name) for name in ("cart", "session")}
    gate = threading.Barrier(8)
    statuses = []

    def click() -> None:
        other = shop.client()
        for name, cookie in cookies.items():
            assert cookie is not None
            other.set_cookie(name, cookie.value)
        gate.wait()
        statuses.append(place(other, review).status_code)

    threads = [threading.Thread(target=click) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [303] * 8
    assert len(shop.accepted()) == 1
    assert len(shop.charges()) == 1


def test_a_checkout_is_worked_on_by_one_at_a_time(shop: ShopUnderTest) -> None:
    """While one process asks the order API, the reconciler or another page leaves the checkout alone."""
    browser = shop.client()
    put_in_cart(browser)
    review = fill_in(browser)
    found: list[str] = []

    def look_meanwhile() -> None:
        shop.order_api.before = None
        with shop.app.app_context():
            found.append(advance(shop.checkout().id, wiring()).status)

    def in_another_thread() -> None:
        meanwhile = threading.Thread(target=look_meanwhile)
        meanwhile.start()
        meanwhile.join()

    shop.order_api.before = in_another_thread
    assert place(browser, review).status_code == 303
    assert found == ["authorised"]
    assert len(shop.order_api.bodies) == 1


def test_two_tabs_share_one_checkout(shop: ShopUnderTest) -> None:
    """A second tab continues the same checkout; a review that another tab made out of date is shown again, not charged."""
    browser = shop.client()
    put_in_cart(browser)
    old = fill_in(browser)
    send(browser, "/checkout/delivery", {"shipping_code": "express"})
    answer = place(browser, old)
    assert answer.status_code == 409
    assert "changed in another window" in answer.text
    assert shop.charges() == []
    place(browser, browser.get("/checkout/review"))
    (charge,) = shop.charges()
    assert charge.amount_minor == 1500 + 1190
    assert len({row.id for row in shop.rows(Checkout)}) == 1


def test_a_cart_changed_in_another_tab_never_changes_the_charge(shop: ShopUnderTest) -> None:
    """What differs from the review is told and asked again."""
    browser = shop.client()
    put_in_cart(browser)
    review = fill_in(browser)
    put_in_cart(browser, PAN)
    answer = place(browser, review)
    assert answer.status_code == 409
    assert "Pan was added to your cart" in answer.text
    assert shop.charges() == []


def test_a_new_price_is_told_before_paying(shop: ShopUnderTest) -> None:
    """The price that orders are held to counts, and a change since the review is asked about."""
    browser = shop.client()
    put_in_cart(browser)
    review = fill_in(browser)
    shop.inventory.set_price(Sku(MUG), 1700)
    answer = place(browser, review)
    assert answer.status_code == 409
    assert "costs €17.00 now; it was €15.00" in answer.text
    assert place(browser, answer).status_code == 303
    assert shop.charges("authorised")[0].amount_minor == 1700 + 490


@pytest.mark.parametrize("what", ["sold_out", "fewer"])
def test_a_refusal_names_the_line_and_one_click_mends_it(shop: ShopUnderTest, what: str) -> None:
    """Stock that went between review and reservation: the money is let go, and the page offers what is left."""
    browser = shop.client()
    put_in_cart(browser, MUG_BLUE, 3)
    put_in_cart(browser, PAN)
    review = fill_in(browser)
    taken = -3 if what == "sold_out" else -1

    def somebody_else_buys() -> None:
        shop.order_api.before = None
        shop.inventory.adjust(Sku(MUG_BLUE), taken, f"taken-{what}")

    shop.order_api.before = somebody_else_buys
    answer = place(browser, review)
    page = browser.get(answer.location, follow_redirects=True)
    assert ("The last one was just sold." if what == "sold_out" else "Only 2 left") in page.text
    assert [c.status for c in shop.charges()] == ["voided"]
    assert shop.accepted() == []
    mended = browser.post("/checkout/mend", data={"csrf_token": token_of(page)}, follow_redirects=True)
    assert "Place the order" in mended.text
    assert place(browser, mended).status_code == 303
    (order_id,) = shop.accepted()
    reservation = shop.inventory.find_reservation(order_id)
    assert reservation is not None
    left = {line.sku: line.quantity for line in reservation.lines}
    assert left == ({PAN: 1} if what == "sold_out" else {MUG_BLUE: 2, PAN: 1})
    assert [c.status for c in shop.charges()].count("authorised") == 1


def test_a_declined_card_leads_back_to_the_payment_step(shop: ShopUnderTest) -> None:
    """Nothing is held, the reason is told, another card goes on."""
    browser = shop.client()
    put_in_cart(browser)
    answer = place(browser, fill_in(browser, DECLINED))
    assert answer.location == "/checkout/payment"
    assert "Your bank declined the payment" in browser.get("/checkout/payment").text
    assert shop.accepted() == []
    assert place(browser, pay_with(browser, APPROVED)).location.startswith("/orders/")
    assert [a.status for a in shop.attempts("authorise")] == ["declined", "succeeded"]


@pytest.mark.parametrize("is_confirmed", [True, False])
def test_a_challenge_is_answered_at_the_bank(shop: ShopUnderTest, is_confirmed: bool) -> None:
    """The shopper is sent to the bank and comes back; the bank is asked what it decided."""
    browser = shop.client()
    put_in_cart(browser)
    answer = place(browser, fill_in(browser, CHALLENGED))
    assert answer.location.startswith("http://localhost/bank/test_")
    page = browser.get(answer.location)
    assert "wants to reserve" in page.text
    word = "approve" if is_confirmed else "decline"
    back = browser.post(answer.location, data={"csrf_token": token_of(page), "answer": word})
    onwards = browser.get(back.location)
    if is_confirmed:
        assert onwards.location.startswith("/orders/")
        assert len(shop.accepted()) == 1
    else:
        assert onwards.location == "/checkout/payment"
        assert "not confirmed with your bank" in browser.get("/checkout/payment").text
        assert shop.accepted() == []


def test_a_challenge_left_alone_can_be_continued_or_dropped(shop: ShopUnderTest) -> None:
    """Back in the shop without an answer: the page offers the bank and another way to pay."""
    browser = shop.client()
    put_in_cart(browser)
    place(browser, fill_in(browser, CHALLENGED))
    checkout = shop.checkout()
    page = browser.get("/checkout/return", follow_redirects=True)
    assert page.request.path == f"/checkout/checking/{checkout.id}"
    assert "/bank/" in page.text
    asked = browser.get(page.request.path, headers={"Accept": "application/json"})
    assert asked.json == {"location": None, "is_challenged": True}
    token = token_of(page)
    dropped = browser.post(f"/checkout/other-card/{checkout.id}", data={"csrf_token": token})
    assert dropped.location == "/checkout/payment"
    assert [c.status for c in shop.charges()] == ["voided"]


def test_nobody_reaches_another_shoppers_checkout(shop: ShopUnderTest) -> None:
    """A checkout opens for the cart that it belongs to and for no other."""
    mine, other = shop.client(), shop.client()
    put_in_cart(mine)
    put_in_cart(other)
    review = fill_in(mine)
    checkout_id = hidden(review, "checkout_id")
    assert other.get(f"/checkout/checking/{checkout_id}").status_code == 404
    page = other.get("/checkout/details")
    fields = {"csrf_token": token_of(page), "checkout_id": checkout_id, "version": hidden(review, "version")}
    assert other.post("/checkout/place", data=fields).location == "/cart"
    assert shop.charges() == []


def test_testing_stolen_cards_ends(shop: ShopUnderTest) -> None:
    """A checkout takes a limited number of cards."""
    browser = shop.client()
    put_in_cart(browser)
    review = fill_in(browser, DECLINED)
    for _ in range(9):
        place(browser, review)
        review = pay_with(browser, DECLINED)
    place(browser, review)
    answer = place(browser, pay_with(browser, APPROVED))
    assert answer.status_code == 409
    assert "tried too often" in answer.text
    assert shop.charges("authorised") == []


def test_before_the_delivery_is_chosen_the_sum_says_that_it_is_without(shop: ShopUnderTest) -> None:
    """Nobody is surprised by a total that grows: it is called what it is until the delivery is in it."""
    browser = shop.client()
    put_in_cart(browser)
    assert "Total without delivery" in browser.get("/checkout/details").text
    review = fill_in(browser)
    assert "<dt>Total</dt>" in review.text
    assert "without delivery" not in review.text
