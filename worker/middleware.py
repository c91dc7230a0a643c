"""Hooks around every run of a job: our own logging, metrics and tracing use them, so that the loop itself stays short."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Protocol

from orders.observability import correlation_id
from worker.delivery import Delivery
from worker.job import Job
from worker.retry import Fate

log = logging.getLogger("worker.jobs")


class Middleware(Protocol):
    """Called in order around each run; a batch is one run."""

    def before(self, job: Job, deliveries: Sequence[Delivery]) -> None:
        """The job is about to run."""
        ...

    def after(self, job: Job, deliveries: Sequence[Delivery], seconds: float) -> None:
        """It ran, and its effects are committed."""
        ...

    def failure(
        self,
        job: Job,
        deliveries: Sequence[Delivery],
        seconds: float,
        error: BaseException,
        fate: Fate | None,
    ) -> None:
        """It failed. `fate` is None when the run is tried again at once in smaller parts or after an outage."""
        ...


class Logging:
    """One summary line per run, with every message's id, and the first message's correlation id."""

    def before(self, job: Job, deliveries: Sequence[Delivery]) -> None:
        """Set the correlation id of everything the job logs and sends."""
        correlation_id.set(deliveries[0].message.correlation_id if len(deliveries) == 1 else "")

    def after(self, job: Job, deliveries: Sequence[Delivery], seconds: float) -> None:
        """Say that it is done."""
        log.info("job_done", extra=_facts(job, deliveries, seconds))

    def failure(
        self,
        job: Job,
        deliveries: Sequence[Delivery],
        seconds: float,
        error: BaseException,
        fate: Fate | None,
    ) -> None:
        """Say what went wrong and what happens next."""
        facts = _facts(job, deliveries, seconds) | {
            "error": type(error).__name__,
            "reason": str(error)[:500],
            "fate": str(fate) if fate else "again",
        }
        level = logging.ERROR if fate is Fate.QUARANTINE else logging.WARNING
        log.log(level, "job_failed", extra=facts, exc_info=error if fate is Fate.QUARANTINE else None)


def _facts(job: Job, deliveries: Sequence[Delivery], seconds: float) -> dict[str, object]:
    first = deliveries[0]
    facts: dict[str, object] = {
        "job": job.name,
        "queue": first.queue,
        "milliseconds": round(seconds * 1000, 1),
        "attempt": first.attempt,
    }
    if len(deliveries) == 1:
        return facts | {"message_id": first.message.id, "order_id": first.message.order_id}
    return facts | {"messages": len(deliveries), "order_ids": [d.message.order_id for d in deliveries]}


@contextmanager
def stopwatch() -> Iterator[list[float]]:
    """A list whose only element is the seconds since the block began, once the block ends."""
    began = perf_counter()
    taken = [0.0]
    try:
        yield taken
    finally:
        taken[0] = perf_counter() - began
