"""What every answer carries, on every route: asked for from the list of routes, so that a new one is asked too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.integration.account.conftest import SignedIn
from tests.integration.webapp.conftest import MUG, ShopUnderTest, put_in_cart, token_of
from webapp import create_app
from webapp.console.permissions import Role
from webapp.wiring import Wiring

SHARED = {
    "/",
    "/shop",
    "/search",
    "/robots.txt",
    "/sitemap.xml",
    "/sitemaps/shelves.xml",
    "/search/suggest",
    "/favicon.ico",
}
"""Pages without a variable in their address that a shared cache may keep for a visitor without a cookie."""


def pages(app: Flask) -> list[str]:
    """Every page whose address has no variable."""
    found = [
        rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and not rule.arguments
    ]
    assert len(found) > 40
    return found


@pytest.fixture
def over_https(with_console: ShopUnderTest) -> FlaskClient:
    """The shop as a stage on AWS is configured."""
    old: Wiring = with_console.app.extensions["cartwright"]
    settings = replace(
        old.settings,
        stage="dev",
        secret_key="x" * 40,
        public_url="https://shop.example",
        order_api_url="https://api.example",
    )
    app = create_app(wiring=replace(old, settings=settings))
    app.extensions["cartwright-console"] = with_console.app.extensions["cartwright-console"]
    return app.test_client()


def test_every_page_has_every_header(looked_at_with_console: ShopUnderTest) -> None:
    """A strict policy, no sniffing, no framing, no other origin, and a charset where there is text."""
    client, wrong = looked_at_with_console.client(), []
    for path in [*pages(looked_at_with_console.app), "/products/mug", "/nothing", "/static/css/shop.css"]:
        answer = client.get(path)
        headers, policy = answer.headers, answer.headers.get("Content-Security-Policy", "")
        checks = {
            "policy": all(
                part in policy for part in ("default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'")
            ),
            "unsafe": "unsafe" not in policy and "*" not in policy,
            "nosniff": headers.get("X-Content-Type-Options") == "nosniff",
            "opener": headers.get("Cross-Origin-Opener-Policy") == "same-origin",
            "resource": headers.get("Cross-Origin-Resource-Policy") == "same-origin",
            "referrer": bool(headers.get("Referrer-Policy")),
            "permissions": bool(headers.get("Permissions-Policy")),
            "cors": "Access-Control-Allow-Origin" not in headers,
            "charset": not answer.mimetype.startswith("text/") or "charset=utf-8" in answer.content_type,
            "cache": bool(headers.get("Cache-Control")),
            "server": "Werkzeug" not in answer.text and "Traceback" not in answer.text
            if answer.mimetype == "text/html"
            else True,
        }
        wrong += [f"{path}: {name}" for name, is_fine in checks.items() if not is_fine]
    assert not wrong, "\n".join(wrong)


def test_every_answer_over_https_insists_on_it(over_https: FlaskClient) -> None:
    """HSTS for two years, with the subdomains, on every page and every error."""
    for path in [*pages(over_https.application), "/nothing"]:
        header = over_https.get(path, base_url="https://shop.example").headers["Strict-Transport-Security"]
        assert header == "max-age=63072000; includeSubDomains; preload", path


@pytest.mark.parametrize("who", ["shopper", "staff"])
def test_what_is_personal_is_never_kept_by_a_cache(
    with_console: ShopUnderTest, register: SignedIn, staff: Callable[[Role], FlaskClient], who: str
) -> None:
    """Somebody who is signed in gets pages that a shared cache may not keep, and personal ones that nobody keeps."""
    browser = register() if who == "shopper" else staff(Role.ADMIN)
    put_in_cart(browser, MUG)
    for path in pages(with_console.app):
        header = browser.get(path).headers["Cache-Control"]
        if path.startswith(("/account", "/console", "/cart", "/checkout")):
            assert header == "no-store", path
        elif path not in {
            "/robots.txt",
            "/sitemap.xml",
            "/sitemaps/shelves.xml",
            "/search/suggest",
            "/favicon.ico",
        }:
            assert "public" not in header, path


def test_a_cache_may_keep_only_what_is_everybodys(looked_at_with_console: ShopUnderTest) -> None:
    """Without a cookie too: nothing but the listed pages says public."""
    client = looked_at_with_console.client()
    public = {
        path
        for path in pages(looked_at_with_console.app)
        if "public" in client.get(path).headers["Cache-Control"]
    }
    assert public <= SHARED | {"/styleguide"}


def test_methods_that_are_not_meant_are_refused(looked_at_with_console: ShopUnderTest) -> None:
    """TRACE, PUT and DELETE do nothing anywhere; OPTIONS allows no other origin."""
    client = looked_at_with_console.client()
    for path in pages(looked_at_with_console.app):
        for method in ("TRACE", "PUT", "DELETE", "PATCH"):
            assert client.open(path, method=method).status_code == 405, (method, path)
        assert "Access-Control-Allow-Methods" not in client.options(path).headers


@pytest.mark.parametrize(
    "path",
    ["/static/", "/static/css/", "/static/../wsgi.py", "/static/%2e%2e/wsgi.py", "/static/..%2fwsgi.py", "/.git/config",
     "/static//etc/passwd", "/.env"],
)  # fmt: skip
def test_no_folder_is_listed_and_no_path_leads_out(looked_at_with_console: ShopUnderTest, path: str) -> None:
    """Only files that lie in the static folder are served."""
    assert looked_at_with_console.client().get(path).status_code in {404, 308}
    assert "import" not in looked_at_with_console.client().get(path, follow_redirects=True).text


@pytest.mark.parametrize("path", ["/account/sign-in", "/console/sign-in"])
def test_a_password_field_hides_and_takes_what_a_manager_pastes(
    looked_at_with_console: ShopUnderTest, path: str
) -> None:
    """type=password, with the autocomplete words that password managers know; nothing refuses a paste."""
    page = looked_at_with_console.client().get(path).text
    field = next(tag for tag in page.split("<input")[1:] if 'name="password"' in tag.partition(">")[0])
    assert 'type="password"' in field
    assert 'autocomplete="current-password"' in field
    assert "onpaste" not in page


def test_signing_out_clears_what_the_browser_kept(with_console: ShopUnderTest, register: SignedIn) -> None:
    """Clear-Site-Data, and a cookie that is over."""
    browser = register()
    answer = browser.post("/account/sign-out", data={"csrf_token": token_of(browser.get("/account/"))})
    assert '"cache"' in answer.headers["Clear-Site-Data"]
    assert browser.get("/account/").status_code == 303


def test_steps_of_the_checkout_cannot_be_skipped(with_console: ShopUnderTest) -> None:
    """Later steps send back to the first one that is not done, and placing what is unfinished places nothing."""
    browser = with_console.client()
    put_in_cart(browser, MUG)
    details = browser.get("/checkout/", follow_redirects=True)
    assert details.request.path == "/checkout/details"
    for step in ("delivery", "payment", "review"):
        answer = browser.get(f"/checkout/{step}", follow_redirects=True)
        assert answer.request.path == "/checkout/details", step
    checkout = with_console.checkout()
    browser.post(
        "/checkout/place",
        data={
            "csrf_token": token_of(details),
            "checkout_id": str(checkout.id),
            "version": str(checkout.version),
        },
    )
    assert with_console.accepted() == []
    assert with_console.charges() == []
