"""What the web application talks to, made once per process: the one place that picks adapters for the ports."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app
from sqlalchemy import Engine

from orders.adapters.aws import CallPolicy, make_client
from orders.adapters.clock import SystemClock
from orders.adapters.dynamodb.inventory import DynamoInventory
from orders.adapters.dynamodb.tracking import DynamoTracking
from orders.adapters.payments import make_provider
from orders.adapters.rds.engine import make_engine
from orders.ports import Clock, PaymentProvider, TrackingStore
from orders.settings import Settings
from webapp.catalog.availability import Availability
from webapp.clients.order_api import OrderApi, SignedOrderApi

PAGE_PATIENCE = CallPolicy(1.0, 1)


@dataclass(frozen=True, slots=True)
class Wiring:
    """The ports of one process. Tests hand `create_app` one with memory adapters in it."""

    settings: Settings
    clock: Clock
    availability: Availability
    tracking: TrackingStore
    payments: PaymentProvider
    order_api: OrderApi
    engines: tuple[Engine, ...] = ()
    """Pools of connections beside the application's own, closed with it."""

    def close(self) -> None:
        """Let go of the connections that `make_wiring` opened."""
        for engine in self.engines:
            engine.dispose()


def wiring() -> Wiring:
    """The wiring of the current application."""
    parts: Wiring = current_app.extensions["cartwright"]
    return parts


def make_wiring(settings: Settings) -> Wiring:
    """The real adapters for these settings. Connects to nothing yet."""
    clock = SystemClock()
    # Pages ask with little patience: a shopper waits for them. The order's own writes are the Lambda's.
    dynamodb = make_client("dynamodb", settings, PAGE_PATIENCE)
    # The test bank keeps its own books in its own transactions, as an outside company would: a pool of its own, because
    # a page that held the last connection of the shop's pool could wait for the bank for ever.
    bank = (make_engine(settings, "cartwright-test-bank"),) if settings.payment_provider == "test" else ()
    return Wiring(
        settings=settings,
        clock=clock,
        availability=Availability(DynamoInventory(dynamodb, settings, clock)),
        tracking=DynamoTracking(dynamodb, settings),
        payments=make_provider(settings, bank[0] if bank else None),
        order_api=SignedOrderApi(settings),
        engines=bank,
    )
