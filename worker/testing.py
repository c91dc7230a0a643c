"""The worker for tests: jobs run at once, in the caller's thread, over the in-memory twins of every port.

    bench = Workbench()
    bench.queues.send(body)
    bench.run_until_idle()
    assert not bench.quarantined

The decisions are the real ones: the same registry, the same retry policy, the same effects.
"""

from __future__ import annotations

from dataclasses import dataclass

from orders.adapters.memory.clock import MemoryClock
from orders.adapters.memory.inventory import MemoryInventory
from orders.adapters.memory.order_book import MemoryOrderBook
from orders.adapters.memory.payments import MemoryPayments
from orders.adapters.memory.queue import MemoryOrders
from orders.adapters.memory.topic import MemoryEvents
from orders.adapters.memory.tracking import MemoryTracking
from orders.adapters.sqs import ReceivedMessage
from orders.domain.errors import CartwrightError, Unavailable
from orders.domain.ids import OrderId
from orders.messages import decode_job
from orders.ports import OutboxRow, PaymentProvider
from orders.services.desk import OrderDesk
from orders.settings import Settings
from worker import registry
from worker.context import JobContext
from worker.retry import Fate, fate_of


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A message that failed for good, and why."""

    body: str
    error: BaseException


class Workbench:
    """Queues, stores, book and payments in memory, and a worker that does one thing at a time."""

    PRIORITY = ("high", "orders", "low")

    def __init__(self, settings: Settings | None = None, payments: PaymentProvider | None = None) -> None:
        registry.load()
        self.clock = MemoryClock()
        self.book = MemoryOrderBook()
        self.tracking = MemoryTracking()
        self.inventory = MemoryInventory(self.tracking)
        self.queues = MemoryOrders(self.clock)
        self.topic = MemoryEvents()
        self.payments = payments or MemoryPayments()
        self.quarantined: list[Quarantined] = []
        desk = OrderDesk(self.book, self.clock, settings or Settings())
        # The shop's own orders name the provider "test"; here the one in memory answers for it.
        providers = {"test": self.payments, self.payments.name: self.payments}
        self.context = JobContext(
            desk, None, providers, self.inventory, self.tracking, self.queues, self.topic
        )

    @property
    def desk(self) -> OrderDesk:
        """The desk of the order book."""
        return self.context.desk

    def run_until_idle(self, limit: int = 10_000) -> None:
        """Deliver effects and run jobs until nothing waits, letting the clock jump over every backoff.

        Raises AssertionError when it does not come to rest within `limit` steps.
        """
        for _ in range(limit):
            if self.deliver_effects() or self.run_next() is not None:
                continue
            if all(queue.depth().total == 0 for queue in self.queues.queues.values()):
                return
            self.clock.advance(60)
        raise AssertionError("the workbench does not come to rest")

    def deliver_effects(self, limit: int = 1_000, *, is_repeated: bool = False) -> int:
        """Deliver promised effects; `is_repeated` leaves them promised, as a crash before the delete would.

        Returns how many were delivered.
        """
        rows: list[OutboxRow] = list(self.book.tables.outbox.values())[:limit]
        waiting: set[OrderId] = set()
        delivered = 0
        for row in rows:
            if row.order_id in waiting:
                continue
            try:
                self.context.effects.apply(row)
            except Unavailable:
                # Like the relay: the later effects of this order wait with it.
                waiting.add(row.order_id)
                continue
            delivered += 1
            if not is_repeated:
                self.book.tables.outbox.pop(row.key, None)
        return delivered

    def run_next(self, *, is_forgotten: bool = False) -> BaseException | bool | None:
        """Run the most urgent visible message. Returns None when there is none, True when it went well, else its error.

        `is_forgotten` leaves a message in its queue after its job was done, as a crash before the delete would.
        """
        for name in self.PRIORITY:
            received = self.queues.queues[name].receive(1)
            if received:
                return self._run(name, received[0], is_forgotten=is_forgotten)
        return None

    def requeue_quarantined(self) -> int:
        """Send every quarantined message again, as `worker requeue --all` does. Returns how many."""
        again, self.quarantined = self.quarantined, []
        for message in again:
            queue = registry.find(decode_job(message.body).job).queue
            self.queues.send(message.body, queue=queue)
        return len(again)

    def run_body(self, body: str) -> None:
        """Run the job of one message body; its errors come through."""
        message = decode_job(body)
        job = registry.find(message.job)
        job.function(self.context, [message] if job.batch > 1 else message)

    def _run(self, queue: str, received: ReceivedMessage, *, is_forgotten: bool) -> BaseException | bool:
        source = self.queues.queues[queue]
        try:
            self.run_body(received.body)
        except CartwrightError as error:
            job = registry.find(decode_job(received.body).job)
            fate = fate_of(error, received.receive_count, job.retry)
            if fate is Fate.QUARANTINE:
                self.quarantined.append(Quarantined(received.body, error))
                source.delete_many([received.handle])
            elif fate is Fate.RETRY:
                source.change_visibility_many([received.handle], 1)
            return error
        if not is_forgotten:
            source.delete_many([received.handle])
        return True
