"""Caching: what is everybody's may be kept, what is somebody's may not, and what is unchanged is not sent again."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from werkzeug.test import TestResponse

from orders.observability import CORRELATION_HEADER
from tests.integration.webapp.conftest import ShopUnderTest, fill_in, place, put_in_cart
from webapp.catalog.models import Product
from webapp.extensions import db
from webapp.page_cache import PageCache

PAGES = ("/", "/shop", "/shop/kitchen", "/products/mug", "/search?q=mug")


class Clock:
    """A clock for the cache."""

    at = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.at


@pytest.fixture
def clock(shop: ShopUnderTest) -> Clock:
    """The page cache's clock, standing still."""
    clock = Clock()
    shop.app.extensions["cartwright-pages"] = PageCache(now=clock)
    return clock


@pytest.fixture
def fresh_memory(looked_at: ShopUnderTest) -> None:
    """The page cache of the shop that all look at, with nothing in it and its clock standing still."""
    looked_at.app.extensions["cartwright-pages"] = PageCache(now=Clock())


@pytest.mark.usefixtures("fresh_memory")
@pytest.mark.parametrize("path", PAGES)
def test_a_stranger_gets_a_page_that_may_be_shared(looked_at: ShopUnderTest, path: str) -> None:
    """No cookie in, no cookie out; public, with a validator; the second request draws nothing."""
    browser = looked_at.client()
    first = browser.get(path)
    assert first.status_code == 200
    assert first.headers["Cache-Control"].startswith("public")
    assert "s-maxage" in first.headers["Cache-Control"]
    assert "Set-Cookie" not in first.headers
    assert "Cookie" in first.headers["Vary"]
    assert browser.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    zipped = browser.get(path, headers={"Accept-Encoding": "gzip"})
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert zipped.headers["ETag"] != first.headers["ETag"]
    head = browser.head(path)
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["ETag"] == first.headers["ETag"]


@pytest.mark.usefixtures("fresh_memory")
@pytest.mark.parametrize("path", PAGES)
def test_somebody_with_a_cart_gets_a_page_of_their_own(looked_at: ShopUnderTest, path: str) -> None:
    """The number beside the cart is never shared, in neither direction."""
    stranger, shopper = looked_at.client(), looked_at.client()
    stranger.get(path)
    put_in_cart(shopper, quantity=7)
    shopper.get("/cart")  # It says once that it is in the cart.
    own = shopper.get(path)
    assert ">7<" in own.text
    assert own.headers["Cache-Control"] == "private, no-cache"
    assert ">7<" not in stranger.get(path).text
    assert shopper.get(path, headers={"If-None-Match": own.headers["ETag"]}).status_code == 304


def test_personal_pages_are_stored_nowhere(shop: ShopUnderTest) -> None:
    """Cart, checkout and order say no-store."""
    browser = shop.client()
    put_in_cart(browser)
    assert browser.get("/cart").headers["Cache-Control"] == "no-store"
    review = fill_in(browser)
    assert review.headers["Cache-Control"] == "no-store"
    assert browser.get(place(browser, review).location).headers["Cache-Control"] == "no-store"


def test_a_page_is_drawn_anew_after_its_seconds(shop: ShopUnderTest, clock: Clock) -> None:
    """A change is seen by everybody when the kept page is old, and the old validator does not fit any more."""
    browser = shop.client()
    first = browser.get("/shop/kitchen")
    with shop.app.app_context():
        db.session.execute(update(Product).where(Product.slug == "mug").values(name="Cup"))
        db.session.commit()
    assert browser.get("/shop/kitchen").data == first.data
    clock.at += 11
    anew = browser.get("/shop/kitchen", headers={"If-None-Match": first.headers["ETag"]})
    assert anew.status_code == 200
    assert "Cup" in anew.text


def test_errors_and_redirects_are_not_kept(shop: ShopUnderTest, clock: Clock) -> None:
    """What is missing now may exist in a second."""
    browser = shop.client()
    assert browser.get("/products/never").headers["Cache-Control"] == "no-store"
    assert browser.get("/products/cup").status_code == 301
    with shop.app.app_context():
        db.session.execute(update(Product).where(Product.slug == "pan").values(slug="never"))
        db.session.commit()
    assert browser.get("/products/never").status_code == 200


def test_the_cache_forgets_and_never_mixes_addresses(shop: ShopUnderTest, clock: Clock) -> None:
    """Bounded, and a query is part of the address, however long it is."""
    cache: PageCache = shop.app.extensions["cartwright-pages"]
    browser = shop.client()
    for n in range(510):
        cache.draw(f"/filler?{n}", b"x", 60)
    assert cache.get("/filler?0") is None
    assert cache.get("/filler?509") is not None
    long = "a" * 400
    assert "Kitchen" in browser.get(f"/shop/kitchen?x={long}1").text
    assert cache.get(f"/shop/kitchen?x={long}1") is None
    assert browser.get("/search?q=mug").text != browser.get("/search?q=pan").text


@pytest.mark.usefixtures("fresh_memory")
@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("accepted", ["gzip, br", "identity"])
def test_a_kept_page_is_answered_as_it_was_the_first_time(
    looked_at: ShopUnderTest, path: str, accepted: str
) -> None:
    """The same bytes and headers, whether the application drew it or its memory answers; only the request's own id is new."""
    browser = looked_at.client()
    first = browser.get(path, headers={"Accept-Encoding": accepted})
    again = browser.get(path, headers={"Accept-Encoding": accepted, CORRELATION_HEADER: "asked-for-by-test"})
    assert (again.status_code, again.data) == (200, first.data)
    assert again.headers[CORRELATION_HEADER] == "asked-for-by-test"
    assert first.headers[CORRELATION_HEADER] != "asked-for-by-test"
    assert _lasting(again) == _lasting(first)
    unchanged = browser.get(
        path, headers={"Accept-Encoding": accepted, "If-None-Match": f'"other", W/{first.headers["ETag"]}'}
    )
    assert (unchanged.status_code, unchanged.data) == (304, b"")
    assert unchanged.headers["Content-Security-Policy"] == first.headers["Content-Security-Policy"]
    assert "Content-Length" not in unchanged.headers
    assert "Content-Encoding" not in unchanged.headers
    assert browser.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def _lasting(answer: TestResponse) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in {"Date", CORRELATION_HEADER}}


def test_an_answer_from_memory_is_in_the_log_like_every_other(
    shop: ShopUnderTest, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """One line each, with the rule and not the address."""
    browser = shop.client()
    with caplog.at_level("INFO", logger="webapp.request"):
        browser.get("/shop/kitchen")
        browser.head("/shop/kitchen")
    lines = [vars(record) for record in caplog.records if record.name == "webapp.request"]
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("GET", "/shop/<slug>", 200),
        ("HEAD", "/shop/<slug>", 200),
    ]


def test_only_a_visitor_without_a_cookie_is_answered_from_memory(shop: ShopUnderTest, clock: Clock) -> None:
    """Whatever the cookie, and whatever else than looking, the application answers."""
    stranger = shop.client()
    first = stranger.get("/shop/kitchen")
    other = shop.client()
    other.set_cookie("seen", "1")
    assert other.get("/shop/kitchen").headers["Cache-Control"] == "private, no-cache"
    assert stranger.post("/shop/kitchen").status_code == 405
    assert stranger.get("/shop/kitchen").data == first.data
