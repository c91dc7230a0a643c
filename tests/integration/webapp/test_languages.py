"""The shop in German: its own addresses, its own texts on every page, and never a page of one language for the other."""

from __future__ import annotations

import gettext
import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest

from tests.integration.webapp.conftest import (
    DETAILS,
    MUG,
    ShopUnderTest,
    put_in_cart,
    token_of,
)
from tests.integration.webapp.test_caching import Clock
from webapp import languages
from webapp.checkout.tariffs import tariffs
from webapp.formats import country_name
from webapp.page_cache import PageCache

PAGES = ("/", "/shop", "/shop/kitchen", "/products/mug?sku=MUG-BLUE", "/search?q=mug", "/cart")
WITHOUT_LANGUAGE = re.compile(r"/static/|/inbox$|/styleguide$")


def links(page: str) -> list[str]:
    """Where a page leads on this site: links, forms and what scripts ask."""
    found = re.findall(r'(?:href|action|data-suggest|data-live|src)="(/[^"]*)"', page)
    return [link for link in found if not WITHOUT_LANGUAGE.match(link)]


@pytest.mark.parametrize("path", PAGES)
def test_a_german_page_says_so_and_leads_to_german_pages(shop: ShopUnderTest, path: str) -> None:
    """`lang`, and not one link that loses the language, but the switch to the other."""
    browser = shop.client()
    put_in_cart(browser)
    page = browser.get(f"/de{path}").text
    assert '<html lang="de" data-root="/de">' in page
    assert [link for link in links(page) if not link.startswith("/de/")] == [path]
    english = browser.get(path).text
    assert '<html lang="en" data-root="">' in english
    assert [link for link in links(english) if link.startswith("/de/")] == [f"/de{path}"]


@pytest.mark.parametrize("path", ["/", "/shop/kitchen", "/products/mug"])
def test_the_versions_of_a_page_name_each_other(shop: ShopUnderTest, path: str) -> None:
    """Each is its own canonical; both list both, and the first language for everybody else."""
    wanted = {"en": f"http://localhost{path}", "de": f"http://localhost/de{path}"}
    for code, address in wanted.items():
        page = shop.client().get(urlsplit(address).path).text
        assert f'<link rel="canonical" href="{address}">' in page
        assert f'<meta property="og:url" content="{address}">' in page
        told = dict(re.findall(r'<link rel="alternate" hreflang="([^"]+)" href="([^"]+)">', page))
        assert told == {**wanted, "x-default": wanted["en"]}, code


def test_a_filtered_list_names_no_versions(shop: ShopUnderTest) -> None:
    """It is not for search engines."""
    assert "hreflang" not in shop.client().get("/de/shop/kitchen?sort=price").text.partition("</head>")[0]


def test_the_switch_keeps_the_page_and_what_was_asked_for(shop: ShopUnderTest) -> None:
    """The query comes along; where the page was the answer to a form, or is not there, it leads to the front."""
    browser = shop.client()
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
def test_what_has_no_language_has_no_second_address(shop: ShopUnderTest, path: str) -> None:
    """Not found below a prefix."""
    assert shop.client().get(f"/de{path}").status_code == 404


# --- nothing is left in English --------------------------------------------------------------------------------


class Bracketing(gettext.NullTranslations):
    """A language that says every text as it is, in brackets."""

    def gettext(self, message: str) -> str:
        """See NullTranslations."""
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """See NullTranslations."""
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"

    def pgettext(self, context: str, message: str) -> str:
        """See NullTranslations."""
        return f"⟦{message}⟧"

    def npgettext(self, context: str, msgid1: str, msgid2: str, n: int) -> str:
        """See NullTranslations."""
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"


class Reader(HTMLParser):
    """Collects what a visitor reads or hears of a page that stands outside of all brackets."""

    SAID = frozenset({"alt", "title", "placeholder", "aria-label"})

    def __init__(self) -> None:
        super().__init__()
        self.left: list[str] = []
        self._depth = 0
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See HTMLParser."""
        self._silent += tag in {"script", "style"}
        given = dict(attrs)
        for name, value in attrs:
            is_said = name in self.SAID or name.startswith("data-say") or name == "data-guard"
            if is_said or (name == "content" and given.get("name") == "description"):
                self._take(value or "", 0)

    def handle_endtag(self, tag: str) -> None:
        """See HTMLParser."""
        self._silent -= tag in {"script", "style"}

    def handle_data(self, data: str) -> None:
        """See HTMLParser."""
        if not self._silent:
            self._depth = self._take(data, self._depth)

    def _take(self, text: str, depth: int) -> int:
        outside = []
        for letter in text:
            depth += letter == "⟦"
            outside.append(letter if not depth else " ")
            depth -= letter == "⟧"
        self.left.append("".join(outside))
        return depth


CONTENT = (
    "Cartwright & Co|Kitchen|For cooks.|Mug|Pan|MUG-OAT|MUG-BLUE|Colour|Oat|Blue|mug|zzzz|English|Deutsch|"
    "Ada Lovelace|ada@example.com|Werkstr. 12|Berlin|DE|[0-9a-f]{8}[0-9a-f-]{24,28}"
)
"""What the owner or the shopper has written, and each language's own name. Every other word is the sources'."""
WRITTEN = (
    r"(?:Mo|Di|Mi|Do|Fr|Sa|So)\.|Jan\.|Feb\.|März|Apr\.|Mai|Juni|Juli|Aug\.|Sept\.|Okt\.|Nov\.|Dez\.|UTC"
)
"""Days, as orders/formats.py writes them."""


def untranslated(page: str, besides: str = "-") -> list[str]:
    """The words of a page that no catalogue knows, but those that are content there."""
    reader = Reader()
    reader.feed(page)
    reader.close()
    rest = re.sub(rf"(?<!\w)(?:{CONTENT}|{WRITTEN}|{besides})(?!\w)", " ", "\n".join(reader.left))
    return [" ".join(line.split()) for line in rest.splitlines() if re.search(r"[^\W\d_]{2,}", line)]


@pytest.fixture
def bracketing(monkeypatch: pytest.MonkeyPatch) -> None:
    """German is the language that brackets. Comes before `shop`, which reads the catalogues."""
    read = languages.read_texts
    monkeypatch.setattr(languages, "read_texts", lambda code: Bracketing() if code == "de" else read(code))


def test_the_search_for_leftovers_finds_them() -> None:
    """Text outside of brackets, and in what only a screen reader says; not what is inside, however deep."""
    page = (
        '<p title="Tip">⟦Order <b>⟦1 item⟧</b> now⟧ Left over</p><img alt="⟦Picture⟧"><script>var x</script>'
    )
    assert untranslated(page) == ["Tip", "Left over"]


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
    found = {path: untranslated(browser.get(f"/de{path}").text) for path in pages}
    browser.post("/de/cart/lines", data={"sku": MUG, "quantity": "1"})
    with shop.app.app_context(), languages.speaking(languages.languages().find("de")):
        names = [country_name(code) for code in tariffs().countries]
    # The countries' names are a table of their own; what a delivery method is called and says are the owner's words.
    words = [word for method in tariffs().methods for word in method.values() if word]
    content = "|".join(sorted(map(re.escape, [*names, *words]), key=len, reverse=True))
    for path in ("/cart?country=DE", "/checkout/details"):
        found[path] = untranslated(browser.get(f"/de{path}").text, content)
    for path, form in (("/checkout/details", {}), ("/checkout/details", DETAILS), ("/checkout/delivery", {})):
        token = token_of(browser.get(f"/de{path}"))
        found[f"POST {path}"] = untranslated(
            browser.post(f"/de{path}", data={"csrf_token": token, **form}, follow_redirects=True).text,
            content,
        )
    assert {path: left for path, left in found.items() if left} == {}
