"""A session survives clocks that differ a little, and nothing else that it should not."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from flask import Flask, session

from webapp.session_cookie import TOLERANCE, SessionCookie, TolerantSigner


@pytest.fixture
def app() -> Flask:
    """An application that says what its session holds."""
    app = Flask("clocks")
    app.secret_key = "for this test"
    app.session_interface = SessionCookie()
    app.add_url_rule("/", "held", lambda: session.get("held", "nothing"))
    return app


def _cookie(app: Flask, age: timedelta) -> str:
    """A session's cookie as a process would sign it whose clock shows `age` less than ours."""

    class Elsewhere(TolerantSigner):
        def get_timestamp(self) -> int:
            return int(time.time() - age.total_seconds())

    serializer = SessionCookie().get_signing_serializer(app)
    assert serializer is not None
    serializer.signer = Elsewhere
    cookie = serializer.dumps({"held": "a token"})
    assert isinstance(cookie, str)
    return cookie


def _held(app: Flask, cookie: str) -> str:
    client = app.test_client()
    client.set_cookie("session", cookie)
    return client.get("/").text


@pytest.mark.parametrize("age", [timedelta(0), timedelta(days=1), -timedelta(minutes=2)], ids=str)
def test_a_session_is_kept_when_the_signing_clock_was_two_minutes_ahead(app: Flask, age: timedelta) -> None:
    """The forms that were opened before the clock was set right still work."""
    assert _held(app, _cookie(app, age)) == "a token"


@pytest.mark.parametrize("age", [-2 * TOLERANCE, timedelta(days=32)], ids=str)
def test_a_session_from_far_ahead_or_past_its_end_is_refused(app: Flask, age: timedelta) -> None:
    """The tolerance is no second lifetime."""
    assert _held(app, _cookie(app, age)) == "nothing"


def test_a_changed_cookie_from_the_near_future_is_refused(app: Flask) -> None:
    """The signature is checked before its date."""
    cookie = _cookie(app, -timedelta(minutes=2))
    # Not the last character: some of its bits stand for nothing.
    changed = "A" if cookie[-10] != "A" else "B"
    assert _held(app, cookie[:-10] + changed + cookie[-9:]) == "nothing"
