"""What the console talks to beyond the shop's own ports: the order desk, the truth of stock, the queues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from flask import Flask, current_app

from orders.adapters.aws import make_client
from orders.adapters.carriers import make_carriers
from orders.adapters.dynamodb.inventory import DynamoInventory
from orders.adapters.rds.order_book import SqlOrderBook
from orders.adapters.sqs import QueueDepth, SqsOrders, SqsQueue
from orders.domain.events import Actor
from orders.ports import Carrier, InventoryStore, OrderQueue
from orders.services.desk import OrderDesk
from orders.settings import Settings
from webapp.console.door import current_staff
from webapp.console.jobs.quarantine import DeadLetters
from webapp.extensions import db
from webapp.wiring import wiring

_KEY = "cartwright-console"
QUEUES = ("high", "orders", "low", "notify")


class ConsoleQueue(DeadLetters, Protocol):
    """What the console does with one queue: look how full it is, and take dead letters out."""

    def depth(self) -> QueueDepth:
        """The queue's approximate numbers."""
        ...


@dataclass(frozen=True, slots=True)
class ConsoleWiring:
    """The console's own ports. Tests put one with memory adapters into `app.extensions`."""

    inventory: InventoryStore
    queue: OrderQueue
    queues: Mapping[str, ConsoleQueue]
    """By queue name, the dead-letter queues under `<name>_dlq`."""
    carriers: Mapping[str, Carrier] = field(default_factory=dict)


def register_wiring(app: Flask) -> None:
    """Make the real adapters, unless a test brought its own. Connects to nothing yet."""
    if _KEY in app.extensions:
        return
    parts = app.extensions["cartwright"]
    settings, clock = parts.settings, parts.clock
    sqs = make_client("sqs", settings)
    urls = {
        f"{queue}{end}": getattr(settings, f"{queue}{end}_queue_url" if not end else f"{queue}_dlq_url")
        for queue in QUEUES
        for end in ("", "_dlq")
    }
    app.extensions[_KEY] = ConsoleWiring(
        inventory=DynamoInventory(make_client("dynamodb", settings), settings, clock),
        queue=SqsOrders(sqs, settings),
        queues={name: SqsQueue(sqs, url) for name, url in urls.items() if url},
        carriers=_carriers(app, settings),
    )


def _carriers(app: Flask, settings: Settings) -> Mapping[str, Carrier]:
    # The engine belongs to the application's context; making it connects to nothing.
    with app.app_context():
        return make_carriers(settings, db.engine)


def console_wiring() -> ConsoleWiring:
    """The console's ports of the current application."""
    parts: ConsoleWiring = current_app.extensions[_KEY]
    return parts


def desk() -> OrderDesk:
    """The desk of the core's use cases: every change of an order goes over it."""
    parts = wiring()
    return OrderDesk(SqlOrderBook(db.engine), parts.clock, parts.settings)


def actor() -> Actor:
    """Who is at the keyboard, as the timeline names them."""
    return Actor("staff", current_staff().email[:80])
