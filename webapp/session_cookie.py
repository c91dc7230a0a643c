"""The session cookie: Flask's own, but two web processes whose clocks differ do not throw away each other's sessions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask, Response
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from itsdangerous import SignatureExpired, URLSafeTimedSerializer

from webapp.signatures import KeepingTimedSerializer, KeepingTimestampSigner

TOLERANCE = timedelta(minutes=5)
"""How far clocks may differ: what AWS allows the clock of a signed request."""


class TolerantSigner(KeepingTimestampSigner):
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
    """Sessions in signed cookies, with the tolerant signer, and nothing done for the many answers that leave theirs alone."""

    def __init__(self) -> None:
        self._serializers: dict[tuple[Any, ...], URLSafeTimedSerializer] = {}

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """What signs and reads the cookie; None without a secret key. Made once for an application's keys."""
        if not app.secret_key:
            return None
        keys = (*(app.config["SECRET_KEY_FALLBACKS"] or ()), app.secret_key)
        if keys not in self._serializers:
            self._serializers[keys] = KeepingTimedSerializer(
                list(keys),
                salt=self.salt,
                serializer=self.serializer,
                signer=TolerantSigner,
                signer_kwargs={"key_derivation": self.key_derivation},
            )
        return self._serializers[keys]

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """As the parent's, which looks up seven settings before it sees that there is nothing to write."""
        if session.modified or session.permanent:
            super().save_session(app, session, response)
        elif session.accessed:
            response.vary.add("Cookie")
