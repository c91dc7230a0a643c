"""Long polls of one queue: asks only for what there is room for, costs nothing while nothing comes."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, time

from orders.adapters.sqs import BATCH_LIMIT, LONGEST_WAIT_SECONDS, ReceivedMessage
from orders.domain.errors import CartwrightError, Poison
from orders.failpoints import failpoint
from orders.messages import decode_job
from orders.ports import JobMessage
from worker import registry
from worker.backlog import Backlog
from worker.delivery import Delivery
from worker.gathering import Gathering
from worker.job import Job
from worker.leases import Leases
from worker.retry import Retry
from worker.source import Source

log = logging.getLogger(__name__)

SIDE_BY_SIDE = 4
"""Receive calls at once for one queue: a call waits on the network for longer than it takes of a processor."""
LONGEST_PAUSE_SECONDS = 5.0
"""Between two tries while the queue service is away."""
GATHER_SECONDS = 0.2
"""Between two receives of a queue whose messages come one by one and often: what comes meanwhile shares a transaction."""


class Poller:
    """One thread per queue. `last_sign` is when it last came back from a call: the watchdog looks at it."""

    def __init__(
        self,
        name: str,
        source: Source,
        backlog: Backlog,
        leases: Leases,
        visibility_seconds: int,
        *,
        is_paused: Callable[[], bool] = lambda: False,
        wait_seconds: int = LONGEST_WAIT_SECONDS,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.name = name
        self.last_sign = clock()
        self.empty_polls = 0
        self.lag_seconds = 0.0
        self._source = source
        self._backlog = backlog
        self._leases = leases
        self._visibility = visibility_seconds
        self._is_paused = is_paused
        self._wait = wait_seconds
        self._clock = clock
        self._failures = 0
        self._is_abandoned = False
        self._is_flowing = False
        self._gathering = Gathering(GATHER_SECONDS, clock)
        self._helpers = ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix=f"poll-{name}")

    def abandon(self) -> None:
        """Another poller has taken over: stop when you come back."""
        self._is_abandoned = True

    def run(self, stop: threading.Event) -> None:
        """Poll until stopped."""
        while not stop.is_set() and not self._is_abandoned:
            self.last_sign = self._clock()
            if self._is_paused():
                stop.wait(1.0)
                continue
            stop.wait(self._gathering.rest_seconds())
            room = self._backlog.wait_for_room(self.name, timeout=1.0)
            if room > 0:
                self._poll(room, stop)

    def _poll(self, room: int, stop: threading.Event) -> None:
        asked_at = self._clock()
        try:
            received = self._receive(room)
        except CartwrightError as error:
            self._failures += 1
            pause = min(LONGEST_PAUSE_SECONDS, 0.2 * 2**self._failures) * (0.5 + random.random() / 2)  # noqa: S311
            log.warning("receive_failed", extra={"queue": self.name, "reason": str(error)})
            stop.wait(pause)
            return
        self._failures = 0
        self._is_flowing = len(received) >= BATCH_LIMIT
        self.empty_polls = 0 if received else self.empty_polls + 1
        self._gathering.came(len(received), min(room, BATCH_LIMIT))
        if received:
            self.lag_seconds = round(max(0.0, time() - received[0].sent_at.timestamp()), 1)
            self._take(received, asked_at)
        else:
            self.lag_seconds = 0.0

    def _receive(self, room: int) -> list[ReceivedMessage]:
        """One long poll; while messages flow and there is room for them, several short ones side by side."""
        calls = min(SIDE_BY_SIDE, room // BATCH_LIMIT) if self._is_flowing else 1
        if calls <= 1:
            return self._source.receive(min(room, BATCH_LIMIT), self._wait, self._visibility)
        tries = [
            self._helpers.submit(self._source.receive, BATCH_LIMIT, 0, self._visibility) for _ in range(calls)
        ]
        received: list[ReceivedMessage] = []
        error: CartwrightError | None = None
        for one in tries:
            try:
                received += one.result()
            except CartwrightError as failed:
                error = failed
        if error is not None and not received:
            raise error
        return received

    def _take(self, received: Sequence[ReceivedMessage], asked_at: float) -> None:
        # A long poll may have waited: the leases began when SQS answered, somewhere between then and now.
        began = max(asked_at, self._clock() - 1.0)
        deliveries = [self._delivery(message, began) for message in received]
        failpoint("worker.after_receive")
        self._leases.add(deliveries)
        if not self._backlog.put(deliveries):
            self._leases.remove(deliveries)
            hand_back(self._source, deliveries)

    def _delivery(self, received: ReceivedMessage, began: float) -> Delivery:
        try:
            message = decode_job(received.body)
            job = registry.find(message.job)
        except Poison as error:
            message = JobMessage(id=f"sqs:{received.message_id}", job="unreadable", payload={})
            job = _unreadable(error)
        return Delivery(self.name, received, message, job, began + self._visibility)


def hand_back(source: Source, deliveries: Sequence[Delivery]) -> None:
    """Make messages visible to others at once."""
    try:
        source.change_visibility_many([delivery.received.handle for delivery in deliveries], 0)
    except CartwrightError as error:
        log.warning("hand_back_failed", extra={"reason": str(error)})


def _unreadable(error: Poison) -> Job:
    """A job that only says what is wrong with its message, so that it takes the same way into quarantine."""

    def tell(_context: object, _message: JobMessage) -> None:
        raise error

    return Job("unreadable", tell, retry=Retry(max_attempts=1))
