"""Nobody is kept out: axe-core on every page, the checkout by keyboard alone, the order of reading, and what has the focus."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Error, Page, expect

from tests.e2e.buying import put_in_cart
from tests.e2e.conftest import RunningShop
from tests.e2e.german_tour import german_tour
from tests.e2e.tour import tour

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(400)]

Walk = Callable[[RunningShop, Page], Iterator[str]]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
GRAVE = {"serious", "critical"}
LOOKS: dict[str, tuple[Any, Any, Walk, int]] = {
    "phone-light": ({"width": 360, "height": 740}, "light", tour, 45),
    "phone-german": ({"width": 360, "height": 740}, "light", german_tour, 30),
    "desk-dark": ({"width": 1440, "height": 900}, "dark", tour, 45),
}
"""The screen, its colours, the walk past the pages, and how many there are at least."""
TAB_LIMIT = 60

CUT_OFF = """() => document.documentElement.scrollWidth - document.documentElement.clientWidth"""
FOCUS = """() => {
  const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
  return {
    name: e.labels?.[0]?.innerText ?? e.getAttribute("aria-label") ?? e.innerText,
    outline: s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2,
    inside: r.width > 0 && r.height > 0 && r.bottom > 0 && r.top < innerHeight && r.right > 0,
  };
}"""


def violations(page: Page) -> list[str]:
    """The serious and critical findings of axe-core on the page as it stands, one line each."""
    try:
        result = _examined(page)
    except Error:
        # The page was leaving for its next address as axe began: its document was gone. The next one stays.
        page.wait_for_function("document.readyState === 'complete'")
        result = _examined(page)
    return [
        f"{found['impact']} {found['id']}: {found['help']} at {', '.join(str(n['target']) for n in found['nodes'][:3])}"
        for found in result["violations"]
        if found["impact"] in GRAVE
    ]


def _examined(page: Page) -> dict[str, Any]:
    page.wait_for_load_state("load")
    page.evaluate(AXE_SCRIPT)
    found: dict[str, Any] = page.evaluate(
        "rules => axe.run({runOnly: rules, resultTypes: ['violations']})", RULES
    )
    return found


@pytest.mark.parametrize("look", LOOKS)
def test_no_page_has_a_serious_violation(shop: RunningShop, browser: Browser, look: str) -> None:
    """axe-core finds nothing serious or critical on any page of the storefront, and no page is wider than its screen."""
    viewport, scheme, walk, pages = LOOKS[look]
    found: list[str] = []
    # axe is put into the page as a script, which the shop's own policy rightly refuses.
    with browser.new_context(
        base_url=shop.url, viewport=viewport, color_scheme=scheme, bypass_csp=True, reduced_motion="reduce"
    ) as context:
        context.set_default_timeout(20_000)
        page = context.new_page()
        seen = []
        for name in walk(shop, page):
            seen.append(name)
            found += [f"{name}: {text}" for text in violations(page)]
            if over := page.evaluate(CUT_OFF):
                found.append(f"{name}: {over} px wider than the screen")
    assert len(seen) == len(set(seen)) > pages
    assert found == []


def test_the_skip_link_leads_past_the_header(page: Page) -> None:
    """The first tab stop is visible, and brings the focus to the content."""
    page.goto("/shop/kitchen")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


@pytest.mark.parametrize("path", ["/", "/shop/kitchen", "/products/claw-hammer", "/cart", "/account/sign-in"])
def test_focus_is_seen_and_follows_the_order_of_reading(page: Page, path: str) -> None:
    """Every stop of the Tab key is drawn with an outline, is on the screen, and comes in the document's order."""
    page.emulate_media(reduced_motion="reduce")  # Else the page is still gliding when it is looked at.
    page.goto(path)
    page.evaluate("document.body.dataset.last = -1")
    for _ in range(TAB_LIMIT):
        page.keyboard.press("Tab")
        place = page.evaluate("[...document.querySelectorAll('*')].indexOf(document.activeElement)")
        if page.evaluate("document.activeElement === document.body"):
            break
        focus = page.evaluate(FOCUS)
        assert focus["outline"], f"no outline on {focus['name']!r}"
        assert focus["inside"], f"{focus['name']!r} has the focus and is not on the screen"
        assert place > int(page.evaluate("document.body.dataset.last")), f"{focus['name']!r} jumps back"
        page.evaluate("place => { document.body.dataset.last = place }", place)


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the element of this label or text has the focus."""
    wanted = re.compile(name)
    for _ in range(TAB_LIMIT):
        page.keyboard.press("Tab")
        if wanted.search(page.evaluate(FOCUS)["name"] or ""):
            return
    raise AssertionError(f"{TAB_LIMIT} times Tab, and {name!r} was not reached")


def type_into(page: Page, name: str, text: str) -> None:
    """Go to a field and fill it."""
    tab_to(page, name)
    page.keyboard.type(text)


def test_the_keyboard_alone_buys(shop: RunningShop, page: Page) -> None:
    """From the product to the order's page without touching anything but keys; an error is reached and mended too."""
    page.goto("/products/stoneware-mug")
    tab_to(page, "^Add to cart")
    page.keyboard.press("Enter")
    page.get_by_text("is in your cart.").wait_for()
    page.goto("/cart")
    tab_to(page, "^Check out")
    page.keyboard.press("Enter")
    page.wait_for_url("**/checkout/details")
    tab_to(page, "^On to delivery")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    expect(page.get_by_role("alert")).to_be_focused()
    page.keyboard.press("Tab")  # The first line of the summary leads to the field.
    page.keyboard.press("Enter")
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.keyboard.type("keys@example.com")
    for name, text in (
        ("Full name", "Ada Lovelace"),
        ("Street and number", "Werkstr. 12"),
        ("Postal code", "10115"),
        ("Town or city", "Berlin"),
        ("^On to delivery", ""),
    ):
        type_into(page, name, text)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/checkout/delivery"))
    tab_to(page, "Standard")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio").nth(1)).to_be_checked()
    tab_to(page, "^On to payment")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/checkout/payment"))
    for name, text in (("Card number", "4242424242424242"), ("Expires", "1229"), ("Security code", "123")):
        type_into(page, name, text)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/checkout/review"))
    tab_to(page, "^Place the order")
    page.keyboard.press("Enter")
    page.wait_for_url("**/orders/*")
    expect(page.locator("[data-title]")).to_be_visible()


def test_choosing_a_variant_keeps_the_focus(page: Page) -> None:
    """The product is swapped in place, and the keyboard stays where it was."""
    page.goto("/products/claw-hammer")
    choice = page.get_by_role("link", name="570 g")
    choice.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**sku=**")
    expect(page.get_by_role("link", name="570 g")).to_be_focused()


def test_what_is_put_in_the_cart_is_said(page: Page) -> None:
    """The message stands in a live region, so that a screen reader speaks it."""
    put_in_cart(page, "stoneware-mug")
    expect(page.get_by_role("status").filter(has_text="is in your cart.")).to_be_visible()
