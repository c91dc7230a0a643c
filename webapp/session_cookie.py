"""The session cookie: Flask's own, but two web processes whose clocks differ do not throw away each other's sessions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import SignatureExpired, TimestampSigner, URLSafeTimedSerializer

TOLERANCE = timedelta(minutes=5)
"""How far clocks may differ: what AWS allows the clock of a signed request."""


class TolerantSigner(TimestampSigner):
    """Takes a signature that was dated a little in the future for fresh.

    itsdangerous refuses a negative age. A clock that was set right by a minute, or another instance whose clock is a
    second behind, would so empty the session, and with it go the tokens of every form that is open.
    """

    def unsign(
        self, signed_value: str | bytes, max_age: int | None = None, return_timestamp: bool = False
    ) -> Any:
        """As the parent's, which raises SignatureExpired and BadSignature."""
        try:
            return super().unsign(signed_value, max_age, return_timestamp)  # type: ignore[call-overload]
        except SignatureExpired as error:
            now = datetime.fromtimestamp(self.get_timestamp(), UTC)
            if error.date_signed is None or not now < error.date_signed <= now + TOLERANCE:
                raise
        return super().unsign(signed_value, None, return_timestamp)  # type: ignore[call-overload]


class SessionCookie(SecureCookieSessionInterface):
    """Sessions in signed cookies, with the tolerant signer."""

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """What signs and reads the cookie; None without a secret key."""
        serializer = super().get_signing_serializer(app)
        if serializer is not None:
            serializer.signer = TolerantSigner
        return serializer
