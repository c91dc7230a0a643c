"""What the shop turns away is written down: who, what and why, as events of their own (ASVS 16.3)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.integration.account.conftest import SignedIn, customer
from tests.integration.webapp.conftest import MUG, ShopUnderTest, put_in_cart
from webapp.console.permissions import Role

SOMEBODY_ELSES = "/account/orders/0198a000-0000-7000-8000-000000000000"


@pytest.fixture
def refusals(caplog: pytest.LogCaptureFixture) -> Callable[[], list[dict[str, Any]]]:
    """The events so far, as their facts."""
    caplog.set_level(logging.WARNING, "webapp.refusals")
    names = ("reason", "who", "method", "route", "status")

    def read() -> list[dict[str, Any]]:
        found = [record for record in caplog.records if record.getMessage() == "request_refused"]
        return [{name: getattr(record, name) for name in names} for record in found]

    return read


Read = Callable[[], list[dict[str, Any]]]


def test_a_refused_shopper_is_named_by_id(
    with_console: ShopUnderTest, register: SignedIn, refusals: Read
) -> None:
    """Another customer's thing is answered as if it did not exist; the log knows who asked, and the route only."""
    browser = register()
    assert browser.get(SOMEBODY_ELSES).status_code == 404
    (event,) = refusals()
    assert event["reason"] == "not_theirs_or_not_there"
    assert event["who"] == f"customer:{customer(with_console).id}"
    assert event["route"].startswith("/account/orders/<")


def test_a_refused_member_of_staff_is_named_by_id(
    staff: Callable[[Role], FlaskClient], refusals: Read
) -> None:
    """A role that may not, and which account it was."""
    assert staff(Role.VIEWER).get("/console/people").status_code == 403
    (event,) = refusals()
    assert (event["reason"], event["status"]) == ("not_allowed", 403)
    assert event["who"].startswith("staff:")
    assert "@" not in event["who"]


def test_attempts_to_get_around_the_walls_are_events(with_console: ShopUnderTest, refusals: Read) -> None:
    """A form without its token, one from another site, one too large, and more than a person clicks."""
    browser = with_console.client()
    browser.post(f"/cart/lines/{MUG}", data={"quantity": "2"})
    browser.post("/cart/lines", data={"sku": MUG}, headers={"Sec-Fetch-Site": "cross-site"})
    browser.post("/account/sign-in", data={"email": "x" * 300_000})
    for _ in range(70):
        put_in_cart(browser)
    seen = [event["reason"] for event in refusals()]
    assert seen[:3] == ["form_without_its_token", "sent_from_another_site", "too_large"]
    assert set(seen[3:]) == {"too_often"}
    assert {event["who"] for event in refusals()} == {"visitor"}


def test_what_is_served_is_no_event(with_console: ShopUnderTest, refusals: Read) -> None:
    """A page that is not there is no attack, and a page that is there is none either."""
    browser = with_console.client()
    for path in ("/", "/shop/kitchen", "/products/none", "/nothing"):
        browser.get(path)
    assert refusals() == []
