"""The shop of the checkout's tests with a mailbox, and shoppers who have accounts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from orders.adapters.memory.notifier import MemoryNotifier
from orders.ports import EmailMessage
from tests.integration.webapp.conftest import ShopUnderTest, shop, token_of
from webapp.account.models import Customer
from webapp.account.wiring import AccountWiring

__all__ = ["shop"]

PASSWORD = "seven blue herons"
LINK = re.compile(r"http://localhost(/\S+)")


@dataclass
class Mailbox:
    """What the shop wrote about accounts."""

    notifier: MemoryNotifier = field(default_factory=MemoryNotifier)

    def to(self, email: str) -> list[EmailMessage]:
        """The letters to an address, in order."""
        return [letter for letter in self.notifier.emails if letter.to == email]

    def link(self, email: str) -> str:
        """The path in the last letter to an address."""
        found = LINK.search(self.to(email)[-1].text)
        assert found, self.to(email)[-1].text
        return found[1]


@pytest.fixture
def mailbox(shop: ShopUnderTest) -> Mailbox:
    """The mailbox that the shop's letters arrive in."""
    box = Mailbox()
    shop.app.extensions["cartwright-account"] = AccountWiring(box.notifier)
    return box


def send(browser: FlaskClient, path: str, **data: str) -> TestResponse:
    """Open a page, send its form, and let the answer end, so that letters are sent."""
    page = browser.get(path)
    assert page.status_code == 200, (path, page.status_code, page.location)
    answer = browser.post(path, data={"csrf_token": token_of(page), **data})
    answer.get_data()
    answer.close()
    return answer


SignedIn = Callable[..., FlaskClient]


@pytest.fixture
def register(shop: ShopUnderTest, mailbox: Mailbox) -> SignedIn:
    """A browser in which somebody has just made an account."""

    def make(email: str = "ada@example.com", browser: FlaskClient | None = None, **more: str) -> FlaskClient:
        browser = browser or shop.client()
        assert send(browser, "/account/register" + more.get("query", ""), email=email).status_code == 200
        answer = send(browser, mailbox.link(email), name=more.get("name", "Ada Lovelace"), password=PASSWORD)
        assert answer.status_code == 303, answer.text
        return browser

    return make


def sign_in(browser: FlaskClient, email: str = "ada@example.com", password: str = PASSWORD) -> TestResponse:
    """Sign in as the page's form does."""
    return send(browser, "/account/sign-in", email=email, password=password)


def is_signed_in(browser: FlaskClient) -> bool:
    """Whether the account opens."""
    return browser.get("/account/").status_code == 200


def customer(shop: ShopUnderTest, email: str = "ada@example.com") -> Customer:
    """The row of an account."""
    (found,) = [row for row in shop.rows(Customer) if row.email == email]
    return found
