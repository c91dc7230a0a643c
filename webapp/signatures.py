"""Signed tokens: itsdangerous' own, byte for byte, with what stays the same kept instead of made for each token.

itsdangerous makes a serializer, a signer and a key of it for each token that is written or read, tries out whether its JSON is
text, compresses what is too short for that, and computes the HMAC in Python: 60 microseconds, a dozen times an order's page.
"""

from __future__ import annotations

import hmac
from functools import lru_cache
from typing import Any

from itsdangerous import Signer, TimestampSigner, URLSafeSerializer, URLSafeTimedSerializer
from itsdangerous.encoding import base64_encode
from itsdangerous.serializer import Serializer
from itsdangerous.signer import SigningAlgorithm

TOO_SHORT_TO_COMPRESS = 100
"""Bytes of JSON. A token of a form or a cart has half of them, and random ones, which compressing makes longer."""


class _Sha1(SigningAlgorithm):
    """HMAC-SHA1, as itsdangerous signs by default, in one call of OpenSSL."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return hmac.digest(key, value, "sha1")


_SHA1 = _Sha1()


class _KeepsKeys(Signer):
    """A signer that derives the key of each secret once."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "algorithm": _SHA1})
        self._derived: dict[str | bytes | None, bytes] = {}

    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:
        found = self._derived.get(secret_key)
        if found is None:
            found = self._derived[secret_key] = super().derive_key(secret_key)
        return found


class KeepingSigner(_KeepsKeys):
    """For tokens without a date."""


class KeepingTimestampSigner(_KeepsKeys, TimestampSigner):
    """For dated ones."""


class _KeepsSigner(Serializer):
    """A serializer for one kind of token, with one signer. It is made once and may be used by all threads."""

    def make_signer(self, salt: str | bytes | None = None) -> Signer:
        if salt is not None and salt != self.salt:
            return super().make_signer(salt)
        kept: Signer | None = self.__dict__.get("_kept_signer")
        if kept is None:
            kept = self.__dict__["_kept_signer"] = super().make_signer(self.salt)
        return kept

    def dump_payload(self, obj: Any) -> bytes:
        json: bytes = Serializer.dump_payload(self, obj)
        return base64_encode(json) if len(json) <= TOO_SHORT_TO_COMPRESS else super().dump_payload(obj)


class KeepingSerializer(_KeepsSigner, URLSafeSerializer):
    """URLSafeSerializer, to be kept. Whoever has many secrets gives them oldest first, as to itsdangerous."""

    default_signer = KeepingSigner


class KeepingTimedSerializer(_KeepsSigner, URLSafeTimedSerializer):
    """URLSafeTimedSerializer, to be kept. Its signer must be a KeepingTimestampSigner."""

    default_signer = KeepingTimestampSigner


@lru_cache(maxsize=64)
def kept_timed_serializer(secret_key: str | bytes, salt: str) -> KeepingTimedSerializer:
    """The one for this secret and this kind of token."""
    return KeepingTimedSerializer(secret_key, salt=salt)


@lru_cache(maxsize=64)
def kept_serializer(secret_keys: tuple[str, ...], salt: str) -> KeepingSerializer:
    """The one for these secrets, oldest first, and this kind of token."""
    return KeepingSerializer(list(secret_keys), salt=salt)
