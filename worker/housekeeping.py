"""What a worker process does beside its jobs: report itself, obey the staff, send what is due, watch its own threads."""

from __future__ import annotations

import ctypes
import logging
import os
import socket
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from orders.adapters.rds.base import table_of
from orders.adapters.rds.engine import database_errors
from orders.adapters.rds.job_models import QueueControl, WorkerRow
from orders.domain.errors import CartwrightError
from worker import inspection, registry, telemetry
from worker.control import GONE_AFTER_SECONDS
from worker.household import Household
from worker.queue import JobQueue, send_due
from worker.retry import JobTimedOut

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
REPORT_SECONDS = 5.0
CONTROL_SECONDS = 2.0
SCHEDULE_SECONDS = 2.0
"""How late a scheduled job may be sent: nothing that is due in seconds goes through the schedule."""
SILENT_AFTER_SECONDS = 60.0
"""A poller that has not come back for this long (three long polls) has lost its connection without noticing."""

_WORKERS, _CONTROLS = table_of(WorkerRow), table_of(QueueControl)


class Housekeeping:
    """One thread per process."""

    def __init__(
        self,
        worker: Household,
        on_sign_of_life: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._worker = worker
        self._engine = worker.context.engine
        self._clock = clock
        self._sign_of_life = on_sign_of_life
        self._next: dict[str, float] = {}
        self._started_at = worker.context.desk.clock.now()
        self._last_count = (clock(), 0)
        self._lost_before = 0
        self._is_schedule_known = worker.options.is_burst
        self._resting: set[str] = set()

    def run(self, stop: threading.Event) -> None:
        """Keep house until stopped, then leave the list of workers."""
        while not stop.wait(TICK_SECONDS):
            self.tick()
        self._guarded("leave", self._leave)

    def begin(self) -> None:
        """Before the first message: which queues are to be left alone, and a row, so that a pause waits for this worker."""
        self._guarded("control", self.obey)
        self._guarded("report", self.report)

    def tick(self) -> None:
        """One round. What fails is tried again in the next."""
        self.watch()
        self._sign_of_life()
        self._every(SCHEDULE_SECONDS, "schedule", self._send_due)
        self._every(CONTROL_SECONDS, "control", self.obey)
        self._every(REPORT_SECONDS, "report", self.report)
        self._every(telemetry.REPORT_SECONDS, "metrics", self.measure)
        if not self._is_schedule_known:
            self._guarded("schedule", self._enter_schedule)

    def _every(self, seconds: float, name: str, action: Callable[[], None]) -> None:
        now = self._clock()
        if now >= self._next.get(name, 0.0):
            self._next[name] = now + seconds
            self._guarded(name, action)

    def _guarded(self, name: str, action: Callable[[], None]) -> None:
        try:
            action()
        except CartwrightError as error:
            log.warning("housekeeping_failed", extra={"what": name, "reason": str(error)})

    def _send_due(self) -> None:
        assert self._engine is not None  # noqa: S101  (Worker refuses to be made without)
        send_due(self._engine, self._worker.context.queues, self._now())

    def _enter_schedule(self) -> None:
        """The jobs that run by themselves, once for all workers."""
        assert self._engine is not None  # noqa: S101
        context = self._worker.context
        queue = JobQueue(self._engine, context.queues, context.desk.clock)
        for job in registry.known():
            if job.every_seconds:
                queue.enqueue(job, every=job.every_seconds, job_id=f"every:{job.name}")
        self._is_schedule_known = True

    def measure(self) -> None:
        """Write the metrics: depth, lag and backlog per worker of each queue, and what the jobs did."""
        assert self._engine is not None  # noqa: S101
        found = inspection.queues(self._engine, self._worker.sources, {})
        facts = {
            row["queue"]: {
                "Depth": row["waiting"],
                "InFlight": row["in_flight"],
                "LagSeconds": row["lag_seconds"],
                "BacklogPerWorker": row["waiting"] / max(1, row["workers"]),
            }
            for row in found
        }
        lost, self._lost_before = self._worker.heartbeat.lost - self._lost_before, self._worker.heartbeat.lost
        self._worker.metrics.report(facts, lost)

    def _now(self) -> datetime:
        return self._worker.context.desk.clock.now()

    def watch(self) -> None:
        """End jobs that run over their limit, replace pollers that have fallen silent."""
        now = self._clock()
        for thread, (deliveries, since) in list(self._worker.executor.running.items()):
            if now - since > deliveries[0].job.timeout_seconds:
                log.error("job_timed_out", extra={"job": deliveries[0].job.name})
                raise_in(thread, JobTimedOut)
        for name, poller in self._worker.pollers.items():
            if now - poller.last_sign > SILENT_AFTER_SECONDS:
                log.error("poller_silent", extra={"queue": name, "seconds": round(now - poller.last_sign)})
                self._worker.replace_poller(name)

    def obey(self) -> None:
        """Read which queues are to be left alone, and whether this worker was told to stop."""
        assert self._engine is not None  # noqa: S101
        with database_errors("the queue controls"), self._engine.connect() as connection:
            states = {row.queue: row.state for row in connection.execute(select(_CONTROLS))}
            mine = select(_WORKERS.c.stop_requested).where(_WORKERS.c.name == self._worker.options.name)
            is_told_to_stop = connection.scalar(mine)
        is_news = self._worker.paused != set(states)
        self._worker.paused = set(states)
        rested = {queue for queue, state in states.items() if state == "paused"}
        # A pause may last for hours: what was fetched before it must not be kept from everybody.
        self._worker.hand_back(self._worker.backlog.pause(rested))
        if is_news or self._resting != rested:
            # Whoever paused the queue waits for this row (control.at_rest).
            self._resting = rested
            self.report()
        if is_told_to_stop:
            log.info("stop_requested", extra={"worker": self._worker.options.name})
            self._worker.stop()

    def report(self) -> None:
        """Write this worker's row, and remove those of the dead."""
        assert self._engine is not None  # noqa: S101
        row = self._row()
        changes = {name: value for name, value in row.items() if name not in {"name", "started_at"}}
        statement = insert(_WORKERS).values(**row)
        now = row["seen_at"]
        with database_errors("the workers"), self._engine.begin() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=changes))
            dead = _WORKERS.c.seen_at < now - timedelta(seconds=GONE_AFTER_SECONDS)
            for name in connection.scalars(_WORKERS.delete().where(dead).returning(_WORKERS.c.name)):
                log.warning("worker_gone", extra={"worker": name})

    def _row(self) -> dict[str, Any]:
        worker, now = self._worker, self._now()
        executor = worker.executor
        since, count = self._last_count
        minutes = max(1e-3, (self._clock() - since) / 60)
        rate = round((executor.done - count) / minutes)
        self._last_count = (self._clock(), executor.done)
        running = [
            {
                "job": deliveries[0].job.name,
                "messages": len(deliveries),
                "order_id": deliveries[0].message.order_id if len(deliveries) == 1 else "",
                "seconds": round(self._clock() - began, 1),
            }
            for deliveries, began in list(executor.running.values())
        ]
        return {
            "name": worker.options.name,
            "host": socket.gethostname()[:120],
            "pid": os.getpid(),
            "state": worker.state,
            "queues": {
                name: {
                    "lag_seconds": self._oldest(name),
                    "is_paused": name in self._resting,
                    "held": worker.backlog.held_of(name),
                }
                for name in worker.pollers
            },
            "running": running,
            "held": worker.backlog.held(),
            "done": executor.done,
            "failed": executor.failed,
            "rate_per_minute": rate,
            "release": worker.context.desk.settings.release[:60],
            "started_at": self._started_at,
            "seen_at": now,
        }

    def _oldest(self, queue: str) -> float:
        """The age of the oldest message of a queue that this worker knows: of what it holds, or received last."""
        now = self._now().timestamp()
        held = [
            held.received.sent_at.timestamp() for held in self._worker.leases.all() if held.queue == queue
        ]
        return round(max([self._worker.pollers[queue].lag_seconds, *(now - sent_at for sent_at in held)]), 1)

    def _leave(self) -> None:
        assert self._engine is not None  # noqa: S101
        with database_errors("the workers"), self._engine.begin() as connection:
            connection.execute(_WORKERS.delete().where(_WORKERS.c.name == self._worker.options.name))


def raise_in(thread: int, error: type[BaseException]) -> None:
    """Raise an error in another thread, at its next step in Python code (CPython's PyThreadState_SetAsyncExc)."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error))
