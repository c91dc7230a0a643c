"""The web application on a real database, with stock and tracking in memory and the order API's own use case behind it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, create_engine, select
from werkzeug.test import TestResponse

from orders.adapters.memory.clock import MemoryClock
from orders.adapters.memory.inventory import MemoryInventory
from orders.adapters.memory.queue import MemoryOrders
from orders.adapters.memory.tracking import MemoryTracking
from orders.adapters.payments.test_provider import TestPaymentProvider
from orders.adapters.rds.models import PaymentAttemptRow, TestCharge
from orders.domain.ids import OrderId, Sku
from orders.domain.inventory import StockLevel
from orders.messages import decode_order_request
from orders.services.submit_order import submit_order
from orders.settings import Settings
from tests.conftest import NewDatabase
from webapp import create_app
from webapp.catalog.availability import Availability
from webapp.catalog.models import Category, Product, SlugRedirect, Variant
from webapp.checkout.models import Checkout
from webapp.extensions import db
from webapp.page_cache import PageCache
from webapp.wiring import Wiring

MUG, MUG_BLUE, PAN = "MUG-OAT", "MUG-BLUE", "PAN-28"


@dataclass
class ServiceOrderApi:
    """The order API without HTTP: the Lambda's own use case. `troubles` are raised one per call, before or after the deed."""

    inventory: MemoryInventory
    tracking: MemoryTracking
    clock: MemoryClock
    troubles: list[tuple[str, Exception | None]] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    before: Callable[[], None] | None = None

    def submit(
        self, order_id: OrderId, body: str, *, attempt: int = 1, is_answer_lost: bool = False
    ) -> Mapping[str, Any]:
        """See OrderApi."""
        self.bodies.append(body)
        if self.before is not None:
            self.before()
        when, trouble = self.troubles.pop(0) if self.troubles else ("", None)
        if trouble is not None and when == "before":
            raise trouble
        submit_order(
            decode_order_request(body),
            inventory=self.inventory,
            queue=MemoryOrders(self.clock),
            clock=self.clock,
            currency="EUR",
            reservation_ttl_seconds=3600,
            correlation_id="test-correlation",
            attempt=attempt,
            is_answer_lost=is_answer_lost,
        )
        if trouble is not None:
            raise trouble
        return {"order_id": order_id}

    def find(self, order_id: OrderId) -> Mapping[str, Any] | None:
        """See OrderApi."""
        view = self.tracking.get(order_id)
        return {"order_id": view.order_id} if view else None

    def is_reachable(self, timeout_seconds: float) -> bool:
        """See OrderApi."""
        return True


class FlakyInventory(MemoryInventory):
    """The memory inventory that can be unplugged."""

    away: Exception | None = None

    def levels(self, skus: Any) -> Mapping[Sku, StockLevel]:
        """See MemoryInventory."""
        if self.away is not None:
            raise self.away
        return super().levels(skus)


@dataclass
class ShopUnderTest:
    """The application and what stands behind it, with the steps that tests repeat."""

    app: Flask
    clock: MemoryClock
    inventory: FlakyInventory
    tracking: MemoryTracking
    order_api: ServiceOrderApi
    bank: TestPaymentProvider
    engine: Engine

    def client(self) -> FlaskClient:
        """A new browser."""
        return self.app.test_client()

    def rows(self, model: Any) -> list[Any]:
        """Every row of a table."""
        with self.app.app_context():
            return list(db.session.scalars(select(model)))

    def checkout(self) -> Checkout:
        """The only checkout there is."""
        (only,) = self.rows(Checkout)
        checkout: Checkout = only
        return checkout

    def charges(self, status: str = "") -> list[TestCharge]:
        """The test bank's charges in a state."""
        return [c for c in self.rows(TestCharge) if not status or c.status == status]

    def attempts(self, kind: str) -> list[PaymentAttemptRow]:
        """The payment attempts of a kind."""
        return [a for a in self.rows(PaymentAttemptRow) if a.kind == kind]

    def accepted(self) -> list[OrderId]:
        """Orders that hold stock."""
        return [reservation.order_id for reservation in self.inventory.all_reservations()]


@pytest.fixture
def shop(database_url: str) -> Iterator[ShopUnderTest]:
    """A small shop: three SKUs with stock, nobody in it yet."""
    with opened(database_url) as shop:
        yield shop


@pytest.fixture(scope="module")
def looked_at(new_database: NewDatabase) -> Iterator[ShopUnderTest]:
    """The same shop for all tests of a file that only look around in it, or fill carts of their own."""
    with new_database() as database_url, opened(database_url) as shop:
        yield shop


@contextmanager
def opened(database_url: str) -> Iterator[ShopUnderTest]:
    """The shop in a database that is empty."""
    clock = MemoryClock()
    tracking = MemoryTracking()
    inventory = FlakyInventory(tracking)
    engine = create_engine(database_url)
    bank = TestPaymentProvider(engine)
    order_api = ServiceOrderApi(inventory, tracking, clock)
    settings = Settings(database_url=database_url, public_url="http://localhost")
    # Every look is long after the one before: what a test has changed is seen at once.
    availability = Availability(inventory, now=itertools.count(step=1000).__next__)
    app = create_app(wiring=Wiring(settings, clock, availability, tracking, bank, order_api))
    app.extensions["cartwright-pages"] = PageCache(now=itertools.count(step=1000).__next__)
    with app.app_context():
        _fill(inventory)
    yield ShopUnderTest(app, clock, inventory, tracking, order_api, bank, engine)
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    engine.dispose()


def _fill(inventory: MemoryInventory) -> None:
    shelf = Category(slug="kitchen", name="Kitchen", description="For cooks.")
    db.session.add(shelf)
    db.session.flush()
    mug = Product(
        slug="mug", name="Mug", category_id=shelf.id, min_price_minor=1500, max_price_minor=1500, currency="EUR",
        popularity=5, variants=[
            Variant(sku=MUG, options={"Colour": "Oat"}, price_minor=1500, currency="EUR", weight_grams=400),
            Variant(sku=MUG_BLUE, options={"Colour": "Blue"}, price_minor=1500, currency="EUR", weight_grams=400, position=1),
        ],
    )  # fmt: skip
    pan = Product(
        slug="pan", name="Pan", category_id=shelf.id, min_price_minor=8900, max_price_minor=8900, currency="EUR",
        popularity=9, variants=[Variant(sku=PAN, price_minor=8900, currency="EUR", weight_grams=2100)],
    )  # fmt: skip
    db.session.add_all([mug, pan])
    db.session.flush()
    db.session.add(SlugRedirect(slug="cup", product_id=mug.id))
    db.session.commit()
    db.session.remove()
    for sku, price, pieces in ((MUG, 1500, 20), (MUG_BLUE, 1500, 3), (PAN, 8900, 10)):
        inventory.set_up_sku(Sku(sku), price, "EUR")
        inventory.restock(Sku(sku), pieces, f"first-{sku}")


def token_of(page: TestResponse) -> str:
    """The CSRF token of a page's form."""
    match = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert match, page.text
    return match[1]


def hidden(page: TestResponse, name: str) -> str:
    """A hidden field of a page."""
    match = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert match, page.text
    return match[1]


DETAILS = {
    "email": "ada@example.com",
    "shipping-name": "Ada Lovelace",
    "shipping-line1": "Werkstr. 12",
    "shipping-postal_code": "10115",
    "shipping-city": "Berlin",
    "shipping-country": "DE",
}
CARD = {"holder": "Ada Lovelace", "expiry": "12/29", "code": "123"}
APPROVED, DECLINED, CHALLENGED = "4242424242424242", "4000000000000002", "4000000000003220"
ANSWER_LOST, AWAY = "4000000000006975", "4000000000000119"


def put_in_cart(browser: FlaskClient, sku: str = MUG, quantity: int = 1) -> TestResponse:
    """Add to the cart as the product page's form does."""
    return browser.post("/cart/lines", data={"sku": sku, "quantity": str(quantity)})


def send(browser: FlaskClient, path: str, data: Mapping[str, str]) -> TestResponse:
    """Open a step and send its form."""
    page = browser.get(path)
    assert page.status_code == 200, (page.status_code, page.location)
    return browser.post(path, data={"csrf_token": token_of(page), **data})


def fill_in(browser: FlaskClient, card: str = APPROVED) -> TestResponse:
    """Fill in every step; returns the review page."""
    assert send(browser, "/checkout/details", DETAILS).status_code == 303
    assert send(browser, "/checkout/delivery", {"shipping_code": "standard"}).status_code == 303
    return pay_with(browser, card)


def pay_with(browser: FlaskClient, card: str) -> TestResponse:
    """Enter a card; returns the review page."""
    answer = send(browser, "/checkout/payment", {**CARD, "number": card})
    assert answer.status_code == 303, answer.text
    return browser.get("/checkout/review")


def place(browser: FlaskClient, review: TestResponse) -> TestResponse:
    """Click "place" on a review page."""
    fields = {name: hidden(review, name) for name in ("checkout_id", "version")}
    return browser.post("/checkout/place", data={"csrf_token": token_of(review), **fields})
