"""Order path 8/9: the outbox relay tells the world what the book has promised - tracking, stock, topic, jobs.

Rows are claimed with FOR UPDATE SKIP LOCKED and deleted when their effect is done, in one transaction that a crash
simply ends: the rows are due again at once, and every effect may be repeated without harm. The first row of an order is
the key to all its rows, so that an order's effects happen in their order, by one relay at a time.
"""

from __future__ import annotations

import logging
import random
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, bindparam, delete, select, update

from orders.adapters.rds.base import table_of
from orders.adapters.rds.engine import database_errors
from orders.adapters.rds.models import Outbox
from orders.domain.errors import CartwrightError, NotFound, Refused
from orders.domain.ids import OrderId, Sku
from orders.domain.inventory import ReservationState
from orders.failpoints import failpoint
from orders.messages import encode_job
from orders.observability import traceparent
from orders.ports import Effect, EventTopic, InventoryStore, JobMessage, OrderQueue, TrackingStore
from orders.services.tracking_views import from_payload

log = logging.getLogger(__name__)

ORDERS_AT_ONCE = 50
IDLE_SECONDS = 0.25
"""How soon a promise is noticed that another program committed; our own commits wake the relay."""
LONGEST_PAUSE_SECONDS = 60.0
WRITER_THREADS = 8

_OUTBOX = table_of(Outbox)
_EARLIER = _OUTBOX.alias("earlier")
_HEADS = (
    select(_OUTBOX.c.order_id)
    .where(_OUTBOX.c.due_at <= bindparam("now"))
    .where(
        ~select(_EARLIER.c.seq)
        .where(_EARLIER.c.order_id == _OUTBOX.c.order_id, _EARLIER.c.seq < _OUTBOX.c.seq)
        .exists()
    )
    .order_by(_OUTBOX.c.due_at, _OUTBOX.c.seq)
    .limit(ORDERS_AT_ONCE)
    .with_for_update(skip_locked=True)
)
_ROWS = (
    select(_OUTBOX).where(_OUTBOX.c.order_id.in_(bindparam("orders", expanding=True))).order_by(_OUTBOX.c.seq)
)


@dataclass
class _Claim:
    """The rows in hand and how each went."""

    rows: Sequence[RowMapping]
    errors: dict[int, CartwrightError] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)

    def of(self, *effects: Effect) -> list[RowMapping]:
        return [row for row in self.rows if row["effect"] in effects]


class OutboxRelay:
    """One thread per process; any number of processes share the work."""

    def __init__(
        self,
        engine: Engine,
        *,
        tracking: TrackingStore,
        inventory: InventoryStore,
        topic: EventTopic,
        queues: OrderQueue,
        now: Callable[[], Any],
    ) -> None:
        self._engine = engine
        self._tracking = tracking
        self._inventory = inventory
        self._topic = topic
        self._queues = queues
        self._now = now
        self._wake = threading.Event()
        self._writers = ThreadPoolExecutor(WRITER_THREADS, thread_name_prefix="outbox")
        self.delivered = 0
        self._is_idle = False

    def is_idle(self) -> bool:
        """Whether the last look found nothing, and nobody called since."""
        return self._is_idle and not self._wake.is_set()

    def wake(self) -> None:
        """Something was promised: look now."""
        self._wake.set()

    def run(self, stop: threading.Event) -> None:
        """Relay until stopped, without a rest while there is work."""
        failures = 0
        while not stop.is_set():
            self._wake.clear()
            try:
                found = self.relay_once()
                self._is_idle = found == 0
                failures = 0
            except CartwrightError as error:
                failures += 1
                log.warning("outbox_away", extra={"reason": str(error)})
                stop.wait(min(5.0, 0.2 * 2**failures) * (0.5 + random.random() / 2))  # noqa: S311
                continue
            if not found:
                self._wake.wait(IDLE_SECONDS)
        self._writers.shutdown(wait=True)

    def drain(self) -> int:
        """Deliver everything that is due now; for tests, bursts and the doctor. Returns how many rows."""
        total = 0
        while found := self.relay_once():
            total += found
        return total

    def relay_once(self) -> int:
        """Claim, deliver and delete the due rows of some orders. Returns how many rows were claimed."""
        with database_errors("the outbox"), self._engine.begin() as connection:
            orders = connection.scalars(_HEADS, {"now": self._now()}).all()
            if not orders:
                return 0
            claim = _Claim(connection.execute(_ROWS, {"orders": orders}).mappings().all())
            failpoint("outbox.after_claim")
            self._deliver(claim)
            failpoint("outbox.before_done")
            self._settle(connection, claim)
        self.delivered += len(claim.done)
        return len(claim.rows)

    def _deliver(self, claim: _Claim) -> None:
        """All kinds of effect in turn; within an order each kind keeps its order."""
        self._project(claim)
        failpoint("outbox.after_tracking")
        self._move_stock(claim)
        failpoint("outbox.after_stock")
        self._in_batches(claim, claim.of(Effect.EVENT), self._publish)
        failpoint("outbox.after_event")
        by_queue: dict[str, list[RowMapping]] = defaultdict(list)
        for row in claim.of(Effect.JOB):
            by_queue[row["payload"]["queue"]].append(row)
        for queue, rows in by_queue.items():
            self._in_batches(claim, rows, partial(self._send, queue))
        failpoint("outbox.after_job")

    def _project(self, claim: _Claim) -> None:
        """Only the newest view of each order is written: it contains the older ones."""
        by_order: dict[Any, list[RowMapping]] = defaultdict(list)
        for row in claim.of(Effect.TRACKING):
            by_order[row["order_id"]].append(row)

        def write(rows: list[RowMapping]) -> None:
            newest = max(rows, key=lambda row: row["payload"]["version"])
            self._tracking.project(from_payload(newest["payload"]))

        self._in_parallel(claim, list(by_order.values()), write)

    def _move_stock(self, claim: _Claim) -> None:
        by_order: dict[Any, list[RowMapping]] = defaultdict(list)
        kinds = (Effect.CONFIRM_STOCK, Effect.RELEASE_STOCK, Effect.SHIP_STOCK, Effect.TAKE_BACK_STOCK)
        for row in claim.of(*kinds):
            by_order[row["order_id"]].append(row)

        def move(rows: list[RowMapping]) -> None:
            for row in rows:
                self._move(row)

        self._in_parallel(claim, list(by_order.values()), move)

    def _move(self, row: RowMapping) -> None:
        order_id, payload = OrderId(str(row["order_id"])), row["payload"]
        lines = {Sku(sku): pieces for sku, pieces in payload.get("lines", {}).items()}
        if row["effect"] == Effect.CONFIRM_STOCK:
            self._confirm(order_id, row["correlation_id"])
        elif row["effect"] == Effect.RELEASE_STOCK:
            self._inventory.release(order_id)
        elif row["effect"] == Effect.SHIP_STOCK:
            self._inventory.ship(order_id, payload["shipment_id"], lines)
        else:
            self._inventory.take_back(order_id, payload["return_id"], lines)

    def _confirm(self, order_id: OrderId, correlation_id: str) -> None:
        """When the stock was given back before the book knew the order, the order expires (or was cancelled)."""
        if self._inventory.confirm(order_id) is ReservationState.EXPIRED:
            message = JobMessage(
                id=f"expire_order:{order_id}",
                job="expire_order",
                payload={"order_id": order_id},
                order_id=order_id,
                correlation_id=correlation_id,
                traceparent=traceparent(correlation_id),
                enqueued_at=self._now(),
            )
            self._queues.send(encode_job(message), queue="high")

    def _publish(self, rows: Sequence[RowMapping]) -> None:
        self._topic.publish([row["payload"] for row in rows])

    def _send(self, queue: str, rows: Sequence[RowMapping]) -> None:
        self._queues.send_many([row["payload"]["body"] for row in rows], queue=queue)

    def _in_parallel(
        self, claim: _Claim, groups: Sequence[list[RowMapping]], act: Callable[[list[RowMapping]], object]
    ) -> None:
        def guarded(rows: list[RowMapping]) -> None:
            try:
                act(rows)
            except CartwrightError as error:
                claim.errors.update((row["seq"], error) for row in rows)
            else:
                claim.done.update(row["seq"] for row in rows)

        if len(groups) == 1:
            guarded(groups[0])
        else:
            list(self._writers.map(guarded, groups))

    def _in_batches(
        self, claim: _Claim, rows: Sequence[RowMapping], act: Callable[[Sequence[RowMapping]], None]
    ) -> None:
        """All at once; after a failure one by one, so that one bad row does not hold up the others."""
        if not rows:
            return
        try:
            act(rows)
            claim.done.update(row["seq"] for row in rows)
            return
        except CartwrightError as error:
            if len(rows) == 1:
                claim.errors[rows[0]["seq"]] = error
                return
        for row in rows:
            self._in_batches(claim, [row], act)

    def _settle(self, connection: Connection, claim: _Claim) -> None:
        """Delete what is done. What failed waits a while, and with it all later rows of its order."""
        if claim.done:
            connection.execute(delete(_OUTBOX).where(_OUTBOX.c.seq.in_(claim.done)))
        for row in claim.rows:
            error = claim.errors.get(row["seq"])
            if error is None:
                continue
            attempts = row["attempts"] + 1
            pause = min(LONGEST_PAUSE_SECONDS, 0.5 * 2 ** min(attempts, 10)) * (0.5 + random.random() / 2)  # noqa: S311
            if isinstance(error, Refused) and not isinstance(error, NotFound):
                log.error("outbox_refused", extra={"key": row["key"], "reason": str(error)})
            else:
                log.warning("outbox_failed", extra={"key": row["key"], "reason": str(error)})
            connection.execute(
                update(_OUTBOX)
                .where(_OUTBOX.c.seq == row["seq"])
                .values(
                    attempts=attempts,
                    due_at=self._now() + timedelta(seconds=pause),
                    last_error=f"{type(error).__name__}: {error}"[:500],
                )
            )
