"""A shop over the real stores: orders go in as checkout and the Lambda put them in, and the real worker empties the queues."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

import pytest

from orders.adapters.aws import make_client
from orders.adapters.dynamodb.inventory import DynamoInventory
from orders.adapters.payments.test_cards import TestToken
from orders.adapters.sqs import SqsOrders, open_queue
from orders.doctor.__main__ import examine_shop
from orders.doctor.diagnosis import Diagnosis
from orders.domain.ids import OrderId, Sku
from orders.messages import decode_order_request
from orders.ports import AttemptStatus, Clock, PaymentAttempt
from orders.services.submit_order import Accepted, submit_order
from orders.settings import Settings, environment_name
from tests.order_samples import order_body
from worker import registry
from worker.context import JobContext, connect
from worker.household import Options
from worker.worker import Worker

MUG, PRICE_MINOR = Sku("MUG-RED"), 1250
QUEUES = ("high", "orders", "low")


@dataclass(frozen=True)
class LiveShop:
    """The stores of one test, and what is done with them."""

    settings: Settings
    context: JobContext

    @property
    def inventory(self) -> DynamoInventory:
        """The inventory store."""
        store = self.context.inventory
        assert isinstance(store, DynamoInventory)
        return store

    def stock(self, pieces: int, sku: Sku = MUG, counters: int = 1) -> None:
        """Put pieces on the shelf."""
        self.inventory.set_up_sku(sku, PRICE_MINOR, "EUR", counters)
        self.inventory.restock(sku, pieces, f"restock-{sku}-{pieces}")

    def body(self, quantity: int = 1, sku: Sku = MUG) -> dict[str, Any]:
        """An order as checkout sends it: the money is held and the attempt is on record."""
        body = order_body([(sku, quantity, PRICE_MINOR)])
        reference = self.authorise(OrderId(body["order_id"]), body["total_minor"])
        body["payment"] = {"provider": "test", "reference": reference, "amount_minor": body["total_minor"]}
        return body

    def authorise(self, order_id: OrderId, amount_minor: int, at: datetime | None = None) -> str:
        """Hold money for an order, with the attempt on record; returns the provider's reference."""
        key = f"{order_id}:authorise:1"
        held = self.context.provider("test").authorise(
            order_id=order_id,
            amount_minor=amount_minor,
            currency="EUR",
            token=TestToken.APPROVE,
            idempotency_key=key,
            return_url="http://localhost/return",
        )
        attempt = PaymentAttempt(
            key, order_id, "authorise", "test", held.reference, amount_minor, "EUR", AttemptStatus.SUCCEEDED,
            at or self.context.desk.clock.now(),
        )  # fmt: skip
        with self.context.desk.book.transaction() as tx:
            tx.add_attempt(attempt)
        return held.reference

    def submit(self, body: dict[str, Any], clock: Clock | None = None) -> Accepted:
        """What the Lambda does with a body."""
        return submit_order(
            decode_order_request(body),
            inventory=self.context.inventory,
            queue=self.context.queues,
            clock=clock or self.context.desk.clock,
            currency="EUR",
            reservation_ttl_seconds=3600,
            correlation_id="c" * 32,
        )

    def place(self, quantity: int = 1) -> OrderId:
        """Place an order."""
        body = self.body(quantity)
        self.submit(body)
        return OrderId(body["order_id"])

    def work(self) -> None:
        """A worker in burst mode: it returns when the queues and the outbox are empty."""
        sources = {name: open_queue(self.settings, name) for name in QUEUES}
        dead = {name: open_queue(self.settings, f"{name}_dlq") for name in QUEUES}
        Worker(self.context, sources, dead, Options(is_burst=True)).run()

    def lose_messages(self) -> None:
        """Whatever waits in the orders queue vanishes."""
        queue = open_queue(self.settings, "orders")
        while received := queue.receive(10):
            queue.delete_many([message.handle for message in received])

    def diagnosis(self) -> Diagnosis:
        """What the doctor says when nothing is on its way."""
        return examine_shop(self.settings, settle_seconds=0)


@pytest.fixture
def live_shop(settings: Settings) -> Iterator[LiveShop]:
    """An empty shop."""
    registry.load()
    context = connect(settings)
    yield LiveShop(settings, context)
    assert context.engine is not None
    context.engine.dispose()


@pytest.fixture
def in_environment(live_shop: LiveShop, monkeypatch: pytest.MonkeyPatch) -> LiveShop:
    """The same shop, its settings in the environment of this process, where a program finds them."""
    for spec in fields(Settings):
        value = getattr(live_shop.settings, spec.name)
        if value != spec.default:
            monkeypatch.setenv(environment_name(spec.name), str(value))
    return live_shop


def another_buyer(shop: LiveShop) -> LiveShop:
    """The same shop from another process's point of view: a client and memories of its own."""
    dynamodb = make_client("dynamodb", shop.settings)
    inventory = DynamoInventory(dynamodb, shop.settings, shop.context.desk.clock)
    queues = SqsOrders(make_client("sqs", shop.settings), shop.settings)
    return replace(shop, context=replace(shop.context, inventory=inventory, queues=queues))
