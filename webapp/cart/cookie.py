"""The cart's cookie: a signed, HttpOnly name of the cart. Whoever holds it holds the cart, so it cannot be guessed."""

from __future__ import annotations

from uuid import UUID

from flask import Request, Response, current_app
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import select

from orders.links import keys_of
from orders.settings import Settings
from webapp.account.sessions import current_customer_id
from webapp.cart.models import Cart
from webapp.extensions import db
from webapp.signatures import kept_serializer
from webapp.wiring import wiring

_SALT = "cart"


def cookie_name(settings: Settings) -> str:
    """`__Host-` binds the cookie to this host and to https; a laptop has no https."""
    return "cart" if settings.is_local else "__Host-cart"


def _serializer(settings: Settings) -> URLSafeSerializer:
    # itsdangerous signs with the last key of its list and accepts all of them.
    return kept_serializer(tuple(reversed(keys_of(settings))), _SALT)


def read_cart_id(request: Request) -> UUID | None:
    """The visitor's cart: the customer's own, the same on every device, else the one that this browser holds."""
    customer_id = current_customer_id()
    if customer_id:
        mine = db.session.scalar(select(Cart.id).where(Cart.customer_id == customer_id))
        if mine is not None:
            return mine
    return read_cookie(request)


def read_cookie(request: Request) -> UUID | None:
    """The cart that this browser holds, or None for no cookie, a forged or a mangled one."""
    settings = wiring().settings
    return cart_id_of(request.cookies.get(cookie_name(settings), ""), settings)


def cart_id_of(value: str, settings: Settings) -> UUID | None:
    """The cart that a cookie of ours names, or None for a forged, a mangled or an empty one. Asks nobody."""
    if not value:
        return None
    try:
        return UUID(_serializer(settings).loads(value))
    except (BadSignature, ValueError, TypeError, AttributeError):
        return None


def write_cart_id(response: Response, cart_id: UUID) -> None:
    """Hand the cart's name to the browser for settings.cart_ttl_days from now."""
    settings = wiring().settings
    response.set_cookie(
        cookie_name(settings),
        str(_serializer(settings).dumps(cart_id.hex)),
        max_age=settings.cart_ttl_days * 86_400,
        httponly=True,
        samesite="Lax",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        path="/",
    )


def drop_cart_cookie(response: Response) -> None:
    """Forget the cart in this browser."""
    settings = wiring().settings
    response.delete_cookie(
        cookie_name(settings), path="/", secure=current_app.config["SESSION_COOKIE_SECURE"], httponly=True
    )
