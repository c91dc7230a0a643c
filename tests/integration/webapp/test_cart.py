"""The cart: limits, two tabs, a double click, and honesty about price and stock."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from orders.domain.errors import Unavailable
from orders.domain.ids import Sku
from orders.domain.request import MAX_QUANTITY
from tests.integration.webapp.conftest import MUG, MUG_BLUE, PAN, ShopUnderTest, hidden, put_in_cart, token_of
from webapp.cart.models import Cart, CartLine
from webapp.catalog.models import Variant
from webapp.extensions import db


def quantities(shop: ShopUnderTest) -> dict[str, int]:
    """What stands in the carts."""
    return {line.sku: line.quantity for line in shop.rows(CartLine)}


def change(browser, sku: str, **fields: str):  # type: ignore[no-untyped-def]
    """Send a line's form from a freshly drawn cart, with these fields on top."""
    page = browser.get("/cart")
    data = {"csrf_token": token_of(page), "version": hidden(page, "version"), **fields}
    return browser.post(f"/cart/lines/{sku}", data=data)


def test_a_double_click_adds_once_and_a_later_click_adds_more(shop: ShopUnderTest) -> None:
    """Two adds within a second are one click; the next is meant."""
    browser = shop.client()
    put_in_cart(browser)
    put_in_cart(browser)
    assert quantities(shop) == {MUG: 1}
    shop.clock.advance(2)
    put_in_cart(browser, quantity=2)
    assert quantities(shop) == {MUG: 3}


def test_a_stale_tab_changes_nothing_and_is_told(shop: ShopUnderTest) -> None:
    """A quantity set from a page that another tab made out of date is not applied."""
    browser = shop.client()
    put_in_cart(browser)
    old = browser.get("/cart")
    put_in_cart(browser, PAN)
    form = {"csrf_token": token_of(old), "version": hidden(old, "version"), "quantity": "7"}
    page = browser.post(f"/cart/lines/{MUG}", data=form, follow_redirects=True)
    assert "changed in another window" in page.text
    assert quantities(shop) == {MUG: 1, PAN: 1}


def test_removing_can_be_undone(shop: ShopUnderTest) -> None:
    """What was taken out is offered back with its quantity."""
    browser = shop.client()
    put_in_cart(browser, quantity=3)
    answer = change(browser, MUG, remove="1")
    page = browser.get(answer.location)
    assert "Put it back" in page.text
    assert quantities(shop) == {}
    browser.post("/cart/lines", data={"sku": MUG, "quantity": hidden(page, "quantity")})
    assert quantities(shop) == {MUG: 3}


def test_quantities_out_of_range_change_nothing(shop: ShopUnderTest) -> None:
    """Negative, huge and nonsense quantities are refused with the limit named."""
    browser = shop.client()
    put_in_cart(browser)
    for wrong in ("-1", "1000", "1000000000", "1e9", "two", "", "9" * 400):
        page = browser.get(change(browser, MUG, quantity=wrong).location)
        assert f"from 0 to {MAX_QUANTITY}" in page.text
        answer = browser.post("/cart/lines", data={"sku": PAN, "quantity": wrong})
        assert answer.status_code == 400
    assert quantities(shop) == {MUG: 1}


def test_an_unknown_or_withdrawn_product_cannot_be_added(shop: ShopUnderTest) -> None:
    """A SKU that is not sold is answered 410; nothing is written, not even a cart."""
    browser = shop.client()
    assert put_in_cart(browser, "NO-SUCH-SKU").status_code == 410
    assert browser.post("/cart/lines", data={"sku": "x" * 5000}).status_code == 410
    assert shop.rows(Cart) == []


def test_a_withdrawn_product_in_the_cart_is_told(shop: ShopUnderTest) -> None:
    """The line stays readable, blocks the checkout and can be taken out."""
    browser = shop.client()
    put_in_cart(browser)
    with shop.app.app_context():
        db.session.execute(update(Variant).where(Variant.sku == MUG).values(is_active=False))
        db.session.commit()
    page = browser.get("/cart")
    assert "not sold any more" in page.text
    assert "Check out" not in page.text
    assert browser.get("/checkout/").location == "/cart"
    change(browser, MUG, remove="1")
    assert quantities(shop) == {}


def test_a_new_price_is_told_once(shop: ShopUnderTest) -> None:
    """The cart says what the price was and is; the next look shows the new one without a word."""
    browser = shop.client()
    put_in_cart(browser)
    shop.inventory.set_price(Sku(MUG), 1650)
    told = "The price changed from €15.00 to €16.50"
    assert told in browser.get("/cart").text
    again = browser.get("/cart").text
    assert told not in again
    assert "€16.50" in again


def test_stock_is_honest(shop: ShopUnderTest) -> None:
    """Few are counted, none is said, too many offer what is left."""
    browser = shop.client()
    put_in_cart(browser, MUG_BLUE, 3)
    assert "Only 3 left" in browser.get("/cart").text
    shop.inventory.adjust(Sku(MUG_BLUE), -1, "sold")
    page = browser.get("/cart")
    assert "Only 2 left." in page.text
    assert "Buy 2" in page.text
    shop.inventory.adjust(Sku(MUG_BLUE), -2, "sold too")
    assert "Just sold out." in browser.get("/cart").text


def test_a_store_that_is_away_claims_nothing(shop: ShopUnderTest) -> None:
    """Without the truth of stock the shop stays open and says that it does not know."""
    browser = shop.client()
    shop.inventory.away = Unavailable("down")
    assert "cannot see the stock" in browser.get("/products/mug").text
    assert put_in_cart(browser).status_code == 303
    page = browser.get("/cart")
    assert "Mug" in page.text
    assert "left" not in page.text.split("<main")[1].split("<footer")[0]


def test_an_expired_cart_is_empty_and_says_so(shop: ShopUnderTest) -> None:
    """After its time a cart is not shown, counted or ordered; a new one begins."""
    browser = shop.client()
    put_in_cart(browser)
    shop.clock.advance(timedelta(days=31).total_seconds())
    page = browser.get("/cart")
    assert "has expired" in page.text
    assert browser.get("/checkout/").location == "/cart"
    assert browser.get("/cart/count").json == {"count": 0}
    put_in_cart(browser, PAN)
    assert browser.get("/cart/count").json == {"count": 1}


def test_a_forged_cart_cookie_opens_no_cart(shop: ShopUnderTest) -> None:
    """The cart's name is signed: a changed one is no cart, and nothing breaks."""
    browser = shop.client()
    put_in_cart(browser)
    cookie = browser.get_cookie("cart")
    assert cookie is not None
    for forged in (str(shop.rows(Cart)[0].id), cookie.value[:-2] + "xx", "", "a" * 3000):
        other = shop.client()
        other.set_cookie("cart", forged)
        assert "Nothing in it yet" in other.get("/cart").text


def test_a_script_gets_numbers_instead_of_a_page(shop: ShopUnderTest) -> None:
    """The same route answers JSON, and problem+json when refused."""
    browser = shop.client()
    accept = {"Accept": "application/json"}
    answer = browser.post("/cart/lines", data={"sku": MUG, "quantity": "2"}, headers=accept)
    assert answer.json is not None
    assert (answer.json["count"], answer.json["name"]) == (2, "Mug")
    refused = browser.post("/cart/lines", data={"sku": MUG, "quantity": "0"}, headers=accept)
    assert refused.status_code == 400
    assert refused.mimetype == "application/problem+json"
    assert refused.json is not None
    assert refused.json["errors"][0]["pointer"] == "/quantity"


def test_two_carts_do_not_mix(shop: ShopUnderTest) -> None:
    """Each browser has its own."""
    one, two = shop.client(), shop.client()
    put_in_cart(one)
    put_in_cart(two, PAN)
    assert "Pan" not in one.get("/cart").text
    assert "Mug" not in two.get("/cart").text.split("<main")[1]
