"""Answers that are lost and services that are away: the shopper is told the truth, and there is one order and one charge or none."""

from __future__ import annotations

import threading

import pytest

from orders.domain.errors import OrderRefused, OutcomeUnknown, Unavailable
from orders.domain.ids import OrderId, Sku
from tests.integration.webapp.conftest import (
    ANSWER_LOST,
    AWAY,
    CHALLENGED,
    MUG_BLUE,
    ShopUnderTest,
    fill_in,
    place,
    put_in_cart,
    token_of,
)
from webapp.checkout.reconcile import reconcile
from webapp.extensions import db
from webapp.wiring import wiring


def test_a_lost_answer_of_the_bank_resolves_itself(shop: ShopUnderTest) -> None:
    """The authorisation's answer was lost: the checking page asks with the same key and goes on, charged once."""
    browser = shop.client()
    put_in_cart(browser)
    answer = place(browser, fill_in(browser, ANSWER_LOST))
    assert "/checkout/checking/" in answer.location
    onwards = browser.get(answer.location)
    assert onwards.location.startswith("/orders/")
    assert len(shop.charges("authorised")) == 1
    assert len(shop.accepted()) == 1


def test_a_bank_that_is_away_is_told_and_nothing_is_held(shop: ShopUnderTest) -> None:
    """The payment service does not answer: the checkout is open again and says so."""
    browser = shop.client()
    put_in_cart(browser)
    answer = place(browser, fill_in(browser, AWAY))
    assert answer.location == "/checkout/review"
    assert "payment service does not answer" in browser.get("/checkout/review").text
    assert shop.charges() == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_of_the_order_api_gives_one_order(shop: ShopUnderTest, when: str) -> None:
    """The order may or may not have been taken: the page checks, goes on, and there is one order and one charge."""
    browser = shop.client()
    put_in_cart(browser)
    review = fill_in(browser)
    shop.order_api.troubles = [(when, OutcomeUnknown("lost"))]
    answer = place(browser, review)
    assert "/checkout/checking/" in answer.location
    asked = browser.get(answer.location, headers={"Accept": "application/json"})
    assert asked.json is not None
    assert asked.json["location"].startswith("/orders/")
    assert len(shop.accepted()) == 1
    assert len(shop.charges("authorised")) == 1
    assert len(set(shop.order_api.bodies)) == 1


def test_an_order_api_that_is_away_keeps_the_cart_and_frees_the_money(shop: ShopUnderTest) -> None:
    """Certainly not taken: the money is let go, the shopper is told, the cart is as it was."""
    browser = shop.client()
    put_in_cart(browser)
    review = fill_in(browser)
    shop.order_api.troubles = [("before", Unavailable("down"))]
    answer = place(browser, review)
    page = browser.get(answer.location)
    assert "We cannot take orders at this moment" in page.text
    assert [c.status for c in shop.charges()] == ["voided"]
    assert "Mug" in browser.get("/cart").text
    assert place(browser, page).location.startswith("/orders/")
    assert len(shop.charges("authorised")) == 1


def test_a_refusal_after_a_lost_request_is_final(shop: ShopUnderTest) -> None:
    """The lost request could still be on its way to a yes. The shopper is told at once, because it cannot arrive there any more."""
    browser = shop.client()
    put_in_cart(browser, MUG_BLUE, 3)
    review = fill_in(browser)
    shop.order_api.troubles = [("before", OutcomeUnknown("lost"))]
    answer = place(browser, review)
    shop.inventory.adjust(Sku(MUG_BLUE), -2, "taken")
    asked = browser.get(answer.location, headers={"Accept": "application/json"})
    assert asked.json is not None
    assert asked.json["location"] == "/checkout/review"
    assert [c.status for c in shop.charges()] == ["voided"]
    shop.inventory.adjust(Sku(MUG_BLUE), 5, "found again")
    with pytest.raises(OrderRefused):
        shop.order_api.submit(OrderId(str(shop.checkout().id)), shop.order_api.bodies[0])
    assert shop.accepted() == []
    page = browser.get("/checkout/review")
    mended = browser.post("/checkout/mend", data={"csrf_token": token_of(page)}, follow_redirects=True)
    assert place(browser, mended).location.startswith("/orders/")
    assert len(shop.accepted()) == len(shop.charges("authorised")) == 1


def test_a_refusal_that_is_not_final_is_not_believed(shop: ShopUnderTest) -> None:
    """From an order API of the release before: the page goes on asking, and the money stays held."""
    browser = shop.client()
    put_in_cart(browser)
    review = fill_in(browser)
    lost = OutcomeUnknown("lost")
    shop.order_api.troubles = [("before", lost), ("before", lost)]
    answer = place(browser, review)
    asked = browser.get(answer.location, headers={"Accept": "application/json"})
    assert asked.json == {"location": None, "is_challenged": False}
    assert len(shop.charges("authorised")) == 1
    asked = browser.get(answer.location, headers={"Accept": "application/json"})
    assert asked.json is not None
    assert asked.json["location"].startswith("/orders/")


def test_the_reconciler_finishes_what_a_closed_tab_left(shop: ShopUnderTest) -> None:
    """A shopper who never comes back from a lost answer still gets the order, once."""
    browser = shop.client()
    put_in_cart(browser)
    review = fill_in(browser)
    shop.order_api.troubles = [("after", OutcomeUnknown("lost"))]
    place(browser, review)
    with shop.app.app_context():
        assert reconcile(wiring())["finished"] == 0
        shop.clock.advance(120)
        assert reconcile(wiring())["finished"] == 1
        db.session.remove()
    assert shop.checkout().status == "placed"
    assert len(shop.charges("authorised")) == 1


def test_the_reconciler_frees_the_money_of_an_order_that_never_came(shop: ShopUnderTest) -> None:
    """A challenge that nobody answered: after its time the authorisation is let go and the checkout is open again."""
    browser = shop.client()
    put_in_cart(browser)
    place(browser, fill_in(browser, CHALLENGED))
    with shop.app.app_context():
        shop.clock.advance(120)
        assert reconcile(wiring())["open"] == 1
        shop.clock.advance(1000)
        assert reconcile(wiring())["ended"] == 1
        db.session.remove()
    assert [c.status for c in shop.charges()] == ["voided"]
    assert "not completed in time" in browser.get("/checkout/payment", follow_redirects=True).text


def test_a_process_that_was_overtaken_overwrites_nothing(shop: ShopUnderTest) -> None:
    """A lease that ended during a slow call: what another process decided meanwhile stands."""
    browser = shop.client()
    put_in_cart(browser)
    review = fill_in(browser)

    def another_process_is_faster() -> None:
        shop.order_api.before = None
        with shop.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE checkouts SET leased_until = NULL")
        # In a thread: a request within a request would share its database session.
        other = threading.Thread(target=lambda: seen.append(tab.get("/checkout/return").location))
        other.start()
        other.join()

    seen: list[str] = []
    tab = shop.client()
    cookie = browser.get_cookie("cart")
    assert cookie is not None
    tab.set_cookie("cart", cookie.value)
    shop.order_api.before = another_process_is_faster
    shop.order_api.troubles = [("", None), ("before", Unavailable("down for the slow one"))]
    answer = place(browser, review)
    assert answer.location == seen[0]
    assert answer.location.startswith("/orders/")
    assert shop.checkout().status == "placed"
    assert len(shop.charges("authorised")) == 1
