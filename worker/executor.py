"""Runs jobs and decides what becomes of their messages: done, again, later, or quarantine."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from time import monotonic

from orders.domain.errors import CartwrightError, OutcomeUnknown, StorageAway, Unavailable
from worker.acknowledge import Acknowledger
from worker.backlog import Backlog
from worker.context import JobContext
from worker.delivery import Delivery
from worker.job import Job
from worker.leases import DoneBefore, Leases, serving
from worker.middleware import Middleware, stopwatch
from worker.poller import hand_back
from worker.quarantine import Quarantine
from worker.queue import release_unique
from worker.results import Results
from worker.retry import AWAY, Fate, LeaseLost, fate_of
from worker.source import Source

log = logging.getLogger(__name__)

TAKE_SECONDS = 5.0
"""Only so that a thread looks whether it is still wanted; what comes in wakes it at once."""


class Executor:
    """What the job threads share."""

    def __init__(
        self,
        context: JobContext,
        backlog: Backlog,
        leases: Leases,
        acknowledger: Acknowledger,
        quarantine: Quarantine,
        sources: Mapping[str, Source],
        middleware: Sequence[Middleware],
        results: Results,
        on_commit: Callable[[], None] = lambda: None,
        on_outage: Callable[[], None] = lambda: None,
    ) -> None:
        self._context = context
        self._backlog = backlog
        self._leases = leases
        self._acknowledger = acknowledger
        self._quarantine = quarantine
        self._sources = sources
        self._middleware = middleware
        self._results = results
        self._on_commit = on_commit
        self._on_outage = on_outage
        self._lock = threading.Lock()
        self.running: dict[int, tuple[Sequence[Delivery], float]] = {}
        """By thread: what it works on, and since when (monotonic)."""
        self.done = 0
        self.failed = 0

    def run(self, stop: threading.Event) -> None:
        """Work until stopped and nothing is left to take."""
        while not stop.is_set():
            group = self._backlog.take(TAKE_SECONDS)
            if group:
                self.serve(group)
            elif not self._backlog.is_open:
                # Others finish what they run: to ask again and again would take the processor from them.
                stop.wait()

    def serve(self, group: Sequence[Delivery]) -> None:
        """Run one job for its message, or for its batch of messages, and decide what follows."""
        live = [delivery for delivery in group if not self._is_lost(delivery)]
        self._forget([delivery for delivery in group if delivery not in live])
        if not live:
            return
        job = live[0].job
        with stopwatch() as taken:
            error = self._attempt(job, live)
        if error is None:
            for hook in self._middleware:
                hook.after(job, live, taken[0])
            self._finished(live)
        else:
            self._failed(job, live, taken[0], error)

    def _attempt(self, job: Job, deliveries: Sequence[Delivery]) -> BaseException | None:
        """The one broad except of the worker: whatever a job does, the loop goes on."""
        thread = threading.get_ident()
        self.running[thread] = (deliveries, monotonic())
        try:
            for hook in self._middleware:
                hook.before(job, deliveries)
            with serving(deliveries):
                self._call(job, deliveries)
        except DoneBefore:
            return None
        except Exception as error:
            return error
        finally:
            self.running.pop(thread, None)
        return None

    def _call(self, job: Job, deliveries: Sequence[Delivery]) -> None:
        messages = [delivery.message for delivery in deliveries]
        if job.batch > 1:
            job.function(self._context, messages)
        elif job.keeps_result:
            with self._results.of(deliveries[0]) as progress:
                result = job.function(replace(self._context, progress=progress), messages[0])
            self._results.succeeded(deliveries[0], result)
        else:
            job.function(self._context, messages[0])

    def _finished(self, deliveries: Sequence[Delivery]) -> None:
        with self._lock:
            self.done += len(deliveries)
        self._release_unique(deliveries)
        self._acknowledger.done(deliveries)
        self._backlog.done(deliveries)
        self._on_commit()

    def _release_unique(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            if delivery.job.unique_for_seconds and self._context.engine is not None:
                try:
                    release_unique(self._context.engine, delivery.message)
                except CartwrightError as error:
                    # The claim ends by itself when its time is over.
                    log.warning(
                        "unique_kept", extra={"message_id": delivery.message.id, "reason": str(error)}
                    )

    def _failed(self, job: Job, group: Sequence[Delivery], seconds: float, error: BaseException) -> None:
        if isinstance(error, Unavailable) and not isinstance(error, OutcomeUnknown) and self._is_outage():
            self._tell(job, group, seconds, error, None)
            self._wait_out(group)
            return
        if isinstance(error, StorageAway) and all(one.local_attempts < AWAY.max_attempts for one in group):
            self._tell(job, group, seconds, error, None)
            self._wait_in_hand(group)
            return
        if len(group) > 1:
            self._tell(job, group, seconds, error, None)
            self._split(group)
            return
        fate = fate_of(error, group[0].attempt, job.retry)
        self._tell(job, group, seconds, error, fate)
        self._dispose(group[0], job, error, fate)

    def _tell(
        self, job: Job, group: Sequence[Delivery], seconds: float, error: BaseException, fate: Fate | None
    ) -> None:
        for hook in self._middleware:
            hook.failure(job, group, seconds, error, fate)

    def _split(self, group: Sequence[Delivery]) -> None:
        """Halve the batch until the bad message stands alone: the others are done, it fails by itself."""
        middle = len(group) // 2
        self.serve(group[:middle])
        self.serve(group[middle:])

    def _dispose(self, delivery: Delivery, job: Job, error: BaseException, fate: Fate) -> None:
        with self._lock:
            self.failed += 1
        if job.keeps_result:
            self._keep_failure(delivery, error, fate)
        if fate is Fate.QUARANTINE and self._to_quarantine(delivery, error):
            self._acknowledger.done([delivery])
            self._backlog.done([delivery])
            return
        if fate is not Fate.DROP:
            self._come_back_later(delivery, job, error)
        self._forget([delivery])

    def _keep_failure(self, delivery: Delivery, error: BaseException, fate: Fate) -> None:
        try:
            self._results.failed(delivery, error, fate)
        except CartwrightError as trouble:
            log.warning("result_not_kept", extra={"message_id": delivery.message.id, "reason": str(trouble)})

    def _to_quarantine(self, delivery: Delivery, error: BaseException) -> bool:
        try:
            self._quarantine.take(delivery, error)
        except CartwrightError as trouble:
            # It stays in its queue and fails again later; SQS itself moves it away after five receives.
            log.error("quarantine_failed", extra={"message_id": delivery.message.id, "reason": str(trouble)})
            return False
        return True

    def _come_back_later(self, delivery: Delivery, job: Job, error: BaseException) -> None:
        hint = getattr(error, "retry_after_seconds", None) or 0.0
        patience = AWAY if isinstance(error, StorageAway) else job.retry
        seconds = max(patience.delay(delivery.attempt, random.random), hint)
        try:
            source = self._sources[delivery.queue]
            source.change_visibility_many([delivery.received.handle], round(seconds))
        except CartwrightError as trouble:
            # Its visibility runs out by itself, sooner or later than we wished.
            log.warning("backoff_failed", extra={"message_id": delivery.message.id, "reason": str(trouble)})

    def _is_outage(self) -> bool:
        """Whether the book itself is away: then no job can run, and failing them one by one would use up their tries."""
        try:
            self._context.desk.book.ping()
        except Unavailable:
            return True
        return False

    def _wait_out(self, group: Sequence[Delivery]) -> None:
        """Keep the messages and their leases; the gate opens when the book is back."""
        self._backlog.gate(True)
        self._on_outage()
        self._put_back(group)

    def _wait_in_hand(self, group: Sequence[Delivery]) -> None:
        """Keep the messages and their leases, each for a moment of its own: the book answers but cannot write, or is back."""
        now = monotonic()
        for delivery in group:
            delivery.local_attempts += 1
            delivery.not_before = now + AWAY.delay(delivery.local_attempts, random.random)
        self._put_back(group)

    def _put_back(self, group: Sequence[Delivery]) -> None:
        if not self._backlog.put_back(group):
            self._leases.remove(group)
            hand_back(self._sources[group[0].queue], group)

    def _is_lost(self, delivery: Delivery) -> bool:
        try:
            delivery.check(monotonic())
        except LeaseLost:
            return True
        return False

    def _forget(self, deliveries: Sequence[Delivery]) -> None:
        """These are somebody else's business now."""
        self._leases.remove(deliveries)
        self._backlog.done(deliveries)
