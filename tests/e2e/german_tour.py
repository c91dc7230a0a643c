"""A walk past the pages of the German shop that a shopper meets, from the front to the account: for looking."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

from playwright.sync_api import Page, expect

from tests.e2e.buying import APPROVED
from tests.e2e.buying_in_german import enter_card, fill_details, go_on, place, put_in_cart, to_checkout
from tests.e2e.conftest import RunningShop
from tests.e2e.mailbox import PASSWORD, link_in_letter

CATALOGUE = {
    "home": "/de/",
    "everything": "/de/shop",
    "shelf": "/de/shop/kitchen",
    "shelf-filtered": "/de/shop?price-to=40&sort=price",
    "shelf-nothing-fits": "/de/shop/kitchen?price-to=1",
    "collection": "/de/collections/small-presents",
    "product": "/de/products/claw-hammer",
    "product-sold-out": "/de/products/felt-slippers?sku=CW-SLP-SLA-42",
    "search": "/de/search?q=lamp",
    "search-respelled": "/de/search?q=hamemr",
    "search-nothing": "/de/search?q=xylophone+quartet",
    "cart-empty": "/de/cart",
    "not-found": "/de/products/no-such-thing",
    "sign-in": "/de/account/sign-in",
}
ACCOUNT = {
    "account-overview": "/de/account/",
    "account-orders": "/de/account/orders",
    "account-address-new": "/de/account/addresses/new",
    "account-details": "/de/account/details",
    "account-security": "/de/account/security",
    "account-notifications": "/de/account/notifications",
    "account-data": "/de/account/data",
}


def german_tour(shop: RunningShop, page: Page) -> Iterator[str]:
    """Yields the name of each page when it is on the screen. Needs a browser without cookies."""
    email = f"rundgang-{uuid4().hex[:10]}@example.com"
    for name, path in CATALOGUE.items():
        page.goto(path)
        yield name
    yield from _checkout(page, email)
    yield from _order(page)
    yield from _account(shop, page, email)


def _checkout(page: Page, email: str) -> Iterator[str]:
    put_in_cart(page, "claw-hammer")
    yield "product-put-in-cart"
    put_in_cart(page, "stoneware-mug")
    page.goto("/de/cart?country=DE")
    yield "cart"
    to_checkout(page)
    yield "checkout-details"
    go_on(page, "Weiter zum Versand")
    page.get_by_role("alert").wait_for()
    yield "checkout-details-errors"
    fill_details(page, email)
    yield "checkout-delivery"
    go_on(page, "Weiter zur Zahlung")
    page.get_by_label("Kartennummer").wait_for()
    yield "checkout-payment"
    enter_card(page, APPROVED)
    yield "checkout-review"
    place(page)
    page.wait_for_url("**/de/orders/*")


def _order(page: Page) -> Iterator[str]:
    expect(page.locator("[data-title]")).to_have_text("Ihre Bestellung ist bestätigt", timeout=120_000)
    expect(page.locator('[data-recorded="yes"]')).to_be_visible()
    yield "order"
    order = page.url
    for deed in ("address", "quantities", "cancel"):
        page.goto(f"{order}/{deed}")
        yield f"order-{deed}"
    page.goto(order)


def _account(shop: RunningShop, page: Page, email: str) -> Iterator[str]:
    page.locator("main a[href*='/account/register']").click()
    yield "register"
    go_on(page, "Link schicken")
    page.get_by_role("heading", name="Sehen Sie in Ihr Postfach").wait_for()
    yield "look-in-mailbox"
    page.goto(link_in_letter(shop, email, "/account/link/"))
    yield "welcome"
    page.get_by_label("Ihr Name").fill("Ada Lovelace")
    page.get_by_label("Passwort", exact=True).fill(PASSWORD)
    go_on(page, "Konto eröffnen")
    page.get_by_role("navigation", name="Konto").wait_for()
    for name, path in ACCOUNT.items():
        page.goto(path)
        yield name
