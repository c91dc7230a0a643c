"""The shop in German: its own addresses, its own texts on every page, and never a page of one language for the other."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from tests.integration.webapp.bracketed import bracket_german, outside_of_brackets
from tests.integration.webapp.conftest import MUG, ShopUnderTest, put_in_cart, token_of
from tests.integration.webapp.test_caching import Clock
from tests.integration.webapp.tongues import languages_of
from webapp.catalog.models import Category, Collection
from webapp.extensions import db
from webapp.page_cache import PageCache

PAGES = ("/", "/shop", "/shop/kitchen", "/products/mug?sku=MUG-BLUE", "/search?q=mug", "/cart")
WITHOUT_LANGUAGE = re.compile(r"/static/|/inbox$|/styleguide$")


def links(page: str) -> list[str]:
    """Where a page leads on this site: links, forms and what scripts ask."""
    found = re.findall(r'(?:href|action|data-suggest|data-live|src)="(/[^"]*)"', page)
    return [link for link in found if not WITHOUT_LANGUAGE.match(link)]


@pytest.mark.parametrize("path", PAGES)
def test_a_german_page_says_so_and_leads_to_german_pages(looked_at: ShopUnderTest, path: str) -> None:
    """`lang`, and not one link that loses the language, but the switch to the other."""
    browser = looked_at.client()
    put_in_cart(browser)
    page = browser.get(f"/de{path}").text
    assert '<html lang="de" data-root="/de" data-content-lang="en">' in page
    assert [link for link in links(page) if not link.startswith("/de/")] == [path]
    english = browser.get(path).text
    assert '<html lang="en" data-root="" data-content-lang="en">' in english
    assert [link for link in links(english) if link.startswith("/de/")] == [f"/de{path}"]


@pytest.mark.parametrize("path", ["/", "/shop/kitchen", "/products/mug"])
def test_the_versions_of_a_page_name_each_other(looked_at: ShopUnderTest, path: str) -> None:
    """Each is its own canonical; both list both, and the first language for everybody else."""
    wanted = {"en": f"http://localhost{path}", "de": f"http://localhost/de{path}"}
    for code, address in wanted.items():
        page = looked_at.client().get(urlsplit(address).path).text
        assert f'<link rel="canonical" href="{address}">' in page
        assert f'<meta property="og:url" content="{address}">' in page
        told = dict(re.findall(r'<link rel="alternate" hreflang="([^"]+)" href="([^"]+)">', page))
        assert told == {**wanted, "x-default": wanted["en"]}, code


def test_a_filtered_list_names_no_versions(looked_at: ShopUnderTest) -> None:
    """It is not for search engines."""
    assert (
        "hreflang" not in looked_at.client().get("/de/shop/kitchen?sort=price").text.partition("</head>")[0]
    )


def test_the_switch_keeps_the_page_and_what_was_asked_for(looked_at: ShopUnderTest) -> None:
    """The query comes along; where the page was the answer to a form, or is not there, it leads to the front."""
    browser = looked_at.client()
    assert 'href="/search?q=mug&amp;sort=price" lang="en"' in browser.get("/de/search?q=mug&sort=price").text
    put_in_cart(browser)
    form = {"csrf_token": token_of(browser.get("/de/cart")), "code": "NOTHING"}
    assert 'href="/" lang="en"' in browser.post("/de/cart/coupon", data=form).text
    assert 'href="/" lang="en"' in browser.get("/de/nowhere").text
    assert 'href="//' not in browser.get("/de//evil.example/").text


def test_a_form_leads_on_in_its_language_and_the_cart_is_the_same(shop: ShopUnderTest) -> None:
    """The cookies are of the whole site, whichever language set them."""
    browser = shop.client()
    answer = browser.post("/de/cart/lines", data={"sku": MUG, "quantity": "1"})
    assert (answer.status_code, answer.location) == (303, "/de/cart")
    assert answer.headers.getlist("Set-Cookie")
    assert all("Path=/;" in f"{cookie};" for cookie in answer.headers.getlist("Set-Cookie"))
    assert "Mug liegt in Ihrem Warenkorb." in browser.get("/de/cart").text
    assert "Goods (1 item)" in browser.get("/cart").text
    told = browser.post(
        "/de/cart/lines", data={"sku": MUG, "quantity": "1"}, headers={"Accept": "application/json"}
    ).json
    assert told is not None
    assert (told["said"], told["look"], told["cart_url"]) == (
        "Mug liegt in Ihrem Warenkorb.",
        "Ansehen",
        "/de/cart",
    )


def test_kept_pages_of_two_languages_are_never_mixed(shop: ShopUnderTest) -> None:
    """Drawn once each, answered from memory afterwards, in whatever order they are asked for, zipped or not."""
    shop.app.extensions["cartwright-pages"] = PageCache(now=Clock())
    for headers in ({}, {"Accept-Encoding": "identity"}):
        for _again in range(3):
            for prefix, code in (("", "en"), ("/de", "de")):
                answer = shop.client().get(f"{prefix}/shop/kitchen", headers=headers)
                assert f'<html lang="{code}"' in answer.text
                assert ("Everything" in answer.text) == (code == "en")
    english, german = (shop.client().get(path) for path in ("/shop", "/de/shop"))
    assert english.headers["ETag"] != german.headers["ETag"]
    other = {"If-None-Match": english.headers["ETag"]}
    assert shop.client().get("/de/shop", headers=other).status_code == 200


@pytest.mark.parametrize(
    "path", ["/static/css/shop.css", "/healthz", "/robots.txt", "/sitemap.xml", "/console/"]
)
def test_what_has_no_language_has_no_second_address(looked_at: ShopUnderTest, path: str) -> None:
    """Not found below a prefix."""
    assert looked_at.client().get(f"/de{path}").status_code == 404


OWNERS_WORDS = {
    "/": ("Kitchen", "Mug", "Pan"),
    "/shop": ("Kitchen", "Mug"),
    "/shop?colour=Oat": ("Kitchen", "Oat"),
    "/shop/kitchen": ("Kitchen", "For cooks.", "Mug"),
    "/products/mug?sku=MUG-BLUE": ("Kitchen", "Mug", "Blue", "Oat"),
    "/search?q=mug": ("Mug", "Kitchen"),
    "/search?q=zzzz": ("Kitchen", "Pan"),
    "/cart": ("Mug", "Colour: Oat"),
}


def test_what_the_owner_wrote_is_said_to_be_in_the_owners_language(looked_at: ShopUnderTest) -> None:
    """On a German page it is English and says so, so that it is pronounced as such (WCAG 2.2, 3.1.2); the rest is German."""
    browser = looked_at.client()
    put_in_cart(browser)
    for path, words in OWNERS_WORDS.items():
        page = browser.get(f"/de{path}").text
        assert languages_of(page, words) == {word: {"en"} for word in words}, path
        assert languages_of(page, ["Alles", "Warenkorb"]) == {"Alles": {"de"}, "Warenkorb": {"de"}}, path
        english = browser.get(path).text
        said = re.findall(r'<(\w+)[^>]* lang="(\w+)"', english)
        assert set(said) <= {("html", "en"), ("span", "en"), ("a", "de")}, (
            "the page and the switch to the other"
        )


def test_a_shelf_is_called_by_the_words_of_the_pages_language(shop: ShopUnderTest) -> None:
    """Wherever it is named; one that the owner gave no German words is called in English, and says so."""
    with shop.app.app_context():
        kitchen = db.session.scalars(select(Category)).one()
        kitchen.words = {"de": {"name": "Küche", "description": "Für alle, die kochen."}}
        below = Category(slug="knives", name="Knives", parent=kitchen, product_count=1)
        below.words = {"de": {"name": "Messer", "description": ""}}
        words = {"de": {"name": "Geschenke", "description": "Klein."}}
        db.session.add_all([below, Category(slug="attic", name="Attic")])
        db.session.add(Collection(slug="gifts", name="Gifts", description="Small.", words=words))
        db.session.commit()
    browser = shop.client()
    named = {
        "/": {"Küche": "Kitchen", "Geschenke": "Gifts", "Klein.": "Small."},
        "/shop/kitchen": {"Küche": "Kitchen", "Für alle, die kochen.": "For cooks.", "Messer": "Knives"},
        "/shop/knives": {"Küche": "Kitchen", "Messer": "Knives"},
        "/products/mug": {"Küche": "Kitchen"},
        "/search?q=zzzz": {"Küche": "Kitchen"},
        "/collections/gifts": {"Geschenke": "Gifts", "Klein.": "Small."},
    }
    for path, words_of in named.items():
        german, english = (browser.get(f"{prefix}{path}").text for prefix in ("/de", ""))
        for ours, theirs in words_of.items():
            assert languages_of(german, [ours, theirs]) == {ours: {"de"}, theirs: set()}, path
            assert languages_of(english, [ours, theirs]) == {ours: set(), theirs: {"en"}}, path
        assert languages_of(german, ["Attic"]) == {"Attic": {"en"}}, path
    assert r'"name": "K\u00fcche"' in browser.get("/de/shop/kitchen").text, "the crumbs for search engines"


# --- nothing is left in English --------------------------------------------------------------------------------


@pytest.fixture
def bracketing(monkeypatch: pytest.MonkeyPatch) -> None:
    """German is the language that brackets. Comes before `shop`, which reads the catalogues."""
    bracket_german(monkeypatch)


def test_the_search_for_leftovers_finds_them() -> None:
    """Text outside of brackets, and in what only a screen reader says; not what is inside, however deep."""
    page = (
        '<p title="Tip">⟦Order <b>⟦1 item⟧</b> now⟧ Left over</p><img alt="⟦Picture⟧"><script>var x</script>'
    )
    assert outside_of_brackets(page) == ["Tip", "Left over"]


def test_no_page_of_the_shop_has_leftover_english(bracketing: None, shop: ShopUnderTest) -> None:
    """Every text of the sources goes through a catalogue: in the language that brackets them, none is without brackets."""
    browser = shop.client()
    pages = [
        "/",
        "/shop",
        "/shop/kitchen",
        "/shop/none",
        "/shop/kitchen?price-from=900",
        "/search",
        "/search?q=mug",
    ]
    pages += ["/search?q=zzzz", "/products/mug", "/products/mug?sku=MUG-BLUE", "/cart", "/account/sign-in"]
    pages += ["/account/register", "/account/forgotten"]
    found = {path: outside_of_brackets(browser.get(f"/de{path}").text) for path in pages}
    browser.post("/de/cart/lines", data={"sku": MUG, "quantity": "1"})
    found["filled"] = outside_of_brackets(browser.get("/de/cart?country=DE").text)
    assert {path: left for path, left in found.items() if left} == {}
