"""The one place where messages are deleted: after their effects are committed, many with one call."""

from __future__ import annotations

import logging
import queue
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep

from orders.adapters.sqs import BATCH_LIMIT
from orders.domain.errors import CartwrightError
from orders.failpoints import failpoint
from worker.delivery import Delivery
from worker.gathering import Gathering
from worker.leases import Leases
from worker.source import Source

log = logging.getLogger(__name__)

PAUSE_AFTER_FAILURE_SECONDS = 0.5
SIDE_BY_SIDE = 4
"""Delete calls at once."""
GATHER_SECONDS = 0.05
"""Before a call while jobs end one by one and often; far shorter than any lease."""


class Acknowledger:
    """One thread per process. Whatever it fails to delete comes again and is found in the inbox."""

    def __init__(self, leases: Leases, sources: Mapping[str, Source]) -> None:
        self._leases = leases
        self._sources = sources
        self._finished: queue.SimpleQueue[Delivery | None] = queue.SimpleQueue()
        self._pending = 0
        self._empty = threading.Condition()
        self._helpers = ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="delete")

    def done(self, deliveries: Sequence[Delivery]) -> None:
        """The effects of these are committed: delete them soon."""
        with self._empty:
            self._pending += len(deliveries)
        for delivery in deliveries:
            self._finished.put(delivery)

    def run(self) -> None:
        """Delete until `stop`. While one call is under way the next ones gather, and while jobs end often a moment longer."""
        gathering = Gathering(GATHER_SECONDS)
        while (first := self._finished.get()) is not None:
            sleep(gathering.rest_seconds())
            batch: list[Delivery] = [first]
            is_last = False
            while not self._finished.empty() and len(batch) < 100:
                more = self._finished.get()
                if more is None:
                    is_last = True
                    break
                batch.append(more)
            gathering.came(len(batch), BATCH_LIMIT)
            self._delete(batch)
            if is_last:
                return

    def stop(self) -> None:
        """Finish what was handed in, then end."""
        self._finished.put(None)

    def wait_until_empty(self, timeout: float) -> bool:
        """Wait until everything handed in was deleted or given up."""
        with self._empty:
            return self._empty.wait_for(lambda: self._pending == 0, timeout)

    def _delete(self, batch: Sequence[Delivery]) -> None:
        by_queue: dict[str, list[Delivery]] = defaultdict(list)
        for delivery in batch:
            by_queue[delivery.queue].append(delivery)
        calls = [
            (name, deliveries[start : start + BATCH_LIMIT])
            for name, deliveries in by_queue.items()
            for start in range(0, len(deliveries), BATCH_LIMIT)
        ]
        if len(calls) == 1:
            self._delete_from(*calls[0])
        else:
            list(self._helpers.map(lambda call: self._delete_from(*call), calls))
        failpoint("worker.after_delete")
        self._leases.remove(batch)
        with self._empty:
            self._pending -= len(batch)
            self._empty.notify_all()

    def _delete_from(self, name: str, deliveries: Sequence[Delivery]) -> None:
        """Try for as long as the leases last: a message deleted late is a message not repeated."""
        while True:
            try:
                self._sources[name].delete_many([delivery.received.handle for delivery in deliveries])
                return
            except CartwrightError as error:
                log.warning("delete_failed", extra={"queue": name, "reason": str(error)})
                if all(monotonic() >= delivery.leased_until for delivery in deliveries):
                    return
                threading.Event().wait(PAUSE_AFTER_FAILURE_SECONDS)
