"""What a job works with: the desk of the order book and the ports to the world, made once per process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Engine

from orders.domain.errors import Poison
from orders.ports import EventTopic, InventoryStore, OrderQueue, PaymentProvider, TrackingStore
from orders.services.desk import OrderDesk
from worker.effects import Effects


class Progress(Protocol):
    """Where a job with a kept result reports how far it is."""

    def __call__(self, done: int, total: int) -> None:
        """`done` of `total` steps."""
        ...


def _no_progress(done: int, total: int) -> None:
    """Nobody asked."""


@dataclass(frozen=True, slots=True)
class JobContext:
    """The ports of one worker process."""

    desk: OrderDesk
    engine: Engine | None
    payments: Mapping[str, PaymentProvider]
    inventory: InventoryStore
    tracking: TrackingStore
    queues: OrderQueue
    topic: EventTopic
    progress: Progress = field(default=_no_progress)

    @property
    def effects(self) -> Effects:
        """Where promised effects go."""
        return Effects(self.tracking, self.inventory, self.topic, self.queues, self.desk.clock.now)

    def provider(self, name: str) -> PaymentProvider:
        """The payment provider that an order was authorised with. Raises Poison for one that is not set up."""
        if name not in self.payments:
            raise Poison(f"no payment provider {name!r} is set up")
        return self.payments[name]


def connect(settings: Any) -> JobContext:
    """The real thing: PostgreSQL, DynamoDB, SQS, SNS and the payment provider of the settings."""
    from orders.adapters.aws import make_client
    from orders.adapters.clock import SystemClock
    from orders.adapters.dynamodb.inventory import DynamoInventory
    from orders.adapters.dynamodb.tracking import DynamoTracking
    from orders.adapters.payments import make_provider
    from orders.adapters.rds.engine import make_engine
    from orders.adapters.rds.order_book import SqlOrderBook
    from orders.adapters.sns import SnsEvents
    from orders.adapters.sqs import SqsOrders
    from worker.leases import FencedBook

    clock = SystemClock()
    engine = make_engine(settings, "worker")
    provider = make_provider(settings, engine)
    dynamodb = make_client("dynamodb", settings)
    return JobContext(
        desk=OrderDesk(FencedBook(SqlOrderBook(engine)), clock, settings),
        engine=engine,
        payments={provider.name: provider},
        inventory=DynamoInventory(dynamodb, settings, clock),
        tracking=DynamoTracking(dynamodb, settings),
        queues=SqsOrders(make_client("sqs", settings), settings),
        topic=SnsEvents(make_client("sns", settings), settings),
    )
