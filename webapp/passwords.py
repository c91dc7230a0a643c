"""Passwords: hashed with argon2id, checked in a time that tells nothing, and refused when the world knows them."""

from __future__ import annotations

import gzip
import unicodedata
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from webapp.languages import _

MIN_LENGTH = 8
"""NIST SP 800-63B and ASVS 5.0 (6.2.1) ask for length, not for character classes."""
MAX_LENGTH = 128
"""Long enough for every passphrase; a bound, because hashing costs by length."""

_HASHER = PasswordHasher()
"""argon2id with the library's parameters (RFC 9106, second recommended option)."""
_COMMON = Path(__file__).parent / "common_passwords.txt.gz"
_SHORTEST_HINT = 4
"""Shorter parts of a name or an address are in too many good passwords to be refused."""


def hash_password(password: str) -> str:
    """What is stored of a password: salt, parameters and digest in one text."""
    return _HASHER.hash(_normal(password))


def is_password(stored: str | None, password: str) -> bool:
    """Whether a password is the stored one; takes as long when nothing is stored."""
    try:
        _HASHER.verify(stored or _nobody(), _normal(password[:MAX_LENGTH]))
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def needs_rehash(stored: str) -> bool:
    """Whether a hash was made with older parameters and should be renewed at the next sign-in."""
    return _HASHER.check_needs_rehash(stored)


def password_problem(password: str, *about: str) -> str:
    """Why a new password cannot be taken, in words for its owner; empty when it can.

    `about` are texts that others know of its owner (name, e-mail, the shop's name): a password that is little more
    than one of them is refused.
    """
    folded = _normal(password).casefold()
    if len(password) < MIN_LENGTH:
        return _("Use at least %(count)s characters; a short sentence is a good password.", count=MIN_LENGTH)
    if len(password) > MAX_LENGTH:
        return _("Use at most %(count)s characters.", count=MAX_LENGTH)
    if folded in common_passwords() or folded.rstrip("0123456789!.?*#$") in common_passwords():
        return _("This password is on the lists that thieves try first; choose another one.")
    if len(set(folded)) < 4:
        return _("This password repeats itself; choose another one.")
    for known in about:
        for part in (known.casefold(), known.casefold().partition("@")[0]):
            if len(part) >= _SHORTEST_HINT and part in folded and len(folded) - len(part) < 4:
                return _("This password is too close to your name or e-mail; choose another one.")
    return ""


@cache
def common_passwords() -> frozenset[str]:
    """Passwords known from breaches, in lower case (NOTICE says where they come from). Read on first use."""
    return frozenset(gzip.decompress(_COMMON.read_bytes()).decode().splitlines())


@cache
def _nobody() -> str:
    return _HASHER.hash("nobody has this password")


def _normal(password: str) -> str:
    """The same letters typed on another system are the same password (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
