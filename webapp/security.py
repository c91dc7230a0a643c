"""The walls around every answer: security headers, cookies, and the refusal of requests that another site sends."""

from __future__ import annotations

import secrets
from functools import cache
from urllib.parse import urlsplit

from flask import Flask, Response, abort, g, request
from werkzeug.middleware.proxy_fix import ProxyFix

from orders.settings import Settings
from webapp.languages import _
from webapp.refusals import because
from webapp.session_cookie import SessionCookie

MAX_FORM_BYTES = 256 * 1024
MAX_FORM_PARTS = 500
_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_PERMISSIONS = "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()"


def register_security(app: Flask, settings: Settings) -> None:
    """Configure cookies, limits, proxies and headers."""
    is_https = settings.public_url.startswith("https://")
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SECRET_KEY_FALLBACKS=[key for key in settings.previous_secret_keys.split(",") if key],
        SESSION_COOKIE_NAME="session" if settings.is_local else "__Host-session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=not settings.is_local,
        SESSION_REFRESH_EACH_REQUEST=False,
        MAX_CONTENT_LENGTH=MAX_FORM_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_FORM_BYTES,
        MAX_FORM_PARTS=MAX_FORM_PARTS,
        # A form that was left open over night still works: the token lives as long as the session.
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=True,
    )
    app.session_interface = SessionCookie()
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app,
            x_for=settings.trusted_proxies,
            x_proto=1,
            x_host=1,
        )
    app.before_request(refuse_other_sites)
    pay_at = _pay_at(settings)
    app.after_request(lambda response: add_headers(response, is_https=is_https, pay_at=pay_at))
    app.jinja_env.globals["csp_nonce"] = csp_nonce


def refuse_other_sites() -> None:
    """Refuse a state change that another site's page caused (fetch metadata, else Origin): defence beside the CSRF token.

    A client that sends neither header is no browser, and a page cannot make it act.
    """
    if request.method not in _UNSAFE:
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site not in {"same-origin", "none"}:
            because("sent_from_another_site")
            abort(403, _("This form was sent from another site."))
        return
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        because("sent_from_another_site")
        abort(403, _("This form was sent from another site."))


def csp_nonce() -> str:
    """The nonce of this answer, for the rare inline script; asking for it puts it into the policy."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    nonce: str = g.csp_nonce
    return nonce


def _pay_at(settings: Settings) -> str:
    """The one other site that "place the order" may lead to: the page that takes the card (docs/adr/0006)."""
    if settings.payment_provider != "stripe":
        return ""
    return settings.stripe_api_base or "https://checkout.stripe.com"


def _policy(nonce: str, *, is_https: bool, pay_at: str = "") -> str:
    # No 'unsafe-inline' anywhere; a page without an inline script has no nonce either, so that it can be cached.
    scripts = f"'self' 'nonce-{nonce}'" if nonce else "'self'"
    parts = [
        "default-src 'none'",
        f"script-src {scripts}",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        f"form-action 'self' {pay_at}".rstrip(),
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
    return "; ".join([*parts, "upgrade-insecure-requests"] if is_https else parts)


@cache
def _constant_headers(*, is_https: bool, pay_at: str) -> tuple[tuple[str, str], ...]:
    headers = [
        ("Content-Security-Policy", _policy("", is_https=is_https, pay_at=pay_at)),
        ("Referrer-Policy", "strict-origin-when-cross-origin"),
        ("Permissions-Policy", _PERMISSIONS),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Cache-Control", "no-store"),
    ]
    if is_https:
        headers.append(("Strict-Transport-Security", "max-age=63072000; includeSubDomains; preload"))
    return tuple(headers)


def add_headers(response: Response, *, is_https: bool, pay_at: str = "") -> Response:
    """The security headers of every answer. What a view has set stands; without a Cache-Control nothing is stored."""
    if nonce := g.get("csp_nonce"):
        response.headers.setdefault(
            "Content-Security-Policy", _policy(nonce, is_https=is_https, pay_at=pay_at)
        )
    present = {name.lower() for name, _ in response.headers}
    for name, value in _constant_headers(is_https=is_https, pay_at=pay_at):
        if name.lower() not in present:
            response.headers.add_header(name, value)
    return response
