"""A walk past every page of the storefront, in the states in which a shopper meets it: for looking, measuring and axe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import uuid4

from playwright.sync_api import Page, expect

from tests.e2e.buying import APPROVED, CHALLENGED, enter_card, fill_details, place, put_in_cart
from tests.e2e.conftest import RunningShop
from tests.e2e.mailbox import PASSWORD, link_in_letter

CATALOGUE = {
    "home": "/",
    "everything": "/shop",
    "shelf": "/shop/kitchen",
    "shelf-filtered": "/shop?price-to=40&sort=price",
    "shelf-nothing-fits": "/shop/kitchen?price-to=1",
    "collection": "/collections/small-presents",
    "product": "/products/claw-hammer",
    "product-plain": "/products/stoneware-mug",
    "product-sold-out": "/products/felt-slippers?sku=CW-SLP-SLA-42",
    "search": "/search?q=lamp",
    "search-respelled": "/search?q=hamemr",
    "search-nothing": "/search?q=xylophone+quartet",
    "search-empty": "/search",
    "cart-empty": "/cart",
    "not-found": "/products/no-such-thing",
    "styleguide": "/styleguide",
}
ACCOUNT = {
    "account-overview": "/account/",
    "account-orders": "/account/orders",
    "account-orders-nothing-found": "/account/orders?q=xylophone",
    "account-addresses": "/account/addresses",
    "account-address-new": "/account/addresses/new",
    "account-details": "/account/details",
    "account-email": "/account/email",
    "account-password": "/account/password",
    "account-security": "/account/security",
    "account-notifications": "/account/notifications",
    "account-data": "/account/data",
}


def tour(shop: RunningShop, page: Page) -> Iterator[str]:
    """Yields the name of each page when it is on the screen. Needs a browser without cookies."""
    email = f"tour-{uuid4().hex[:10]}@example.com"
    for name, path in CATALOGUE.items():
        page.goto(path)
        yield name
    yield from _checkout(page, email)
    yield from _order_and_registration(shop, page, email)
    yield from _account(page)
    yield from _leaving(shop, page, email)


def _checkout(page: Page, email: str) -> Iterator[str]:
    put_in_cart(page, "claw-hammer")
    yield "product-put-in-cart"
    put_in_cart(page, "stoneware-mug")
    page.goto("/cart")
    yield "cart"
    page.get_by_role("button", name=re.compile("^Remove Stoneware")).click()
    page.get_by_role("button", name="Put it back").wait_for()
    yield "cart-undo"
    page.get_by_role("button", name="Put it back").click()
    page.goto("/cart")
    page.get_by_text("Have a coupon?").click()
    page.get_by_label("Coupon", exact=True).fill("NOTHING")
    page.get_by_role("button", name="Use it").click()
    page.locator("#coupon-code-error").wait_for()
    yield "cart-coupon-refused"
    page.get_by_role("link", name="Check out").click()
    yield "checkout-details"
    page.get_by_role("button", name=re.compile("^On to")).click()
    page.get_by_role("alert").wait_for()
    yield "checkout-details-errors"
    page.get_by_label("The invoice goes").check()
    yield "checkout-details-billing"
    page.get_by_label("The invoice goes").uncheck()
    fill_details(page, email)
    yield "checkout-delivery"
    page.get_by_role("button", name=re.compile("^On to")).click()
    page.get_by_label("Card number").wait_for()
    yield "checkout-payment"
    enter_card(page, CHALLENGED)
    page.get_by_role("heading", name="One last look").wait_for()
    yield "checkout-review"
    place(page)
    page.get_by_role("heading", name="Is it you?").wait_for()
    yield "bank"
    page.get_by_role("link", name="Decide later").click()
    page.get_by_role("link", name="Go to your bank").wait_for()
    yield "checkout-challenge-open"
    page.get_by_role("button", name="Pay in another way").click()
    page.get_by_label("Card number").wait_for()
    enter_card(page, APPROVED)
    place(page)
    page.wait_for_url("**/orders/*")


def _order_and_registration(shop: RunningShop, page: Page, email: str) -> Iterator[str]:
    expect(page.locator("[data-title]")).to_have_text("Your order is confirmed", timeout=60_000)
    expect(page.locator('[data-recorded="yes"]')).to_be_visible()
    yield "order"
    order = page.url
    page.get_by_role("link", name="Change the address").click()
    yield "order-address"
    page.goto(f"{order}/quantities")
    page.get_by_role("heading", level=1).wait_for()
    yield "order-quantities"
    page.goto(f"{order}/cancel")
    yield "order-cancel"
    page.goto(order)
    page.get_by_role("link", name="make an account").click()
    yield "register"
    page.get_by_role("button", name="Send me the link").click()
    page.get_by_role("heading", level=1).wait_for()
    yield "look-in-mailbox"
    page.goto(link_in_letter(shop, email, "/account/link/"))
    yield "welcome"
    page.get_by_label("Your name").fill("Ada Lovelace")
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_role("button", name="Open the account").click()
    page.get_by_role("alert").wait_for()
    yield "welcome-errors"
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Open the account").click()
    page.get_by_role("navigation", name="Account").wait_for()


def _account(page: Page) -> Iterator[str]:
    for name, path in ACCOUNT.items():
        page.goto(path)
        yield name
    page.goto("/account/orders")
    page.locator(".rows a").first.click()
    page.locator(".number").wait_for()
    yield "account-order"
    page.get_by_role("link", name="Cancel the order").click()
    page.get_by_role("button", name="Yes, cancel it").click()
    expect(page.locator("[data-title]")).to_have_text(re.compile("cancelled"), timeout=30_000)
    yield "order-cancelled"


def _leaving(shop: RunningShop, page: Page, email: str) -> Iterator[str]:
    page.goto(link_in_letter(shop, email, "/unsubscribe/"))
    yield "unsubscribe"
    page.goto("/account/")
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.get_by_role("heading", name="Sign in").wait_for()
    yield "sign-in"
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill("not the password")
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").wait_for()
    yield "sign-in-refused"
    page.goto("/account/forgotten")
    yield "forgotten"
    page.goto("/account/link/no-such-letter")
    yield "link-gone"
    page.goto("/account/goodbye")
    yield "goodbye"
