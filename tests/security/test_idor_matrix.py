"""Promise I14: nobody reads or changes another's things. Every route, every kind of caller, against one table.

docs/security/routes.csv says for each (endpoint, method) whose thing it is about and how each caller is answered:
`open` (it is done, or judged as a form), `sign-in` (sent to the door), `refused` (403) or `hidden` (404, 410). The
objects in the addresses are real and belong to the owner. A route that is not in the table fails the test.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests.integration.account.conftest import SignedIn, customer
from tests.integration.account.orders_of import link_to, recorded
from tests.integration.webapp.conftest import DETAILS, MUG, ShopUnderTest, put_in_cart, token_of
from tests.security.conftest import STAFF_PASSWORD
from webapp.account.models import CustomerSession, SavedAddress
from webapp.checkout.models import Checkout
from webapp.console.door import declared_permission
from webapp.console.people.accounts import create_staff
from webapp.console.permissions import Role, may
from webapp.extensions import db

pytestmark = [pytest.mark.slow]

TABLE = Path(__file__).resolve().parents[2] / "docs" / "security" / "routes.csv"
SHOPPERS = ("anonymous", "other", "owner")
ACTORS = (*SHOPPERS, *Role)
OWNER, OTHER = "owner@example.com", "other@example.com"
SECRETS = (OWNER, "Geheimstr. 77")
"""What stands in the owner's things and in nobody else's."""

WHOSE = {"public", "visitor", "owner", "link", "letter", "provider", "staff"}
"""public: everybody's. visitor: the browser's own (cart, sign-in). owner: an account's. link: of who holds a signed link.
letter: of who holds a one-time link. provider: a machine that signs. staff: the console's."""
PRIVATE = {"owner", "staff"}

ENDS_A_SESSION = (
    "account.end_other_sessions",
    "account.end_session",
    "account.sign_out",
    "console.revoke_own_session",
    "console.revoke_all_sessions",
    "console.sign_out",
)
"""Asked for last, in this order: after them the caller is somebody else."""
FIXED = {
    "account.link": "/account/link/nothing",
    "assets.static_file": "/static/css/shop.css",
    "catalog.category": "/shop/kitchen",
    "console.accept_invitation": "/console/invitation/nothing",
    "unsubscribe.unsubscribe": "/unsubscribe/nothing",
}
"""Addresses whose variable is not one of the owner's things."""
STREAM = "text/event-stream"
UNKNOWN = "01890000-0000-7000-8000-000000000000"


def table() -> dict[tuple[str, str], dict[str, str]]:
    """The table by (endpoint, method)."""
    with TABLE.open(newline="") as file:
        return {(row["endpoint"], row["method"]): row for row in csv.DictReader(file)}


def routes(app: Flask) -> list[tuple[Rule, str]]:
    """Every route with each of its methods, those that end a session last."""
    found = [
        (rule, method)
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) & {"GET", "POST", "PUT", "PATCH", "DELETE"})
    ]

    def place(item: tuple[Rule, str]) -> tuple[int, str, str]:
        rule, method = item
        ends = ENDS_A_SESSION.index(rule.endpoint) + 1 if rule.endpoint in ENDS_A_SESSION else 0
        return ends, method, rule.rule

    return sorted(found, key=place)


@dataclass(frozen=True)
class Things:
    """The owner's things, by the name that they have in an address."""

    values: Mapping[str, str]

    def address(self, rule: Rule) -> str:
        """A route's address with the owner's things in it; what nobody has is named as something unknown."""

        def value(match: re.Match[str]) -> str:
            unknown = {"int:": "1", "uuid:": UNKNOWN}.get(match[1] or "", "nothing")
            return self.values.get(match[2], unknown)

        if rule.endpoint in FIXED:
            return FIXED[rule.endpoint]
        return re.sub(r"<([a-z]+(?:\([^)]*\))?:)?([a-z_]+)>", value, rule.rule)


@pytest.fixture
def owner(with_console: ShopUnderTest, register: SignedIn) -> FlaskClient:
    """Somebody with an account, an address, an order, a cart and a checkout."""
    browser = register(OWNER)
    page = browser.get("/account/addresses/new")
    address = {
        name.removeprefix("shipping-"): value for name, value in DETAILS.items() if name.startswith("ship")
    }
    answer = browser.post(
        "/account/addresses/new",
        data={"csrf_token": token_of(page), **address, "line1": SECRETS[1]},
    )
    assert answer.status_code == 303, answer.text
    put_in_cart(browser, MUG)
    assert browser.get("/checkout/", follow_redirects=True).status_code == 200
    return browser


@pytest.fixture
def things(with_console: ShopUnderTest, owner: FlaskClient) -> Things:
    """The owner's order with its link, address, session, checkout; and a product of the shop."""
    shop, who = with_console, customer(with_console, OWNER)
    order_id = recorded(shop, customer_id=who.id, email=OWNER)
    with shop.app.app_context():
        found = {
            "address_id": db.session.scalars(select(SavedAddress.id)).one(),
            "session_id": db.session.scalars(
                select(CustomerSession.id).where(CustomerSession.customer_id == who.id)
            ).one(),
            "checkout_id": db.session.scalars(select(Checkout.id)).one(),
        }
        colleague = str(
            create_staff(
                db.session(),
                email="colleague@shop.example",
                name="Colleague",
                role=Role.VIEWER,
                password=STAFF_PASSWORD,
                now=datetime.now(UTC),
            ).id
        )
        db.session.commit()
        shop.app.config["WTF_CSRF_ENABLED"] = False  # What is asked here is who may, not who was tricked.
    return Things(
        {
            **{name: str(value) for name, value in found.items()},
            "order_id": str(order_id),
            "token": link_to(shop, order_id).rpartition("/")[2],
            "sku": MUG,
            "slug": "mug",
            "email": OWNER,
            "staff_id": colleague,
        }
    )


@pytest.fixture
def browser_of(
    with_console: ShopUnderTest,
    owner: FlaskClient,
    register: SignedIn,
    staff: Callable[[Role], FlaskClient],
) -> Callable[[str], FlaskClient]:
    """The browser of an actor. Made before the things, while forms still carry their tokens."""

    def make(actor: str) -> FlaskClient:
        if actor == "owner":
            return owner
        if actor == "other":
            return register(OTHER)
        if actor == "anonymous":
            return with_console.client()
        return staff(Role(actor))

    return make


def answered(answer: TestResponse) -> str:
    """An answer in the table's words."""
    status = answer.status_code
    if status in {301, 302, 303, 307, 308}:
        is_door = urlsplit(answer.location).path in {"/account/sign-in", "/console/sign-in"}
        return "sign-in" if is_door else "open"
    if status in {404, 410}:
        return "hidden"
    if status == 403:
        return "refused"
    return "open" if status in {200, 400, 401, 409, 415, 422, 503} else f"status {status}"


def ask(browser: FlaskClient, path: str, method: str) -> TestResponse:
    """Ask, without reading a stream to its end."""
    answer = browser.open(path, method=method, buffered=False)
    if answer.mimetype == STREAM:
        answer.close()
    return answer


def test_every_route_is_in_the_table_and_nothing_else(with_console: ShopUnderTest) -> None:
    """A new route needs a line that says whose things it is about."""
    known = {(rule.endpoint, method) for rule, method in routes(with_console.app)}
    listed = set(table())
    assert known - listed == set(), "routes that docs/security/routes.csv does not list"
    assert listed - known == set(), "lines of docs/security/routes.csv without a route"
    assert {row["whose"] for row in table().values()} <= WHOSE


@pytest.mark.parametrize("actor", ACTORS)
def test_every_route_answers_as_the_table_says(
    with_console: ShopUnderTest,
    browser_of: Callable[[str], FlaskClient],
    request: pytest.FixtureRequest,
    actor: str,
) -> None:
    """Each caller asks for the owner's things at every route; nobody else ever reads what is the owner's."""
    browser = browser_of(actor)
    things: Things = request.getfixturevalue("things")
    expected, wrong = table(), []
    for rule, method in routes(with_console.app):
        row = expected.get((rule.endpoint, method), {"whose": "", actor: ""})
        answer = ask(browser, things.address(rule), method)
        if (found := answered(answer)) != row[actor]:
            wrong.append(f"{rule.endpoint},{method},{actor}: {found}, not {row[actor] or 'listed'}")
        is_strange = actor in {"anonymous", "other"} and row["whose"] != "link" and answer.mimetype != STREAM
        if is_strange and answer.location is None:  # A redirect may name the address that was asked for.
            wrong += [f"{rule.endpoint} tells {actor} {s!r}" for s in SECRETS if s in answer.text]
    assert not wrong, "\n".join(wrong)


def test_the_table_itself_is_sane(with_console: ShopUnderTest) -> None:
    """No line lets a stranger at what is private, and staff lines say what the permission table says."""
    with with_console.app.app_context():
        for (endpoint, method), row in table().items():
            place = f"{endpoint} {method}"
            if row["whose"] in PRIVATE:
                assert row["anonymous"] != "open", place
            if row["whose"] == "owner" and row["object"]:
                assert row["other"] == "hidden", place
            if row["whose"] == "staff":
                assert {row[shopper] for shopper in SHOPPERS} == {"sign-in"}, place
                permission = declared_permission(endpoint)
                assert permission is not None, place
                for role in Role:
                    assert (row[role] == "refused") is not may(role, permission), f"{place} {role}"


def test_a_link_that_was_tampered_with_opens_nothing(
    with_console: ShopUnderTest, owner: FlaskClient, things: Things
) -> None:
    """One letter changed in the signature, or in the order id: hidden from everybody, the owner too."""
    token = things.values["token"]
    for broken in (
        token[:-2] + ("AA" if token[-2:] != "AA" else "BB"),
        ("B" if token[0] == "A" else "A") + token[1:],
        token[:-4],
        token + "AAAA",
    ):
        for rule, method in routes(with_console.app):
            if table()[rule.endpoint, method]["whose"] == "link":
                path = Things({**things.values, "token": broken}).address(rule)
                assert answered(ask(owner, path, method)) == "hidden", (method, path, token)
