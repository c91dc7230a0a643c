"""How far a request's sender is on the way to an order, told by its address and its cookies alone: the door reads nothing else.

It decides who goes first and nothing more: what a request may do, the application behind the door finds out for itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from orders.settings import Settings
from webapp.account import sessions
from webapp.cart import cookie
from webapp.languages import Language
from webapp.waiting_line import Rank

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MOST_CARTS = 4_096
"""Carts that are remembered as ours: each asks a dozen times, and checking a signature takes as long as finding a rank."""
_IN_CHECKOUT = {
    "place": Rank.PLACING,
    "checking": Rank.PLACING,
    "return": Rank.PLACING,
    "other-card": Rank.PLACING,
    "payment": Rank.PAYING,
    "review": Rank.PAYING,
}
_OF_PROGRAMS = ("/webhooks/", "/carriers/")
"""Asked by providers, who sign what they send."""


class Ranks:
    """Ranks requests for the shop with these settings.

    A cart's cookie counts only with our signature, so that whoever makes one up is a newcomer as before. An account's cookie
    would have to be looked up; it counts for little.
    """

    def __init__(self, settings: Settings, offered: Sequence[Language]) -> None:
        self._prefixes = frozenset(one.prefix[1:] for one in offered if one.prefix)
        self._cart = re.compile(rf"(?:^|;)\s*{re.escape(cookie.cookie_name(settings))}=\"?([^;\"]+)")
        self._account = f"{sessions.cookie_name(settings)}="
        self._is_ours = lru_cache(MOST_CARTS)(lambda value: cookie.cart_id_of(value, settings) is not None)

    def __call__(self, environ: WSGIEnvironment) -> Rank:
        """The rank of a request."""
        path = self._plain(environ["PATH_INFO"])
        cookies = environ.get("HTTP_COOKIE", "")
        cart = self._cart.search(cookies) if cookies else None
        if cart is not None and self._is_ours(cart[1]):
            return _with_cart(path)
        if self._account in cookies or path.startswith(("/orders/", *_OF_PROGRAMS)):
            return Rank.KNOWN
        return Rank.BEGINNING if path == "/cart/lines" else Rank.NEWCOMER

    def _plain(self, path: str) -> str:
        """The path without its language."""
        first, slash, rest = path[1:].partition("/")
        return slash + rest if first in self._prefixes else path


def _with_cart(path: str) -> Rank:
    _, first, second, *deeper = f"{path}//".split("/", 4)
    if first == "checkout":
        return _IN_CHECKOUT.get(second, Rank.CHECKING_OUT)
    if first == "orders" and not any(deeper[:1]):
        return Rank.PAYING  # What the click on "place order" leads to: it was paid, and is told so.
    return Rank.CHECKING_OUT if path == "/cart" else Rank.KNOWN
