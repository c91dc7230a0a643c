"""The real handlers on the in-memory adapters: no socket, no AWS."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from lambdas import runtime
from lambdas.cancel_order import handler as cancel_order
from lambdas.get_order import handler as get_order
from lambdas.submit_order import handler as submit_order
from orders.adapters.memory.clock import MemoryClock
from orders.adapters.memory.inventory import MemoryInventory
from orders.adapters.memory.notifier import MemoryNotifier
from orders.adapters.memory.queue import MemoryOrders
from orders.adapters.memory.tracking import MemoryTracking
from orders.domain.ids import Sku
from orders.settings import Settings
from tests.lambda_events import http_event

PROGRAMS = ("submit_order", "get_order", "cancel_order", "sweep", "notify_customer")
Handler = Callable[[Mapping[str, Any], object], dict[str, Any]]


@dataclass
class Shop:
    """The stores behind the API, and the API."""

    clock: MemoryClock
    tracking: MemoryTracking
    inventory: MemoryInventory
    queue: MemoryOrders
    notifier: MemoryNotifier = field(default_factory=MemoryNotifier)

    def stock(self, sku: str = "MUG-RED", pieces: int = 10, price: int = 1250) -> None:
        self.inventory.set_up_sku(Sku(sku), price, "EUR")
        self.inventory.restock(Sku(sku), pieces, f"first-{sku}")

    def post(self, body: object, **options: Any) -> Reply:
        return Reply(submit_order.handle(http_event("/orders", body, **options), None))

    def get(self, order_id: str, **options: Any) -> Reply:
        return Reply(get_order.handle(http_event(f"/orders/{order_id}", **options), None))

    def cancel(self, order_id: str, body: object = "{}", **options: Any) -> Reply:
        return Reply(cancel_order.handle(http_event(f"/orders/{order_id}/cancel", body, **options), None))

    def messages(self, queue: str = "orders") -> list[dict[str, Any]]:
        return [json.loads(message.body) for message in self.queue.queues[queue].receive(10)]

    def is_untouched(self) -> bool:
        """Whether nothing was written: no reservation, no message."""
        depths = [queue.depth().total for queue in self.queue.queues.values()]
        return not list(self.inventory.all_reservations()) and not any(depths)


class Reply:
    """An answer of the API."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.status: int = answer["statusCode"]
        self.headers: dict[str, str] = answer["headers"]
        self.text: str = answer["body"]
        self.json: dict[str, Any] = json.loads(answer["body"])


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop whose Lambdas use the in-memory adapters."""
    clock, tracking = MemoryClock(), MemoryTracking()
    shop = Shop(clock, tracking, MemoryInventory(tracking), MemoryOrders(clock))
    for program in PROGRAMS:
        run = runtime.Runtime(Settings(), clock)
        # A cached property is what stands in the instance's dictionary: the container's client is put there first.
        vars(run).update(
            inventory=shop.inventory, tracking=tracking, queue=shop.queue, notifier=shop.notifier
        )
        monkeypatch.setitem(runtime._built, program, run)
    return shop
