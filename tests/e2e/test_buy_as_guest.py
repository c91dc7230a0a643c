"""A guest buys, in a real browser, through every process of the architecture."""

from __future__ import annotations

import re
import time
from uuid import UUID

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from orders import links
from orders.adapters.rds.models import Order, PaymentAttemptRow, TestCharge
from orders.domain.ids import OrderId, Sku
from tests.e2e.buying import (
    ANSWER_LOST,
    APPROVED,
    CHALLENGED,
    DECLINED,
    enter_card,
    order_number,
    place,
    put_in_cart,
    to_review,
)
from tests.e2e.conftest import RunningShop, until

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(300)]


def orders_of(shop: RunningShop, email: str) -> list[Order]:
    """The orders in the book for an e-mail address."""
    with Session(shop.engine) as session:
        return list(session.scalars(select(Order).where(Order.email == email)))


def charges_of(shop: RunningShop, order_id: str) -> list[TestCharge]:
    """The bank's charges for an order."""
    with Session(shop.engine) as session:
        return list(session.scalars(select(TestCharge).where(TestCharge.order_id == order_id)))


def warm_up(shop: RunningShop, browser: Browser) -> None:
    """One order first: the local AWS starts a process for each Lambda's first call, which AWS does before a deploy ends."""
    if orders_of(shop, "warm@example.com"):
        return
    with browser.new_context(base_url=shop.url) as context:
        page = context.new_page()
        put_in_cart(page, "stoneware-mug")
        to_review(page, "warm@example.com")
        place(page)
        expect(page.locator("[data-title]")).to_have_text("Your order is confirmed", timeout=60_000)


@pytest.fixture(autouse=True)
def warm(shop: RunningShop, browser: Browser) -> None:
    """Every Lambda has run once."""
    warm_up(shop, browser)


def test_a_guest_buys_and_watches_the_order_move(shop: RunningShop, page: Page) -> None:
    """The page moves from placed to confirmed without a reload within 2 s; the same order is in PostgreSQL, DynamoDB
    and the in-box by one correlation id."""
    put_in_cart(page, "enamel-kettle")
    to_review(page, "ada@example.com")
    place(page)
    number = order_number(page)
    arrived = time.monotonic()
    page.evaluate("window.isTheSamePage = true")
    expect(page.locator("[data-title]")).to_have_text("Your order is confirmed", timeout=10_000)
    moved_after = time.monotonic() - arrived
    assert page.evaluate("window.isTheSamePage"), "the page was reloaded"
    assert moved_after < 2.0, f"the page moved after {moved_after:.1f} s"
    expect(page.locator('[data-recorded="yes"]')).to_be_visible()

    (order,) = until(lambda: orders_of(shop, "ada@example.com"), "the order in the book")
    assert order.number == number
    order_id = OrderId(str(order.id))
    assert page.url.endswith(links.sign(order_id, links.keys_of(shop.settings)))
    view = shop.tracking.get(order_id)
    reservation = shop.inventory.find_reservation(order_id)
    assert view is not None
    assert reservation is not None
    (mail,) = until(
        lambda: [m for m in shop.mails(to="ada@example.com") if number in m["subject"] + m["text"]],
        "the e-mail",
    )
    assert {
        order.correlation_id,
        view.correlation_id,
        reservation.correlation_id,
        mail["correlation_id"],
    } == {order.correlation_id}
    assert order.correlation_id
    (charge,) = charges_of(shop, order_id)
    assert charge.amount_minor == order.total_minor

    link = re.search(r"https?://\S+/orders/[\w-]+", mail["text"])
    assert link, mail["text"]
    page.goto(link[0])
    expect(page.locator(".number")).to_have_text(number)


def test_a_double_click_buys_once(shop: RunningShop, page: Page) -> None:
    """Two clicks on the button, and the form sent once more by hand, are one order."""
    put_in_cart(page, "stoneware-mug")
    to_review(page, "double@example.com")
    page.get_by_role("button", name=re.compile("^Place the order")).dblclick()
    order_number(page)
    until(lambda: orders_of(shop, "double@example.com"), "the order in the book")
    page.go_back()
    page.reload()
    assert len(orders_of(shop, "double@example.com")) == 1


def test_two_tabs_buy_once(shop: RunningShop, context: BrowserContext, page: Page) -> None:
    """Both tabs stand on the last look and both are clicked: one order, and both show it."""
    put_in_cart(page, "stoneware-mug")
    to_review(page, "tabs@example.com")
    other = context.new_page()
    other.goto("/checkout/review")
    place(page)
    place(other)
    assert order_number(page) == order_number(other)
    (order,) = until(lambda: orders_of(shop, "tabs@example.com"), "the order in the book")
    assert len(charges_of(shop, str(order.id))) == 1


def test_a_declined_card_is_told_and_another_one_pays(shop: RunningShop, page: Page) -> None:
    """The shopper reads why, nothing typed is lost, and the second card buys."""
    put_in_cart(page, "stoneware-mug")
    to_review(page, "declined@example.com", DECLINED)
    place(page)
    expect(page.get_by_role("alert")).to_contain_text("Your bank declined the payment")
    assert page.get_by_label("Name on the card").input_value() == "Ada Lovelace"
    enter_card(page, APPROVED)
    place(page)
    order_number(page)
    (order,) = until(lambda: orders_of(shop, "declined@example.com"), "the order in the book")
    with Session(shop.engine) as session:
        attempts = session.scalars(
            select(PaymentAttemptRow.status)
            .where(PaymentAttemptRow.order_id == order.id, PaymentAttemptRow.kind == "authorise")
            .order_by(PaymentAttemptRow.created_at)
        ).all()
    assert attempts == ["declined", "succeeded"]


def test_a_challenge_is_confirmed_with_the_bank(shop: RunningShop, page: Page) -> None:
    """The bank asks, the shopper looks away, comes back, confirms, and the order is placed."""
    put_in_cart(page, "stoneware-mug")
    to_review(page, "challenge@example.com", CHALLENGED)
    place(page)
    page.get_by_role("heading", name="Is it you?").wait_for()
    page.get_by_role("link", name="Decide later").click()
    page.get_by_role("link", name="Go to your bank").click()
    page.get_by_role("button", name="Yes, confirm").click()
    order_number(page)
    (order,) = until(lambda: orders_of(shop, "challenge@example.com"), "the order in the book")
    assert len(charges_of(shop, str(order.id))) == 1


def test_a_lost_answer_of_the_bank_charges_once(shop: RunningShop, page: Page) -> None:
    """The checking page goes on by itself."""
    put_in_cart(page, "stoneware-mug")
    to_review(page, "lost@example.com", ANSWER_LOST)
    place(page)
    order_number(page)
    (order,) = until(lambda: orders_of(shop, "lost@example.com"), "the order in the book")
    assert len(charges_of(shop, str(order.id))) == 1


def test_the_last_pieces_are_offered_honestly(shop: RunningShop, page: Page) -> None:
    """Stock that went while the shopper typed: the cart says what is left, and one click takes it."""
    put_in_cart(page, "smoothing-plane")
    page.goto("/cart")
    quantity = page.locator("input.quantity")
    quantity.fill("3")
    quantity.press("Tab")
    expect(page.locator(".sums")).to_contain_text("3 items")
    level = shop.inventory.levels([Sku("CW-PLN")])[Sku("CW-PLN")]
    shop.inventory.adjust(Sku("CW-PLN"), 2 - level.available, "somebody-else-bought")
    page.reload()
    expect(page.get_by_text("Only 2 left.")).to_be_visible()
    page.get_by_role("button", name="Buy 2").click()
    expect(page.get_by_role("link", name="Check out")).to_be_visible()


def test_everything_works_without_javascript(shop: RunningShop, browser: Browser) -> None:
    """No script: the same purchase, and the order's page moves by reloading itself."""
    with browser.new_context(base_url=shop.url, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/products/claw-hammer")
        page.get_by_role("link", name="570 g").click()
        page.get_by_role("button", name="Add to cart").click()
        page.get_by_text("is in your cart.").wait_for()
        to_review(page, "noscript@example.com")
        place(page)
        order_number(page)
        expect(page.locator("[data-title]")).to_have_text("Your order is confirmed", timeout=30_000)
        (order,) = until(lambda: orders_of(shop, "noscript@example.com"), "the order in the book")
        assert UUID(str(order.id)).version == 7
