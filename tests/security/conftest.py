"""A shop with one owner of things, another shopper, and staff of every role: the actors of the matrix."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from orders.adapters.memory.queue import MemoryOrders
from tests.integration.account.conftest import mailbox, register
from tests.integration.webapp.conftest import ShopUnderTest, looked_at, shop, token_of
from webapp.console.people.accounts import create_staff
from webapp.console.permissions import Role
from webapp.console.wiring import ConsoleWiring
from webapp.extensions import db

__all__ = ["looked_at", "mailbox", "register", "shop"]

STAFF_PASSWORD = "a sentence as a password"


@pytest.fixture
def with_console(shop: ShopUnderTest) -> ShopUnderTest:
    """The shop with a console over the same memory stock."""
    return _furnished(shop)


@pytest.fixture(scope="module")
def looked_at_with_console(looked_at: ShopUnderTest) -> ShopUnderTest:
    """The same for all tests of a file that only look."""
    return _furnished(looked_at)


def _furnished(shop: ShopUnderTest) -> ShopUnderTest:
    shop.app.extensions["cartwright-console"] = ConsoleWiring(shop.inventory, MemoryOrders(shop.clock), {})
    shop.app.config.update(TESTING=True, PROPAGATE_EXCEPTIONS=False)
    return shop


@pytest.fixture
def staff(with_console: ShopUnderTest) -> Callable[[Role], FlaskClient]:
    """A browser in which somebody of a role is signed in to the console."""

    def sign_in(role: Role) -> FlaskClient:
        app, email = with_console.app, f"{role}@shop.example"
        with app.app_context():
            create_staff(
                db.session(),
                email=email,
                name=role.title(),
                role=role,
                password=STAFF_PASSWORD,
                now=datetime.now(UTC),
            )
            db.session.commit()
        client = app.test_client()
        fields = {"email": email, "password": STAFF_PASSWORD}
        token = token_of(client.get("/console/sign-in"))
        answer = client.post("/console/sign-in", data={"csrf_token": token, **fields})
        assert answer.status_code == 302, answer.text
        return client

    return sign_in
