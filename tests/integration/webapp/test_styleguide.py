"""The style page shows every component, and only where nobody shops."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from tests.integration.webapp.conftest import ShopUnderTest
from webapp import create_app
from webapp.styleguide import COLOURS, COMPONENTS

CSS = Path("webapp/static/css")
MOST_BYTES = 40_000


def test_every_component_and_every_colour_is_on_the_page(shop: ShopUnderTest) -> None:
    """A new template in components/ must be drawn here; a new colour must have its swatch."""
    page = shop.client().get("/styleguide")
    assert page.status_code == 200
    source = (
        Path("webapp/templates/styleguide.html").read_text() + Path("webapp/templates/base.html").read_text()
    )
    filled_by_script = {"recent.html"}
    for component in COMPONENTS.glob("*.html"):
        assert f'"components/{component.name}"' in source or component.name in filled_by_script
    tokens = re.findall(r"--([a-z-]+): #", (CSS / "shop.css").read_text())
    assert set(tokens) == set(COLOURS)
    for name in COLOURS:
        assert f".swatch-{name} " in (CSS / "styleguide.css").read_text()


def test_outside_a_laptop_there_is_no_style_page(shop: ShopUnderTest) -> None:
    """It is a tool."""
    parts = shop.app.extensions["cartwright"]
    settings = replace(
        parts.settings,
        stage="dev",
        secret_key="x" * 40,
        public_url="https://shop.example",
        order_api_url="https://api",
    )
    app = create_app(wiring=replace(parts, settings=settings))
    assert app.test_client().get("/styleguide").status_code == 404


def test_a_shoppers_page_loads_less_than_forty_kilobytes_of_styles() -> None:
    """One file for the shop, a small second one for the account."""
    assert (CSS / "shop.css").stat().st_size + (CSS / "account.css").stat().st_size < MOST_BYTES


def test_on_a_laptop_the_shop_leads_to_the_letters(shop: ShopUnderTest) -> None:
    """/inbox is where people look for them; the in-box has a port of its own. Elsewhere there is neither page nor link."""
    parts = shop.app.extensions["cartwright"]
    settings = replace(parts.settings, inbox_url="http://127.0.0.1:8025/")
    browser = create_app(wiring=replace(parts, settings=settings)).test_client()
    assert browser.get("/inbox").location == "http://127.0.0.1:8025/"
    assert 'href="/inbox"' in browser.get("/cart").text
    assert shop.client().get("/inbox").status_code == 404
    assert 'href="/inbox"' not in shop.client().get("/cart").text
