"""Keeps running and prefetched messages invisible to others for as long as this process lives, and not a second longer.

The visibility timeout is short (6 s): when the process is killed, its messages are received by another worker within
that time, and run again within ten. A job that runs for an hour stays ours because the heartbeat moves its timeout on.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from time import monotonic

from orders.domain.errors import CartwrightError
from worker.delivery import Delivery
from worker.leases import Leases
from worker.source import Source

log = logging.getLogger(__name__)

BEATS_PER_LEASE = 3
"""Two beats may be lost before a lease is."""


class Heartbeat:
    """One thread per process."""

    def __init__(
        self,
        leases: Leases,
        sources: Mapping[str, Source],
        visibility_seconds: float,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._leases = leases
        self._sources = sources
        self._visibility = visibility_seconds
        self._clock = clock
        self.lost = 0

    def run(self, stop: threading.Event) -> None:
        """Beat until stopped."""
        pause = self._visibility / BEATS_PER_LEASE / 2
        while not stop.wait(pause):
            self.beat()

    def beat(self) -> None:
        """Move on every lease that has used up a third of its time."""
        now = self._clock()
        due: dict[str, list[Delivery]] = defaultdict(list)
        for delivery in self._leases.all():
            used = now - (delivery.leased_until - self._visibility)
            if not delivery.is_lost and used >= self._visibility / BEATS_PER_LEASE:
                due[delivery.queue].append(delivery)
        for queue, deliveries in due.items():
            self._extend(queue, deliveries)

    def _extend(self, queue: str, deliveries: list[Delivery]) -> None:
        asked_at = self._clock()
        by_handle = {delivery.received.handle: delivery for delivery in deliveries}
        try:
            refused = self._sources[queue].change_visibility_many(list(by_handle), int(self._visibility))
        except CartwrightError as error:
            # Not lost yet: the lease runs on until its own end, and the next beat tries again.
            log.warning("heartbeat_missed", extra={"queue": queue, "reason": str(error)})
            return
        for handle in refused:
            by_handle[handle].is_lost = True
            self.lost += 1
            log.warning("lease_lost", extra={"queue": queue, "message_id": by_handle[handle].message.id})
        for delivery in deliveries:
            if not delivery.is_lost:
                delivery.leased_until = asked_at + self._visibility
