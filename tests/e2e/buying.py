"""The steps of a purchase, as a shopper's hands do them: by the words on the page."""

from __future__ import annotations

import re

from playwright.sync_api import Page

APPROVED = "4242 4242 4242 4242"
DECLINED = "4000 0000 0000 0002"
CHALLENGED = "4000 0000 0000 3220"
ANSWER_LOST = "4000 0000 0000 6975"


def put_in_cart(page: Page, slug: str) -> None:
    """Open a product and add it; works with and without JavaScript."""
    page.goto(f"/products/{slug}")
    page.get_by_role("button", name="Add to cart").click()
    page.get_by_text("is in your cart.").wait_for()


def to_checkout(page: Page) -> None:
    """From the cart to the first step."""
    page.goto("/cart")
    page.get_by_role("link", name="Check out").click()


def fill_details(page: Page, email: str) -> None:
    """Step 1."""
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Full name").first.fill("Ada Lovelace")
    page.get_by_label("Street and number").first.fill("Werkstr. 12")
    page.get_by_label("Postal code").first.fill("10115")
    page.get_by_label("Town or city").first.fill("Berlin")
    _on(page)


def choose_delivery(page: Page) -> None:
    """Step 2: the cheapest is chosen already."""
    _on(page)


def enter_card(page: Page, number: str) -> None:
    """Step 3."""
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expires").fill("12 / 29")
    page.get_by_label("Security code").fill("123")
    _on(page)


def to_review(page: Page, email: str, card: str = APPROVED) -> None:
    """From a filled cart to the last look."""
    to_checkout(page)
    fill_details(page, email)
    choose_delivery(page)
    enter_card(page, card)
    page.get_by_role("heading", name="One last look").wait_for()


def place(page: Page) -> None:
    """The click."""
    page.get_by_role("button", name=re.compile("^Place the order")).click()


def order_number(page: Page) -> str:
    """The number on the order's page."""
    page.wait_for_url("**/orders/*")
    return page.locator(".number").inner_text()


def _on(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^On to")).click()
