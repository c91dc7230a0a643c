"""Identities: the order id that is decided before the first hop, and the short number that people read aloud."""

from __future__ import annotations

import re
import secrets
import uuid
from datetime import datetime
from typing import NewType

OrderId = NewType("OrderId", str)
"""A UUIDv7 in its 36-character form (RFC 9562): sortable by time, and the idempotency key of every hop."""

Sku = NewType("Sku", str)

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O, U, so that a number survives a telephone."""
_CHECK = _ALPHABET + "*~$=U"
"""Crockford's check symbols, modulo 37: catches every single wrong character and every swapped pair."""
_NUMBER_DIGITS = 10
_UUID7 = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")


def uuid7(now: datetime) -> str:
    """A new UUIDv7 (RFC 9562, 5.7): 48 bits of Unix milliseconds, 74 random bits."""
    milliseconds = int(now.timestamp() * 1000) & ((1 << 48) - 1)
    random_a, random_b = secrets.randbits(12), secrets.randbits(62)
    value = (milliseconds << 80) | (7 << 76) | (random_a << 64) | (0b10 << 62) | random_b
    return str(uuid.UUID(int=value))


def new_order_id(now: datetime) -> OrderId:
    """A new order id. `now` is aware UTC from the injected clock."""
    return OrderId(uuid7(now))


def is_order_id(text: str) -> bool:
    """Whether a text has the form of an order id."""
    return _UUID7.fullmatch(text) is not None


def order_number(order_id: str) -> str:
    """The short code of an order, derived from its id: `CW-7K3M9-PQ4TX-5`, the last character a check digit.

    50 random bits: among ten million orders two share a number with a chance of about 4 %, so it is a search
    key and never an identity.
    """
    value = uuid.UUID(order_id).int & ((1 << 50) - 1)
    digits = "".join(_ALPHABET[(value >> shift) & 31] for shift in range(45, -5, -5))
    return f"CW-{digits[:5]}-{digits[5:]}-{_CHECK[value % 37]}"


def normalise_order_number(text: str) -> str | None:
    """What a person typed as an order number in its canonical form, or None when it cannot be one.

    Lower case, missing hyphens and the usual confusions (O for 0, I and L for 1) are forgiven; a failed check
    digit is not.
    """
    folded = re.sub(r"[\s-]", "", text.upper())
    if folded.startswith("CW"):
        folded = folded[2:]
    if len(folded) != _NUMBER_DIGITS + 1:
        return None
    digits = folded[:-1].translate(str.maketrans("OIL", "011"))
    if any(character not in _ALPHABET for character in digits):
        return None
    value = 0
    for character in digits:
        value = value * 32 + _ALPHABET.index(character)
    check = folded[-1] if folded[-1] in _CHECK else folded[-1].translate(str.maketrans("OIL", "011"))
    if check not in (_CHECK[value % 37],):
        return None
    return f"CW-{digits[:5]}-{digits[5:]}-{_CHECK[value % 37]}"
