"""A guest buys in German on a phone, through every process, up to the letter."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from orders.adapters.rds.models import Order
from tests.e2e.buying import APPROVED, DECLINED
from tests.e2e.buying_in_german import enter_card, fill_details, go_on, place, put_in_cart
from tests.e2e.conftest import PATIENCE_MS, RunningShop, until
from tests.e2e.test_accessibility import CUT_OFF, violations

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(400)]

EMAIL = f"ada-{uuid4().hex[:10]}@example.com"
PHONE = {"width": 360, "height": 740}
FIRST_ORDER_MS = 120_000
"""The first order of a shop that has just opened waits until its Lambdas have started."""


def test_a_guest_buys_in_german_on_a_phone(shop: RunningShop, browser: Browser) -> None:
    """From the product to the order's page and the letter at /inbox: every page is German, fits a phone and passes axe."""
    with browser.new_context(
        base_url=shop.url, viewport=PHONE, locale="de-DE", bypass_csp=True, reduced_motion="reduce"
    ) as context:
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        put_in_cart(page, "stoneware-mug")
        page.goto("/de/cart")
        _is_good(page, "/de/cart")
        page.get_by_role("link", name="Zur Kasse").click()
        _details(page)
        _is_good(page, "/de/checkout/delivery")
        go_on(page, "Weiter zur Zahlung")
        enter_card(page, DECLINED)
        place(page)
        expect(page.get_by_role("alert")).to_contain_text("Ihre Bank hat die Zahlung abgelehnt.")
        _is_good(page, "/de/checkout/payment")
        enter_card(page, APPROVED)
        _is_good(page, "/de/checkout/review")
        place(page)
        page.wait_for_url("**/de/orders/*")
        page.evaluate("window.isTheSamePage = true")
        expect(page.locator("[data-title]")).to_have_text(
            "Ihre Bestellung ist bestätigt", timeout=FIRST_ORDER_MS
        )
        expect(page.locator('[data-recorded="yes"]')).to_be_visible()
        expect(page.locator("[data-happened]")).to_contain_text("Bestellung bestätigt")
        assert page.evaluate("window.isTheSamePage"), "the page was reloaded"
        _is_good(page, "/de/orders/")
        number = page.locator(".number").inner_text()
        link = _letter(shop, page, number)
        page.goto(link)
        _is_good(page, "/de/orders/")
        expect(page.locator(".number")).to_have_text(number)


def _details(page: Page) -> None:
    """Step 1: sent empty first, to see what is said of it."""
    _is_good(page, "/de/checkout/details")
    go_on(page, "Weiter zum Versand")
    expect(page.get_by_role("alert")).to_contain_text("Bitte geben Sie die Postleitzahl an.")
    _is_good(page, "/de/checkout/details")
    fill_details(page, EMAIL)


def _is_good(page: Page, path: str) -> None:
    """The page under this path is German, is not wider than a phone, and axe finds nothing serious in it."""
    page.wait_for_url(re.compile(re.escape(path)))
    expect(page.locator("html")).to_have_attribute("lang", "de")
    assert violations(page) == [], page.url
    assert page.evaluate(CUT_OFF) == 0, f"{page.url} is wider than the screen"


def _letter(shop: RunningShop, page: Page, number: str) -> str:
    """The order is German in the book and so is its letter, which the in-box shows; returns the link in it."""
    with Session(shop.engine) as session:
        (order,) = session.scalars(select(Order).where(Order.email == EMAIL))
    assert (order.number, order.locale) == (number, "de")
    (mail,) = until(lambda: [m for m in shop.mails(to=EMAIL) if number in m["subject"]], "the letter", 60)
    assert mail["subject"] == f"Ihre Bestellung {number} ist bestätigt"
    assert order.shipping_address["city"] in mail["text"]
    page.goto("/inbox")
    expect(page.get_by_text(mail["subject"]).first).to_be_visible()
    (link,) = set(re.findall(r"https?://\S+/de/orders/[\w-]+", mail["text"]))
    return str(link)
