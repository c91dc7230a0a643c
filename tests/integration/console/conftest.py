"""A console with a database of its own, and a browser-like client for each role."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from orders.adapters.memory.inventory import MemoryInventory
from orders.adapters.memory.queue import MemoryOrders
from orders.adapters.memory.tracking import MemoryTracking
from orders.settings import Settings
from tests.integration.console.low_queue import LowQueue
from tests.integration.console.shop import BOWL, MUG, Shop, open_shop
from webapp import create_app
from webapp.catalog.availability import Availability
from webapp.console.people.accounts import create_staff
from webapp.console.permissions import Role
from webapp.console.wiring import ConsoleWiring
from webapp.extensions import db
from webapp.wiring import SystemClock, Wiring
from worker.context import JobContext

PASSWORD = "a sentence as a password"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def tracking() -> MemoryTracking:
    """What shoppers watch: the product's own memory adapter."""
    return MemoryTracking()


@pytest.fixture
def inventory(tracking: MemoryTracking) -> MemoryInventory:
    """The shop's stock: the product's own memory adapter."""
    return MemoryInventory(tracking)


@pytest.fixture
def queue() -> MemoryOrders:
    """The queues: the product's own memory adapter."""
    return MemoryOrders(SystemClock())


@pytest.fixture
def wired(database_url: str, inventory: MemoryInventory, tracking: MemoryTracking) -> Wiring:
    """The console's ports: a real database, stock in memory, no provider to call."""
    parts: Any = None
    return Wiring(
        settings=Settings(database_url=database_url),
        clock=SystemClock(),
        availability=Availability(inventory),
        tracking=tracking,
        payments=parts,
        order_api=parts,
    )


@pytest.fixture
def app(wired: Wiring, inventory: MemoryInventory, queue: MemoryOrders) -> Iterator[Flask]:
    """The web application."""
    # A collection in the middle of werkzeug's compiling of the routes ends in "AST constructor recursion depth mismatch"
    # on Python 3.11 (python/cpython issue 106905).
    gc.disable()
    app = create_app(wiring=wired)
    gc.enable()
    app.extensions["cartwright-console"] = ConsoleWiring(inventory, queue, {})
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False, PROPAGATE_EXCEPTIONS=False)
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def staff_of(app: Flask) -> Callable[[Role], str]:
    """Make sure that a member of staff with a role exists; returns the e-mail."""

    def make(role: Role) -> str:
        email = f"{role}@shop.example"
        with app.app_context():
            from webapp.console.people.accounts import find_staff

            if find_staff(db.session(), email) is None:
                create_staff(
                    db.session(), email=email, name=role.title(), role=role, password=PASSWORD, now=NOW
                )
                db.session.commit()
        return email

    return make


@pytest.fixture
def as_role(app: Flask, staff_of: Callable[[Role], str]) -> Callable[[Role], FlaskClient]:
    """A client that is signed in with a role."""

    def sign_in(role: Role) -> FlaskClient:
        client = app.test_client()
        answer = client.post("/console/sign-in", data={"email": staff_of(role), "password": PASSWORD})
        assert answer.status_code == 302, answer.text
        return client

    return sign_in


@pytest.fixture
def shop(app: Flask, inventory: MemoryInventory) -> Shop:
    """A shop with a desk, whose orders the console shows."""
    with app.app_context():
        return open_shop(db.engine, inventory)


@pytest.fixture
def shelves(inventory: MemoryInventory) -> MemoryInventory:
    """Ten mugs and two bowls."""
    for sku, pieces in ((MUG, 10), (BOWL, 2)):
        inventory.set_up_sku(sku, 1990, "EUR")
        inventory.restock(sku, pieces, f"first:{sku}")
    return inventory


@pytest.fixture
def job_context(app: Flask, shop: Shop, inventory: MemoryInventory, queue: MemoryOrders) -> JobContext:
    """What the worker gives to a job."""
    with app.app_context():
        unused: Any = None
        return JobContext(shop.desk, db.engine, {}, inventory, unused, queue, unused)


@pytest.fixture
def low_queue(app: Flask, job_context: JobContext, queue: MemoryOrders) -> LowQueue:
    """The worker, as far as the low queue goes."""
    return LowQueue(app, job_context, queue)
