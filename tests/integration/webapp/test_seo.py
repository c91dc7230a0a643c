"""What machines read: structured data that says what the page says, sitemaps without gaps, robots kept out of carts."""

from __future__ import annotations

import html
import json
import re
import struct
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest
from sqlalchemy import update

from local.catalogue.draw import FOLDER
from orders.domain.errors import Unavailable
from orders.domain.ids import Sku
from tests.integration.webapp.conftest import MUG_BLUE, ShopUnderTest
from tests.integration.webapp.test_catalog_pages import add_products
from webapp import layout
from webapp.catalog import seo
from webapp.catalog.models import Product
from webapp.catalog.sheet import read_sheets
from webapp.checkout.tariffs import tariffs
from webapp.extensions import db
from webapp.sharing import share_picture

XHTML = "{http://www.w3.org/1999/xhtml}"
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
    looked_at: ShopUnderTest, path: str, canonical: str, is_listed: bool
) -> None:
    """Variants, orders and filters are the same page for a search engine."""
    page = looked_at.client().get(path).text
    assert f'<link rel="canonical" href="http://localhost{canonical}">' in page
    assert ("noindex" not in page) == is_listed
    assert '<meta property="og:title"' in page


def shared(page: str) -> dict[str, str]:
    """What a social network reads."""
    found = re.findall(r'<meta (?:property|name)="((?:og|twitter):[^"]+)" content="([^"]*)">', page)
    return {name: html.unescape(value) for name, value in found}


@pytest.mark.parametrize(
    ("image", "picture"),
    [("catalogue/enamel-kettle.svg", "enamel-kettle"), ("catalogue/none.svg", "shop"), ("", "shop")],
)
def test_a_shared_link_shows_a_picture_that_networks_take(
    shop: ShopUnderTest, image: str, picture: str
) -> None:
    """A PNG of the product's own drawing, else the shop's; as large as is said (ogp.me)."""
    with shop.app.app_context():
        db.session.execute(update(Product).where(Product.slug == "mug").values(image=image))
        db.session.commit()
    browser = shop.client()
    told = shared(browser.get("/products/mug").text)
    assert told["og:image"].startswith(f"http://localhost/static/share/{picture}.")
    assert told["twitter:card"] == "summary_large_image"
    assert told["og:image:alt"] == told["og:title"]
    answer = browser.get(told["og:image"].removeprefix("http://localhost"))
    drawn = answer.get_data()
    answer.close()
    assert answer.mimetype == told["og:image:type"] == "image/png"
    assert drawn[:8] == b"\x89PNG\r\n\x1a\n"
    size = struct.unpack(">II", drawn[16:24])
    assert size == (int(told["og:image:width"]), int(told["og:image:height"])) == (1200, 630)


@pytest.mark.parametrize("path", ["/", "/shop", "/shop/kitchen"])
def test_every_page_that_is_shared_has_a_picture(looked_at: ShopUnderTest, path: str) -> None:
    """Lists show the shop's own."""
    assert "/static/share/shop." in shared(looked_at.client().get(path).text)["og:image"]


def test_every_drawing_of_the_catalogue_has_its_picture() -> None:
    """A product that was added without `python -m local.catalogue.share` would be shared with the shop's picture."""
    sheets = read_sheets(FOLDER / name for name in ("categories.csv", "products.csv", "collections.csv"))
    shown = [*sheets.products, *sheets.categories, *sheets.collections]
    assert len(shown) > 70
    assert {
        share_picture(each.image).url for each in shown if "/shop." in share_picture(each.image).url
    } == set()


def test_the_footer_promises_what_the_tariffs_hold(
    shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Countries and the value from which delivery is free are data; where no value makes it free, nothing is promised."""
    page = shop.client().get("/cart").text
    assert f"from Germany to {len(tariffs().countries)} countries. Free delivery in Germany from €75." in page
    first, *others = tariffs().rates
    assert (first.method, first.zone) == ("standard", "home")
    dearer = replace(tariffs(), rates=[replace(first, free_from_minor=9950), *others])
    monkeypatch.setattr(layout, "tariffs", lambda: dearer)
    assert "Free delivery in Germany from €99.50." in shop.client().get("/cart").text
    never = replace(tariffs(), rates=[replace(first, free_from_minor=None), *others])
    monkeypatch.setattr(layout, "tariffs", lambda: never)
    assert "Free delivery" not in shop.client().get("/cart").text


def test_the_sitemaps_name_every_product_once(shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The index leads to all of them, however the ids are spread; in every language, once in each."""
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
    assert len(products) == len(set(products)) == 2 * 27
    german = [url for url in products if url and url.startswith("http://localhost/de/")]
    assert {url.replace("/de/", "/", 1) for url in german} == set(products) - set(german)
    assert "http://localhost/shop/kitchen" in found
    assert browser.get("/sitemaps/products-99999999.xml").status_code == 404


def test_the_sitemap_says_of_each_page_where_its_other_languages_are(looked_at: ShopUnderTest) -> None:
    """Each version names all of them, itself among them; the first language is for everybody else."""
    root = ElementTree.fromstring(looked_at.client().get("/sitemaps/shelves.xml").data)  # noqa: S314  (our own)
    told = {
        str(entry.findtext(f"{NAMESPACE}loc")): {
            link.get("hreflang"): link.get("href") for link in entry.iter(f"{XHTML}link")
        }
        for entry in root
    }
    plain, german = "http://localhost/shop/kitchen", "http://localhost/de/shop/kitchen"
    assert told[plain] == told[german] == {"en": plain, "de": german, "x-default": plain}


def test_robots_are_kept_out_of_what_is_somebodys(looked_at: ShopUnderTest) -> None:
    """Carts, checkouts, orders and accounts are not read; the sitemap is named."""
    text = looked_at.client().get("/robots.txt").text
    for path in ("/cart", "/checkout/", "/orders/", "/account/", "/console/"):
        assert f"Disallow: {path}\n" in text
        assert f"Disallow: /de{path}\n" in text
    assert "Sitemap: http://localhost/sitemap.xml" in text


def test_a_products_words_cannot_break_out_of_the_data(shop: ShopUnderTest) -> None:
    """A name with markup stays a name, in the page and in its data."""
    name = '</script><script>alert(1)</script>"&'
    with shop.app.app_context():
        db.session.execute(update(Product).where(Product.slug == "mug").values(name=name))
        db.session.commit()
    page = shop.client().get("/products/mug").text
    assert "<script>alert" not in page
    assert structured(page)["Product"]["name"] == name
    assert html.escape(name, quote=False)[:20] in page
    assert "<script>alert" not in shop.client().get("/shop/kitchen").text
