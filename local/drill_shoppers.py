"""Shoppers for a drill: they pay by the test provider and order through the signed order API, as checkout does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice

from local.drill_stage import DrillStage
from local.options import StartFailed
from orders.adapters.aws import make_client
from orders.adapters.clock import SystemClock
from orders.adapters.dynamodb.inventory import DynamoInventory
from orders.adapters.payments import make_provider
from orders.adapters.payments.test_cards import TestToken
from orders.adapters.rds.engine import make_engine
from orders.adapters.rds.order_book import SqlOrderBook
from orders.domain.ids import OrderId, new_order_id
from orders.domain.inventory import StockLevel
from orders.ports import AttemptStatus, PaymentAttempt
from webapp.clients.order_api import SignedOrderApi

SHIPPING_MINOR = 490
ADDRESS = {"name": "Dora Drill", "line1": "Probeweg 1", "line2": "", "postal_code": "10115", "city": "Berlin",
           "region": "", "country": "DE"}  # fmt: skip


class Shoppers:
    """They buy one piece each, of the articles that there are most of."""

    def __init__(self, stage: DrillStage) -> None:
        settings = stage.settings
        self._engine = make_engine(settings, "drill")
        self._book = SqlOrderBook(self._engine)
        self._provider = make_provider(settings, self._engine)
        self._api = SignedOrderApi(settings)
        inventory = DynamoInventory(make_client("dynamodb", settings), settings, SystemClock())
        levels = sorted(inventory.all_levels(), key=lambda level: -level.available)
        self._shelf: list[StockLevel] = list(islice(levels, 20))
        if not self._shelf or self._shelf[0].available < 1:
            raise StartFailed("there is nothing on the shelves to order")
        self._bought = 0

    def buy(self, orders: int) -> Mapping[OrderId, datetime]:
        """Have this many orders accepted; returns when each was, by its id."""
        accepted: dict[OrderId, datetime] = {}
        for _ in range(orders):
            level = self._shelf[self._bought % len(self._shelf)]
            self._bought += 1
            order_id = new_order_id(datetime.now(UTC))
            self._api.submit(order_id, json.dumps(self._body(order_id, level)))
            accepted[order_id] = datetime.now(UTC)
        return accepted

    def leave(self) -> None:
        """Close the connections, which would not outlive what comes now."""
        self._api.close()
        self._engine.dispose()

    def _body(self, order_id: OrderId, level: StockLevel) -> dict[str, object]:
        total = level.price_minor + SHIPPING_MINOR
        return {
            "schema_version": 1,
            "order_id": order_id,
            "currency": level.currency,
            "lines": [{"sku": level.sku, "quantity": 1, "unit_price_minor": level.price_minor, "name": level.sku}],
            "contact": {"name": ADDRESS["name"], "email": "dora@example.org", "phone": "", "wants_sms": False,
                        "locale": "en"},
            "shipping_address": ADDRESS,
            "billing_address": ADDRESS,
            "shipping": {"code": "standard", "name": "Standard", "price_minor": SHIPPING_MINOR},
            "tax": {"code": "DE", "rate_ppm": 190_000, "is_inclusive": True},
            "payment": {"provider": "test", "reference": self._pay(order_id, total, level.currency),
                        "amount_minor": total},
            "total_minor": total,
        }  # fmt: skip

    def _pay(self, order_id: OrderId, amount_minor: int, currency: str) -> str:
        """Have the card authorised; the attempt is on record before the call, and its outcome after it."""
        attempt = PaymentAttempt(
            id=f"authorise:{order_id}:1",
            order_id=order_id,
            kind="authorise",
            provider="test",
            reference="",
            amount_minor=amount_minor,
            currency=currency,
            status=AttemptStatus.PENDING,
            created_at=datetime.now(UTC),
        )
        with self._book.transaction() as tx:
            tx.add_attempt(attempt)
        result = self._provider.authorise(
            order_id=order_id,
            amount_minor=amount_minor,
            currency=currency,
            token=TestToken.APPROVE,
            idempotency_key=attempt.id,
            return_url="",
        )
        with self._book.transaction() as tx:
            tx.finish_attempt(attempt.id, AttemptStatus.SUCCEEDED, datetime.now(UTC), result.reference)
        return result.reference


def recorded(stage: DrillStage) -> set[OrderId]:
    """The ids of every order in the book."""
    engine = make_engine(stage.settings, "drill")
    try:
        found: set[OrderId] = set()
        after: OrderId | None = None
        while True:
            with SqlOrderBook(engine).transaction() as tx:
                page = tx.order_ids(after=after, limit=500)
            found |= set(page)
            if len(page) < 500:
                return found
            after = page[-1]
    finally:
        engine.dispose()
