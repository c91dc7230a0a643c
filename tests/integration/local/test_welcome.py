"""What the welcome says is what was made."""

from __future__ import annotations

from local.welcome import DEMO_LOGIN
from webapp.console.people.cli import DEMO_PASSWORD, DEMO_STAFF


def test_the_demo_login_on_the_screen_is_the_one_that_was_made() -> None:
    """The first of the demo staff, with the demo password."""
    assert f"{next(iter(DEMO_STAFF))}, password {DEMO_PASSWORD}" == DEMO_LOGIN
