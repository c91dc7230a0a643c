"""What machines read: structured data that says what the page says, sitemaps without gaps, robots kept out of carts."""

from __future__ import annotations

import html
import json
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from orders.domain.errors import Unavailable
from orders.domain.ids import Sku
from tests.integration.webapp.conftest import MUG_BLUE, ShopUnderTest
from tests.integration.webapp.test_catalog_pages import add_products
from webapp.catalog import seo

NAMESPACE = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def structured(page: str) -> dict[str, Any]:
    """The structured data of a page by its type."""
    found = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.S)
    return {data["@type"]: data for data in map(json.loads, found)}


def test_a_product_is_offered_as_the_page_offers_it(shop: ShopUnderTest) -> None:
    """Price and stock of every variant, from the same truth as the page."""
    shop.inventory.adjust(Sku(MUG_BLUE), -3, "gone")
    shop.inventory.set_price(Sku("MUG-OAT"), 1725)
    data = structured(shop.client().get("/products/mug").text)
    offers = {offer["sku"]: offer for offer in data["Product"]["offers"]}
    assert offers["MUG-OAT"]["price"] == "17.25"
    assert offers["MUG-OAT"]["availability"].endswith("/InStock")
    assert offers[MUG_BLUE]["availability"].endswith("/OutOfStock")
    names = [item["name"] for item in data["BreadcrumbList"]["itemListElement"]]
    assert names == ["Everything", "Kitchen", "Mug"]


def test_stock_that_is_not_known_is_not_claimed(shop: ShopUnderTest) -> None:
    """No availability while the store is away."""
    shop.inventory.away = Unavailable("down")
    offers = structured(shop.client().get("/products/mug").text)["Product"]["offers"]
    assert all("availability" not in offer for offer in offers)


@pytest.mark.parametrize(
    ("path", "canonical", "is_listed"),
    [
        ("/", "/", True),
        ("/shop/kitchen", "/shop/kitchen", True),
        ("/shop/kitchen?sort=price", "/shop/kitchen", False),
        ("/shop/kitchen?material=Oak", "/shop/kitchen", False),
        ("/products/mug?sku=MUG-BLUE", "/products/mug", True),
    ],
)
def test_every_page_names_its_one_address(
    shop: ShopUnderTest, path: str, canonical: str, is_listed: bool
) -> None:
    """Variants, orders and filters are the same page for a search engine."""
    page = shop.client().get(path).text
    assert f'<link rel="canonical" href="http://localhost{canonical}">' in page
    assert ("noindex" not in page) == is_listed
    assert '<meta property="og:title"' in page


def test_the_sitemaps_name_every_product_once(shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The index leads to all of them, however the ids are spread."""
    add_products(shop, 25)
    monkeypatch.setattr(seo, "PRODUCTS_PER_SITEMAP", 10)
    browser = shop.client()
    index = ElementTree.fromstring(browser.get("/sitemap.xml").data)  # noqa: S314  (our own)
    places = [loc.text or "" for loc in index.iter(f"{NAMESPACE}loc")]
    found = []
    for place in places:
        answer = browser.get(place.removeprefix("http://localhost"))
        assert answer.mimetype == "application/xml"
        found += [loc.text for loc in ElementTree.fromstring(answer.data).iter(f"{NAMESPACE}loc")]  # noqa: S314
    products = [url for url in found if "/products/" in (url or "")]
    assert len(products) == len(set(products)) == 27
    assert "http://localhost/shop/kitchen" in found
    assert browser.get("/sitemaps/products-99999999.xml").status_code == 404


def test_robots_are_kept_out_of_what_is_somebodys(shop: ShopUnderTest) -> None:
    """Carts, checkouts, orders and accounts are not read; the sitemap is named."""
    text = shop.client().get("/robots.txt").text
    for path in ("/cart", "/checkout/", "/orders/", "/account/", "/console/"):
        assert f"Disallow: {path}\n" in text
    assert "Sitemap: http://localhost/sitemap.xml" in text


def test_a_products_words_cannot_break_out_of_the_data(shop: ShopUnderTest) -> None:
    """A name with markup stays a name, in the page and in its data."""
    from sqlalchemy import update

    from webapp.catalog.models import Product
    from webapp.extensions import db

    name = '</script><script>alert(1)</script>"&'
    with shop.app.app_context():
        db.session.execute(update(Product).where(Product.slug == "mug").values(name=name))
        db.session.commit()
    page = shop.client().get("/products/mug").text
    assert "<script>alert" not in page
    assert structured(page)["Product"]["name"] == name
    assert html.escape(name, quote=False)[:20] in page
    assert "<script>alert" not in shop.client().get("/shop/kitchen").text
