"""From a mistyped word to a cancelled order: a shopper's whole way, on a phone, on a desk, and without any script."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from orders.adapters.rds.models import Order
from tests.e2e.buying import APPROVED, choose_delivery, enter_card, fill_details, order_number, place
from tests.e2e.conftest import RunningShop, until
from tests.e2e.mailbox import PASSWORD, link_in_letter

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(300)]

SCREENS = {
    "phone": ({"width": 360, "height": 740}, True),
    "desk": ({"width": 1440, "height": 900}, True),
    "desk-without-script": ({"width": 1440, "height": 900}, False),
    "phone-without-script": ({"width": 360, "height": 740}, False),
}


@pytest.mark.parametrize("screen", SCREENS)
def test_a_shopper_finds_buys_follows_and_cancels(shop: RunningShop, browser: Browser, screen: str) -> None:
    """Search with a typo, filter, product, variant, cart, guest checkout, track, register from the order, history, cancel."""
    viewport, has_script = SCREENS[screen]
    email = f"journey-{uuid4().hex[:8]}@example.com"
    with browser.new_context(
        base_url=shop.url,
        viewport=viewport,
        java_script_enabled=has_script,
        has_touch="phone" in screen,
    ) as context:
        context.set_default_timeout(20_000)
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda m: errors.append(m.text) if "Content Security Policy" in m.text else None)

        find_with_a_typo(page)
        narrow_to_a_maker(page, is_phone="phone" in screen, has_script=has_script)
        choose_the_heavy_one(page)
        into_the_cart(page)
        number = buy(page, email)
        expect(page.locator("[data-title]")).to_have_text("Your order is confirmed", timeout=60_000)
        register_from_the_order(shop, page, email)
        cancel_from_the_history(page, number)
        assert errors == []
    with Session(shop.engine) as session:
        (order,) = session.scalars(select(Order).where(Order.email == email)).all()
        assert order.number == number
        assert order.customer_id, "the order did not join the account"
        until(lambda: is_cancelled(shop, order.id), "the cancellation in the book")
    sent = until(
        lambda: [m for m in shop.mails(to=email) if "cancel" in m["subject"].lower()],
        "the e-mail about the cancellation",
    )
    assert number in sent[0]["subject"] + sent[0]["text"]


def is_cancelled(shop: RunningShop, order_id: UUID) -> bool:
    """Whether the book says so."""
    with Session(shop.engine) as session:
        return session.scalar(select(Order.status).where(Order.id == order_id)) == "cancelled"


def find_with_a_typo(page: Page) -> None:
    """Two letters swapped: the shop says what it understood, and shows it."""
    page.goto("/")
    box = page.get_by_label("Search the shop")
    box.fill("hamemr")
    box.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("“hammer”")
    expect(page.get_by_text("Nothing is called “hamemr” here")).to_be_visible()
    expect(page.locator(".card").filter(has_text="Claw hammer")).to_be_visible()


def narrow_to_a_maker(page: Page, *, is_phone: bool, has_script: bool) -> None:
    """Tick one value; the address carries it, the other products go, and the choice can be taken back."""
    filters = page.get_by_role("complementary", name="Filters")
    before = page.locator(".card").count()
    if is_phone:
        filters.get_by_text("Filter", exact=True).click()
    hammer = page.locator(".card").filter(has_text="Claw hammer")
    maker = hammer.locator(".card-maker").inner_text()
    filters.get_by_role("checkbox", name=re.compile(f"^{re.escape(maker)}")).check()
    if not has_script:
        filters.get_by_role("button", name="Show").click()
    page.wait_for_url("**maker=**")
    expect(hammer).to_be_visible()
    assert page.locator(".card").count() <= before
    for card in page.locator(".card-maker").all():
        assert card.inner_text() == maker
    expect(filters.get_by_role("link", name="Clear all")).to_be_visible()


def choose_the_heavy_one(page: Page) -> None:
    """A variant has an address of its own, its price, and its article number."""
    page.locator(".card").filter(has_text="Claw hammer").get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ash-Handled Claw Hammer")
    page.get_by_role("link", name="570 g").click()
    page.wait_for_url("**sku=**")
    expect(page.get_by_role("link", name="570 g")).to_have_attribute("aria-current", "true")


def into_the_cart(page: Page) -> None:
    """Two of it; the header counts them."""
    page.get_by_label("Quantity").fill("2")
    page.get_by_role("button", name="Add to cart").click()
    page.get_by_text("is in your cart.").wait_for()
    expect(page.locator("[data-cart-count]")).to_contain_text("2")


def buy(page: Page, email: str) -> str:
    """Through the four steps as a guest; returns the order's number."""
    page.goto("/cart")
    page.get_by_role("link", name="Check out").click()
    fill_details(page, email)
    choose_delivery(page)
    enter_card(page, APPROVED)
    page.get_by_role("heading", name="One last look").wait_for()
    place(page)
    return order_number(page)


def register_from_the_order(shop: RunningShop, page: Page, email: str) -> None:
    """The order's page offers an account; the address is filled in; the letter's link asks for a password only."""
    page.get_by_role("link", name="make an account").click()
    expect(page.get_by_label("E-mail")).to_have_value(email)
    page.get_by_role("button", name="Send me the link").click()
    page.goto(link_in_letter(shop, email, "/account/link/"))
    page.get_by_label("Your name").fill("Ada Lovelace")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Open the account").click()


def cancel_from_the_history(page: Page, number: str) -> None:
    """The order is in the history; from there it is opened and cancelled, and says so."""
    page.get_by_role("navigation", name="Account").get_by_role("link", name="Orders").click()
    page.get_by_role("link", name=number).click()
    expect(page.locator(".number")).to_have_text(number)
    page.get_by_role("link", name="Cancel the order").click()
    page.get_by_role("button", name="Yes, cancel it").click()
    expect(page.locator("[data-title]")).to_have_text(re.compile("cancelled"), timeout=30_000)
    page.get_by_role("link", name=re.compile("^Account")).first.click()
    expect(page.get_by_role("list", name="Orders")).to_contain_text("cancelled")
