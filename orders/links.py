"""Signed links to an order: whoever has the link may see the order, and nobody can guess one.

A token is the order id and an HMAC-SHA256 over it. Links in old e-mails keep working while keys are rotated: the first
key signs, every key is accepted. Only the standard library, so that each program can make and read them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import uuid
from collections.abc import Sequence

from orders.domain.ids import OrderId, is_order_id
from orders.settings import Settings

_PURPOSE = b"order-link-1"
"""Keeps a signature made for something else from being a key to an order."""
_UNSUBSCRIBE = b"unsubscribe-1"
"""Its own purpose: a link that was forwarded shows the order, and only the e-mail itself can stop e-mails."""
_MAC_BYTES = 16
"""128 bits of the MAC: out of reach of guessing, and a third shorter in an e-mail (RFC 2104, section 5)."""


def keys_of(settings: Settings) -> tuple[str, ...]:
    """The signing key first, then the older ones that are still accepted."""
    older = (key.strip() for key in settings.previous_secret_keys.split(","))
    return (settings.secret_key, *filter(None, older))


def sign(order_id: OrderId, keys: Sequence[str]) -> str:
    """The token of an order: 43 characters that need no escaping in a URL."""
    return _sign(order_id, keys, _PURPOSE)


def read(token: str, keys: Sequence[str]) -> OrderId | None:
    """The order that a token opens, or None when it was not signed by any of the keys."""
    return _read(token, keys, _PURPOSE)


def read_unsubscribe(token: str, keys: Sequence[str]) -> OrderId | None:
    """The order whose e-mails a token stops, or None."""
    return _read(token, keys, _UNSUBSCRIBE)


def shop_url(settings: Settings, locale: str = "") -> str:
    """The shop's address in the language of a locale such as `de-AT`: without prefix where that is not on offer."""
    language = locale[:2].lower()
    is_prefixed = language in settings.language_codes[1:]
    return f"{settings.public_url}/{language}" if is_prefixed else settings.public_url


def unsubscribe_url(order_id: OrderId, settings: Settings, locale: str = "") -> str:
    """The address that stops e-mails about the orders of the address that this order was placed with."""
    token = _sign(order_id, keys_of(settings), _UNSUBSCRIBE)
    return f"{shop_url(settings, locale)}/unsubscribe/{token}"


def _sign(order_id: OrderId, keys: Sequence[str], purpose: bytes) -> str:
    raw = uuid.UUID(order_id).bytes
    return _written(raw + _mac(raw, keys[0], purpose))


def _written(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _read(token: str, keys: Sequence[str], purpose: bytes) -> OrderId | None:
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    identity, mac = raw[:16], raw[16:]
    # 32 bytes leave two bits of the last letter unused: only one of its four spellings is the link that was sent.
    if len(mac) != _MAC_BYTES or _written(raw) != token:
        return None
    if not any(hmac.compare_digest(mac, _mac(identity, key, purpose)) for key in keys):
        return None
    order_id = str(uuid.UUID(bytes=identity))
    return OrderId(order_id) if is_order_id(order_id) else None


def order_url(order_id: OrderId, settings: Settings, locale: str = "") -> str:
    """The address of an order's page for whoever has the link, in the language of a locale."""
    return f"{shop_url(settings, locale)}/orders/{sign(order_id, keys_of(settings))}"


def _mac(identity: bytes, key: str, purpose: bytes) -> bytes:
    derived = hmac.digest(key.encode(), purpose, hashlib.sha256)
    return hmac.digest(derived, identity, hashlib.sha256)[:_MAC_BYTES]
