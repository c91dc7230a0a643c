"""What every answer has around it: headers, cookies, refusals, and pages for errors that keep the cart."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.exc import OperationalError

from orders.settings import Settings, SettingsError
from tests.integration.webapp.conftest import (
    DETAILS,
    MUG,
    ShopUnderTest,
    fill_in,
    put_in_cart,
    token_of,
)
from webapp import create_app
from webapp.cart.models import CartLine
from webapp.catalog import lists
from webapp.extensions import db
from webapp.rate_limit import Buckets
from webapp.wiring import Wiring

PAGES = (
    "/",
    "/shop",
    "/shop/kitchen",
    "/products/mug",
    "/cart",
    "/nothing-here",
    "/healthz",
    "/static/css/shop.css",
)


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_has_the_security_headers(looked_at: ShopUnderTest, path: str) -> None:
    """No inline script or style is allowed anywhere, nobody may frame the shop."""
    headers = looked_at.client().get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"]
    assert headers["Permissions-Policy"]
    assert "Strict-Transport-Security" not in headers, "a laptop has no https"


@pytest.mark.parametrize("path", ["/", "/shop/kitchen", "/products/mug", "/cart"])
def test_no_page_has_an_inline_handler_or_script(looked_at: ShopUnderTest, path: str) -> None:
    """The policy would refuse it: so it must not be there."""
    text = looked_at.client().get(path).text
    assert " on" + "click=" not in text
    assert " style=" not in text
    assert "<script>" not in text


def test_outside_the_laptop_cookies_are_bound_to_https_and_host(shop: ShopUnderTest) -> None:
    """`__Host-` names, Secure, HttpOnly, SameSite; HSTS; two proxies are believed and a third is not."""
    old: Wiring = shop.app.extensions["cartwright"]
    settings = replace(
        old.settings,
        stage="dev",
        secret_key="x" * 40,
        public_url="https://shop.example",
        trusted_proxies=2,
        order_api_url="https://api.example",
    )
    app = create_app(wiring=replace(old, settings=settings))
    browser = app.test_client()
    answer = browser.post("/cart/lines", data={"sku": MUG}, base_url="https://shop.example")
    cookies = answer.headers.getlist("Set-Cookie")
    assert any(c.startswith("__Host-cart=") for c in cookies)
    for cookie in cookies:
        assert "Secure" in cookie
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Domain" not in cookie
    with app.app_context():
        db.engine.dispose()
    assert "max-age=63072000" in answer.headers["Strict-Transport-Security"]
    assert "upgrade-insecure-requests" in answer.headers["Content-Security-Policy"]


def test_an_insecure_default_does_not_start_outside_the_laptop() -> None:
    """Missing secrets and addresses are named, all at once."""
    with pytest.raises(SettingsError, match="CARTWRIGHT_SECRET_KEY"):
        create_app(Settings(stage="prod", payment_provider="stripe"))


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_another_site_cannot_fill_a_cart(shop: ShopUnderTest, headers: dict[str, str]) -> None:
    """The one form without a token refuses what another site's page sends."""
    answer = shop.client().post("/cart/lines", data={"sku": MUG}, headers=headers)
    assert answer.status_code == 403
    assert shop.rows(CartLine) == []


def test_a_form_without_its_token_changes_nothing(shop: ShopUnderTest) -> None:
    """Every other form carries a token."""
    browser = shop.client()
    put_in_cart(browser)
    assert browser.post(f"/cart/lines/{MUG}", data={"quantity": "5", "version": "2"}).status_code == 400
    assert browser.post("/checkout/details", data=DETAILS).status_code == 400
    review = fill_in(browser)
    assert review.status_code == 200
    assert browser.post("/checkout/place", data={}).status_code == 400
    assert shop.charges() == []


def test_a_huge_form_is_refused(shop: ShopUnderTest) -> None:
    """413 before it is parsed, and the cart stays."""
    browser = shop.client()
    put_in_cart(browser)
    token = token_of(browser.get("/checkout/details"))
    answer = browser.post("/checkout/details", data={"csrf_token": token, "email": "x" * 300_000})
    assert answer.status_code == 413
    assert "larger than anything" in answer.text
    assert len(shop.rows(CartLine)) == 1


def test_control_characters_and_long_texts_are_told_beside_the_field(shop: ShopUnderTest) -> None:
    """Nothing that the order API would refuse gets past the form."""
    browser = shop.client()
    put_in_cart(browser)
    token = token_of(browser.get("/checkout/details"))
    wrong = {
        "shipping-name": "A\x07da",
        "shipping-line1": "x" * 121,
        "shipping-country": "XX",
        "email": "a@b@c",
    }
    page = browser.post("/checkout/details", data={"csrf_token": token, **DETAILS, **wrong})
    assert page.status_code == 200
    assert page.text.count('class="error"') == 4


def test_a_database_that_is_away_gives_an_honest_page(
    shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 with Retry-After in the shop's own words, as a page or as problem+json, and no detail of the failure."""

    def away(*args: object, **kwargs: object) -> None:
        raise OperationalError("SELECT secret", {}, Exception("password=hunter2"))

    monkeypatch.setattr(lists, "find", away)
    browser = shop.client()
    page = browser.get("/shop/kitchen")
    assert page.status_code == 503
    assert page.headers["Retry-After"]
    assert "your cart is as you left it" in page.text
    assert "hunter2" not in page.text
    problem = browser.get("/shop/kitchen", headers={"Accept": "application/json"})
    assert problem.mimetype == "application/problem+json"
    assert problem.json is not None
    assert problem.json["correlation_id"] == problem.headers["X-Correlation-Id"]


def test_a_bug_gives_an_honest_page_too(shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 without a traceback, with a reference that is in the log."""

    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("internal detail")

    monkeypatch.setattr(lists, "find", broken)
    page = shop.client().get("/shop/kitchen")
    assert page.status_code == 500
    assert "internal detail" not in page.text
    assert page.headers["X-Correlation-Id"] in page.text


def test_a_correlation_id_is_taken_when_harmless(looked_at: ShopUnderTest) -> None:
    """A caller's id is kept when it is safe to log, else a new one is made."""
    browser = looked_at.client()
    given = browser.get("/healthz", headers={"X-Correlation-Id": "abcdef-123456"})
    assert given.headers["X-Correlation-Id"] == "abcdef-123456"
    forged = browser.get("/healthz", headers={"X-Correlation-Id": "a b"})
    assert forged.headers["X-Correlation-Id"] != "a b"


def test_too_many_clicks_are_slowed(shop: ShopUnderTest) -> None:
    """The brake answers 429 with the time to wait. Its clock stands still here: on a busy machine seventy clicks take so long
    that some are allowed again."""
    shop.app.extensions["cartwright-buckets"] = Buckets(now=lambda: 0.0)
    browser = shop.client()
    answers = [put_in_cart(browser) for _ in range(70)]
    assert answers[0].status_code == 303
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) >= 1


def test_static_files_are_kept_for_ever_by_their_hashed_names(looked_at: ShopUnderTest) -> None:
    """A name with the content's hash is immutable; an old hash is served but not for ever; nothing outside is."""
    browser = looked_at.client()
    page = browser.get("/").text
    name = page.split('rel="stylesheet" href="')[1].split('"')[0]
    answer = browser.get(name, headers={"Accept-Encoding": "gzip"})
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Encoding"] == "gzip"
    again = browser.get(name, headers={"If-None-Match": answer.headers["ETag"], "Accept-Encoding": "gzip"})
    assert again.status_code == 304
    plain = browser.get(name)
    assert b"fonts/figtree-latin-wght-normal." in plain.data
    old = browser.get("/static/css/shop.000000000000.css")
    assert "immutable" not in old.headers["Cache-Control"]
    for outside in ("/static/../wsgi.py", "/static/%2e%2e/wsgi.py", "/static/css", "/static/none.css"):
        assert browser.get(outside).status_code == 404


def test_readiness_names_what_is_away(shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alive is not ready."""
    browser = shop.client()
    assert browser.get("/readyz").status_code == 200
    monkeypatch.setattr(type(shop.order_api), "is_reachable", lambda self, seconds: False)
    answer = browser.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["checks"] == {"database": "ok", "order_api": "away"}
    assert browser.get("/healthz").status_code == 200
