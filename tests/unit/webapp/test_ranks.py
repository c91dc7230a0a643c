"""How far a shopper is, told by address and cookies."""

from __future__ import annotations

from uuid import UUID

import pytest
from flask import Response

from orders.settings import Settings
from webapp import create_app
from webapp.account import sessions
from webapp.cart import cookie
from webapp.languages import ENGLISH, language
from webapp.ranks import Ranks
from webapp.waiting_line import Rank

SETTINGS = Settings()
RANKS = Ranks(SETTINGS, [ENGLISH, language("de", "/de")])
NO_COOKIE = ""


@pytest.fixture(scope="module")
def cart() -> str:
    """The cookie of a cart, as the shop hands it out."""
    with create_app(SETTINGS).test_request_context():
        response = Response()
        cookie.write_cart_id(response, UUID(int=7))
    return response.headers["Set-Cookie"].partition(";")[0]


def rank(path: str, cookies: str = NO_COOKIE) -> Rank:
    """The rank of a request for a path."""
    return RANKS({"PATH_INFO": path, **({"HTTP_COOKIE": cookies} if cookies else {})})


@pytest.mark.parametrize("prefix", ["", "/de"])
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/checkout/place", Rank.PLACING),
        ("/checkout/checking/0198c5b4-0000-7000-8000-000000000000", Rank.PLACING),
        ("/checkout/payment", Rank.PAYING),
        ("/checkout/review", Rank.PAYING),
        ("/orders/a-signed-link", Rank.PAYING),
        ("/orders/a-signed-link/live", Rank.KNOWN),
        ("/checkout", Rank.CHECKING_OUT),
        ("/checkout/", Rank.CHECKING_OUT),
        ("/checkout/details", Rank.CHECKING_OUT),
        ("/cart", Rank.CHECKING_OUT),
        ("/cart/lines", Rank.KNOWN),
        ("/", Rank.KNOWN),
        ("", Rank.KNOWN),
        ("/products/place", Rank.KNOWN),
    ],
)
def test_whoever_has_a_cart_is_the_further_the_nearer_to_the_click(
    cart: str, prefix: str, path: str, expected: Rank
) -> None:
    """In every language, and wherever the cookie stands among the others."""
    assert rank(prefix + path, cart) is expected
    assert rank(prefix + path, f"session=x; {cart}; account=y") is expected


@pytest.mark.parametrize(
    "path", ["/", "/cart", "/checkout/place", "/de/checkout/place", "/products/mug", "/console"]
)
def test_without_a_cart_an_address_makes_nobody_further(path: str) -> None:
    """Whoever asks for the last page first is a newcomer; so is one who made the cookie up."""
    made_up = f"{cookie.cookie_name(SETTINGS)}=ImFhIg.made-up"
    assert rank(path) is rank(path, made_up) is rank(path, "session=x") is Rank.NEWCOMER


@pytest.mark.parametrize("path", ["/cart/lines", "/de/cart/lines"])
def test_the_first_thing_in_a_cart_goes_before_a_first_look(path: str) -> None:
    """Whoever clicks has seen the page already: it was drawn for them."""
    assert rank(path) is Rank.BEGINNING < Rank.NEWCOMER


def test_a_changed_cart_is_none(cart: str) -> None:
    """The signature is looked at, not the shape."""
    assert rank("/checkout/place", cart[:-1] + ("A" if cart[-1] != "A" else "B")) is Rank.NEWCOMER
    assert rank("/checkout/place", f"x{cart}") is Rank.NEWCOMER


@pytest.mark.parametrize("path", ["/orders/a-signed-link", "/webhooks/stripe", "/carriers/post/events"])
def test_who_has_an_order_and_who_tells_of_one_is_known(path: str) -> None:
    """Their links and messages carry signatures, which the application reads."""
    assert rank(path) is Rank.KNOWN


def test_who_may_have_an_account_goes_before_newcomers_only() -> None:
    """Whether the cookie is one of ours, a look into the database would tell."""
    assert rank("/checkout/place", f"{sessions.cookie_name(SETTINGS)}=anything") is Rank.KNOWN
