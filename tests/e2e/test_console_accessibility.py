"""The console without a mouse and without eyes: axe-core on its pages at a tablet's and a desk's width, and its keys."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from orders.domain.ids import OrderId, order_number
from tests.e2e.arriving import arrive, is_quiet, well_stocked
from tests.e2e.clerk import PATIENCE_MS, Clerk
from tests.e2e.conftest import RunningShop, until
from tests.e2e.test_accessibility import CUT_OFF, violations
from webapp.console.permissions import Role

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(400)]
LOOKS = {
    "tablet-light": ({"width": 768, "height": 1024}, "light"),
    "desk-dark": ({"width": 1440, "height": 900}, "dark"),
}
ASKED = ("hold", "hold_lines", "cancel", "address", "ship", "refund", "note")


@pytest.fixture(scope="module")
def arrived(shop: RunningShop) -> tuple[str, list[OrderId]]:
    """Three orders of one shopper, on record and told of."""
    email = f"keys-{uuid.uuid4().hex[:8]}@example.com"
    skus = well_stocked(shop, 2, 5)
    orders = [arrive(shop, email, dict.fromkeys(skus, 1)) for _ in range(3)]
    until(lambda: is_quiet(shop, email, 3), "three orders in the book", 120)
    return email, orders


def _desk(browser: Browser, shop: RunningShop, look: str) -> BrowserContext:
    viewport, scheme = LOOKS[look]
    # axe is put into the page as a script, which the console's own policy rightly refuses.
    context = browser.new_context(
        base_url=shop.url, viewport=viewport, color_scheme=scheme, bypass_csp=True, reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE_MS)
    return context


def _pages(page: Page, email: str, order_id: OrderId) -> Iterator[str]:
    """The door, every page of the menu, an order, and what its actions ask and show."""
    page.goto("/console/sign-in")
    yield "sign-in"
    Clerk(page).sign_in(Role.ADMIN)
    paths = page.locator("nav a[href^='/console']").evaluate_all("all => all.map(a => a.pathname)")
    for path in [*dict.fromkeys(paths), "/console/account"]:
        page.goto(path)
        yield path
    page.goto(f"/console/orders?q={email}")
    yield "a search"
    page.goto(f"/console/orders/{order_id}")
    yield "an order"
    for action in ASKED:
        page.goto(f"/console/orders/{order_id}/{action}")
        yield action
    page.goto(f"/console/orders/{order_id}/pick")
    page.locator(".effects").wait_for()
    yield "a preview"
    page.goto(f"/console/orders/{order_id}/pack")
    yield "packing"


@pytest.mark.parametrize("look", LOOKS)
def test_no_page_of_the_console_has_a_serious_violation(
    shop: RunningShop, browser: Browser, arrived: tuple[str, list[OrderId]], look: str
) -> None:
    """axe-core finds nothing serious or critical, and no page is wider than its screen."""
    email, orders = arrived
    found: list[str] = []
    with _desk(browser, shop, look) as context:
        page = context.new_page()
        seen = 0
        for name in _pages(page, email, orders[0]):
            seen += 1
            found += [f"{name}: {text}" for text in violations(page)]
            if over := page.evaluate(CUT_OFF):
                found.append(f"{name}: {over} px wider than the screen")
    assert seen > 25
    assert found == []


@pytest.mark.parametrize("look", LOOKS)
def test_the_order_list_needs_no_scrolling_sideways(
    shop: RunningShop, browser: Browser, arrived: tuple[str, list[OrderId]], look: str
) -> None:
    """Its columns fit their box; what a tablet has no column for is read under the order's number."""
    email, _ = arrived
    with _desk(browser, shop, look) as context:
        page = context.new_page()
        Clerk(page).sign_in(Role.MANAGER)
        page.goto(f"/console/orders?q={email}")
        row = page.locator("[data-row]").first
        box = page.locator(".scroll")
        assert box.evaluate("box => box.scrollWidth - box.clientWidth") <= 0
        expect(row.get_by_text("Ada Lovelace", exact=True).filter(visible=True)).to_have_count(1)


def test_an_order_is_found_and_opened_without_a_mouse(
    shop: RunningShop, browser: Browser, arrived: tuple[str, list[OrderId]]
) -> None:
    """`/` and what is known, Enter; `j` and `k` through the rows, `x` ticks one, Enter opens it; `g o` leads back."""
    email, orders = arrived
    with _desk(browser, shop, "desk-dark") as context:
        page = context.new_page()
        Clerk(page).sign_in(Role.MANAGER)
        page.goto("/console/orders")
        page.keyboard.press("/")
        expect(page.locator("[data-finder]")).to_be_focused()
        page.keyboard.type(email)
        page.keyboard.press("Enter")
        rows = page.locator("[data-row]")
        expect(rows).to_have_count(3)
        # In the field the keys are letters; Escape leaves it.
        page.keyboard.press("Escape")
        for key, row in (("j", 0), ("j", 1), ("j", 2), ("k", 1)):
            page.keyboard.press(key)
            expect(rows.nth(row).locator("[data-open]")).to_be_focused()
            expect(page.locator("[data-row].is-here")).to_have_count(1)
            expect(rows.nth(row)).to_have_class(re.compile("is-here"))
        page.keyboard.press("x")
        expect(rows.nth(1).locator("input[type=checkbox]")).to_be_checked()
        page.keyboard.press("Enter")
        # Newest first: the second of the three.
        expect(page.locator(".order-head")).to_contain_text(order_number(orders[1]))
        page.keyboard.press("g")
        page.keyboard.press("o")
        page.wait_for_url(re.compile(r"/console/orders$"))
