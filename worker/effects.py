"""What each kind of promised effect does to the world. Every one may be repeated without harm."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from orders.domain.errors import Unavailable
from orders.domain.ids import OrderId, Sku
from orders.domain.inventory import ReservationState
from orders.messages import encode_job
from orders.observability import traceparent
from orders.ports import (
    Effect,
    EventTopic,
    InventoryStore,
    JobMessage,
    OrderQueue,
    OutboxRow,
    TrackingStore,
)
from orders.services.tracking_views import from_payload

STOCK = frozenset({Effect.CONFIRM_STOCK, Effect.RELEASE_STOCK, Effect.SHIP_STOCK, Effect.TAKE_BACK_STOCK})


@dataclass(frozen=True, slots=True)
class Effects:
    """The ports that effects go to."""

    tracking: TrackingStore
    inventory: InventoryStore
    topic: EventTopic
    queues: OrderQueue
    now: Callable[[], datetime]

    def project(self, rows: Sequence[OutboxRow]) -> None:
        """Show the newest of one order's views: it contains the older ones."""
        newest = max(rows, key=lambda row: row.payload["version"])
        self.tracking.project(from_payload(newest.payload))

    def move_stock(self, row: OutboxRow) -> None:
        """Confirm, release, ship or take back one order's stock."""
        lines = {Sku(sku): pieces for sku, pieces in row.payload.get("lines", {}).items()}
        if row.effect is Effect.CONFIRM_STOCK:
            self._confirm(row.order_id, row.correlation_id)
        elif row.effect is Effect.RELEASE_STOCK and lines:
            self.inventory.reduce(row.order_id, row.payload["change_id"], lines)
        elif row.effect is Effect.RELEASE_STOCK:
            self.inventory.release(row.order_id)
        elif row.effect is Effect.SHIP_STOCK:
            warehouse = row.payload.get("warehouse", "")
            self.inventory.ship(row.order_id, row.payload["shipment_id"], lines, warehouse)
        else:
            self.inventory.take_back(row.order_id, row.payload["return_id"], lines)

    def publish(self, rows: Sequence[OutboxRow]) -> None:
        """Tell the topic."""
        self.topic.publish([row.payload for row in rows])

    def send(self, rows: Sequence[OutboxRow]) -> None:
        """Queue jobs."""
        by_queue: dict[str, list[str]] = defaultdict(list)
        for row in rows:
            by_queue[row.payload["queue"]].append(row.payload["body"])
        for queue, bodies in by_queue.items():
            self.queues.send_many(bodies, queue=queue)

    def apply(self, row: OutboxRow) -> None:
        """One effect by itself."""
        if row.effect is Effect.TRACKING:
            self.project([row])
        elif row.effect in STOCK:
            self.move_stock(row)
        elif row.effect is Effect.EVENT:
            self.publish([row])
        else:
            self.send([row])

    def _confirm(self, order_id: OrderId, correlation_id: str) -> None:
        """Make the reservation last. When it was given back before, the order has to expire.

        The promise stands until the expiry withdraws it, so that nobody ships what is not ours any more.
        """
        if self.inventory.confirm(order_id) is not ReservationState.EXPIRED:
            return
        message = JobMessage(
            id=f"expire_order:{order_id}",
            job="expire_order",
            payload={"order_id": order_id},
            order_id=order_id,
            correlation_id=correlation_id,
            traceparent=traceparent(correlation_id),
            enqueued_at=self.now(),
        )
        self.queues.send(encode_job(message), queue="high")
        raise Unavailable(f"the stock of order {order_id} was given back; the order is about to expire")
