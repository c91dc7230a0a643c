"""Order path 6/9: the worker receives messages, gives them to threads, keeps their leases and deletes what is done.

    pollers (one per queue) -> backlog -> job threads -> acknowledger
                                  heartbeat over everything in hand
    outbox relay beside them, woken by each commit

At SIGTERM it takes nothing more, gives back what waits at once, and lets what runs finish within a limit.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from time import monotonic

from orders.domain.errors import CartwrightError
from worker.acknowledge import Acknowledger
from worker.backlog import Backlog
from worker.context import JobContext
from worker.delivery import Delivery
from worker.executor import Executor
from worker.heartbeat import Heartbeat
from worker.household import Options
from worker.housekeeping import Housekeeping
from worker.leases import Leases
from worker.middleware import Logging, Middleware
from worker.outbox import OutboxRelay
from worker.poller import Poller, hand_back
from worker.quarantine import Quarantine
from worker.results import Results
from worker.source import Source
from worker.telemetry import Metrics

log = logging.getLogger(__name__)

LAST_SECONDS = 3.0
"""For the threads to end after the last job: a relay that has delivered still writes that down, and lets its connection go."""
BURST_IS_OVER_AFTER = 2
"""Empty polls of every queue in a row, with nothing in hand, that end a burst."""


class Worker:
    """One process. `run` returns when it was stopped, when the burst is over or after `max_jobs`."""

    def __init__(
        self,
        context: JobContext,
        sources: Mapping[str, Source],
        dead: Mapping[str, Source],
        options: Options,
        middleware: Sequence[Middleware] = (),
        on_sign_of_life: Callable[[], None] = lambda: None,
    ) -> None:
        if context.engine is None:
            raise ValueError("a worker needs the database")
        self.options = options
        self.context = context
        self._sources = {queue: sources[queue] for queue in options.queues}
        self._stopping = threading.Event()
        self._pollers_stop = threading.Event()
        self._threads_stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self.leases = Leases()
        self.metrics = Metrics()
        self.backlog = Backlog(options.queues, options.threads)
        self.acknowledger = Acknowledger(self.leases, self._sources)
        self.heartbeat = Heartbeat(self.leases, self._sources, options.visibility_seconds)
        clock, settings = context.desk.clock, context.desk.settings
        self.relay = OutboxRelay(context.engine, context.effects, settings.release)
        self.executor = Executor(
            context,
            self.backlog,
            self.leases,
            self.acknowledger,
            Quarantine(context.engine, dead, clock, settings.release),
            self._sources,
            (Logging(), self.metrics, *middleware),
            Results(context.engine),
            on_commit=self.relay.wake,
            on_outage=self._outage,
        )
        self._outage_lock = threading.Lock()
        self.paused: set[str] = set()
        self._wait_seconds = 1 if options.is_burst else options.wait_seconds
        self.pollers = {queue: self._poller(queue) for queue in self._sources}
        self.housekeeping = Housekeeping(self, on_sign_of_life)

    @property
    def sources(self) -> Mapping[str, Source]:
        """The queues that this worker serves, most urgent first."""
        return self._sources

    @property
    def state(self) -> str:
        """What `worker info` shows: stopping, waiting (the book is away), busy or idle."""
        if self._stopping.is_set():
            return "stopping"
        if self._outage_lock.locked():
            return "waiting"
        return "busy" if self.executor.running else "idle"

    def stop(self) -> None:
        """Begin to stop; may be called from a signal handler."""
        self._stopping.set()

    def run(self) -> None:
        """Work until stopped."""
        log.info("worker_started", extra={"worker": self.options.name, "queues": list(self.options.queues)})
        self._start()
        while not self._stopping.wait(0.1 if self.options.is_burst or self.options.max_jobs else 1.0):
            if self._is_finished():
                break
        self._shut_down()
        log.info("worker_stopped", extra={"worker": self.options.name, "done": self.executor.done})

    def _poller(self, queue: str) -> Poller:
        return Poller(
            queue,
            self._sources[queue],
            self.backlog,
            self.leases,
            self.options.visibility_seconds,
            is_paused=lambda: queue in self.paused,
            wait_seconds=self._wait_seconds,
        )

    def replace_poller(self, queue: str) -> None:
        """Leave a silent poller to its fate and start a new one; should it ever wake up, it ends by itself."""
        self.pollers[queue].abandon()
        self.pollers[queue] = self._poller(queue)
        _thread(f"poll-{queue}", self.pollers[queue].run, self._pollers_stop)

    def _start(self) -> None:
        # A queue that was paused stays so for a worker that starts: not one message before the controls are read.
        self.housekeeping.begin()
        for queue, poller in self.pollers.items():
            # A long poll cannot be interrupted: its thread dies with the process, and what it might still
            # receive is handed back or comes again after the visibility timeout.
            _thread(f"poll-{queue}", poller.run, self._pollers_stop)
        for number in range(self.options.threads):
            self._begin(f"job-{number}", self.executor.run)
        self._begin("heartbeat", self.heartbeat.run)
        _thread("acknowledge", self.acknowledger.run)
        self._begin("housekeeping", self.housekeeping.run)
        if self.options.relays_outbox:
            self._begin("outbox", self.relay.run)

    def _begin(self, name: str, target: Callable[[threading.Event], None]) -> None:
        """A thread that ends with the worker."""
        self._threads.append(_thread(name, target, self._threads_stop))

    def _is_finished(self) -> bool:
        if self.options.max_jobs and self.executor.done >= self.options.max_jobs:
            return True
        if not self.options.is_burst or not self.backlog.is_idle():
            return False
        is_quiet = all(poller.empty_polls >= BURST_IS_OVER_AFTER for poller in self.pollers.values())
        return is_quiet and self.relay.is_idle()

    def _shut_down(self) -> None:
        """Take nothing more, give back what waits, finish what runs, delete what is done."""
        self._pollers_stop.set()
        self.hand_back(self.backlog.close())
        deadline = monotonic() + self.options.finish_within_seconds
        while self.executor.running and monotonic() < deadline:
            threading.Event().wait(0.02)
        self._hand_back_running()
        self.acknowledger.wait_until_empty(max(1.0, deadline - monotonic()))
        self._threads_stop.set()
        self.relay.wake()
        self.acknowledger.stop()
        last = monotonic() + LAST_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, last - monotonic()))

    def hand_back(self, waiting: Sequence[Delivery]) -> None:
        """Give messages that were not begun to whoever asks next, at once."""
        self.leases.remove(waiting)
        for queue, source in self._sources.items():
            mine = [delivery for delivery in waiting if delivery.queue == queue]
            if mine:
                hand_back(source, mine)

    def _hand_back_running(self) -> None:
        """What did not finish in time is given up: its lease is let go, so that it cannot commit any more."""
        for deliveries, _ in list(self.executor.running.values()):
            for delivery in deliveries:
                delivery.is_lost = True
            self.leases.remove(deliveries)
            hand_back(self._sources[deliveries[0].queue], deliveries)
            log.warning("job_given_up", extra={"job": deliveries[0].job.name})

    def _outage(self) -> None:
        """The book is away: one thread waits for it and opens the gate again."""
        if self._outage_lock.acquire(blocking=False):
            _thread("outage", self._wait_for_the_book)

    def _wait_for_the_book(self) -> None:
        pause, began = 0.2, monotonic()
        log.warning("book_away")
        try:
            while not self._stopping.wait(pause * (0.5 + random.random() / 2)):  # noqa: S311
                try:
                    self.context.desk.book.ping()
                except CartwrightError:
                    pause = min(2.0, pause * 2)
                    continue
                break
            log.info("book_back", extra={"seconds": round(monotonic() - began, 1)})
        finally:
            self._outage_lock.release()
            self.backlog.gate(False)


def _thread(name: str, target: object, *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=target, args=arguments, name=name, daemon=True)  # type: ignore[arg-type]
    thread.start()
    return thread
