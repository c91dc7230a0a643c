"""What a page may weigh and how it must stand still, measured in the browser on a connection of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, Page

from tests.e2e.conftest import RunningShop
from webapp.assets import STATIC

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

KB = 1000
MOST_WITHOUT_IMAGES = 100 * KB
MOST_SCRIPT = 30 * KB
MOST_STYLE = 40 * KB
PAGES = {
    "list": "/shop",
    "home": "/",
    "product": "/products/claw-hammer",
    "search": "/search?q=lamp",
    "cart": "/cart",
}
WIDTHS = (360, 1440)

OBSERVE = """
window.shifts = []; window.largest = null;
new PerformanceObserver(list => { for (const e of list.getEntries()) if (!e.hadRecentInput)
    shifts.push(`${e.value}: ` + e.sources.map(s => s.node?.outerHTML ?? s.node?.textContent).join(' | ').slice(0, 400)) })
  .observe({type: 'layout-shift', buffered: true});
new PerformanceObserver(list => { const e = list.getEntries().at(-1); largest = {
    tag: e.element?.localName ?? '', text: (e.element?.innerText ?? '').slice(0, 80), url: e.url,
    name: e.element?.closest('main') ? 'main' : 'elsewhere'} })
  .observe({type: 'largest-contentful-paint', buffered: true});
"""


class Traffic:
    """The bytes that a tab receives over the network, by kind of resource, headers included."""

    def __init__(self, cdp: CDPSession) -> None:
        self._kinds: dict[str, str] = {}
        self.received: dict[str, int] = {}
        cdp.on("Network.responseReceived", self._respond)
        cdp.on("Network.loadingFinished", self._finish)
        cdp.send("Network.enable")

    def _respond(self, event: dict[str, Any]) -> None:
        self._kinds[event["requestId"]] = event["type"]

    def _finish(self, event: dict[str, Any]) -> None:
        kind = self._kinds.get(event["requestId"], "Other")
        self.received[kind] = self.received.get(kind, 0) + int(event["encodedDataLength"])


@contextmanager
def fresh_tab(
    browser: Browser, shop: RunningShop, width: int, *, has_script: bool = True
) -> Iterator[tuple[Page, Traffic]]:
    """A tab with an empty cache that watches what comes in and what moves."""
    with browser.new_context(
        base_url=shop.url, viewport={"width": width, "height": 800}, java_script_enabled=has_script
    ) as context:
        page = context.new_page()
        if has_script:
            page.add_init_script(OBSERVE)
        yield page, Traffic(context.new_cdp_session(page))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_light(shop: RunningShop, browser: Browser, name: str, width: int) -> None:
    """At most 100 kB without images, 30 kB of it script: a first visit, nothing in the cache, compression as served."""
    with fresh_tab(browser, shop, width) as (page, traffic):
        page.goto(PAGES[name], wait_until="networkidle")
        received = dict(traffic.received)
    assert received.get("Document"), "nothing was measured"
    assert received.get("Stylesheet"), "nothing was measured"
    script = received.get("Script", 0)
    without_images = sum(size for kind, size in received.items() if kind != "Image")
    measured = f"{without_images / KB:.1f} kB without images, {script / KB:.1f} kB script"
    print(f"{name} at {width}: {measured}, {received}")  # noqa: T201  (for a look with -s)
    assert script <= MOST_SCRIPT
    assert without_images <= MOST_WITHOUT_IMAGES


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_nothing_moves_while_a_page_loads(shop: RunningShop, browser: Browser, name: str, width: int) -> None:
    """The cumulative layout shift is 0 on a slow phone, also while one scrolls down to what is loaded late."""
    with fresh_tab(browser, shop, width) as (page, _):
        # A slow processor paints between the steps of loading, where a fast one shows only the end of it.
        page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 6})
        page.goto(PAGES[name], wait_until="networkidle")
        page.mouse.wheel(0, 20_000)
        page.wait_for_load_state("networkidle")
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert page.evaluate("shifts") == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", [name for name in PAGES if name != "cart"])
def test_the_largest_element_needs_no_script(
    shop: RunningShop, browser: Browser, name: str, width: int
) -> None:
    """What is painted largest stands in the page as it comes from the server."""
    with fresh_tab(browser, shop, width) as (page, _):
        page.goto(PAGES[name], wait_until="networkidle")
        page.wait_for_function("window.largest")
        largest = page.evaluate("largest")
    assert largest["name"] == "main", largest
    with fresh_tab(browser, shop, width, has_script=False) as (page, _):
        page.goto(PAGES[name], wait_until="networkidle")
        if largest["url"]:
            source = largest["url"].removeprefix(shop.url)
            assert page.locator(f"main img[src='{source}']").first.is_visible(), largest
        else:
            assert page.locator("main").get_by_text(largest["text"].splitlines()[0]).first.is_visible(), (
                largest
            )


def test_the_stylesheet_stays_small() -> None:
    """Below 40 kB as it is written, before compression: one file for the whole shop."""
    assert (STATIC / "css" / "shop.css").stat().st_size < MOST_STYLE
