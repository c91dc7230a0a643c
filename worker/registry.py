"""The jobs by name: a message names a job, and only what is entered here can be run. Nothing is imported for a message.

@job("orders", timeout=30, retry=Retry(max_attempts=5))
def capture_payment(context: JobContext, message: JobMessage) -> None: ...

@job("orders", batch=100)
def record_order(context: JobContext, messages: Sequence[JobMessage]) -> None: ...
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from typing import Any

from orders.domain.errors import Poison
from worker.job import Job
from worker.retry import Retry

_jobs: dict[str, Job] = {}


def add(job: Job) -> None:
    """Enter a job. Raises ValueError when another function has the name."""
    known = _jobs.get(job.name)
    if known is not None and known.function.__qualname__ != job.function.__qualname__:
        raise ValueError(f"two jobs are called {job.name}")
    _jobs[job.name] = job


def job(
    queue: str = "orders",
    *,
    timeout: float = 30.0,
    retry: Retry | None = None,
    batch: int = 1,
    keeps_result: bool = False,
    unique_for: float = 0.0,
    every: int = 0,
    idempotent_by: Sequence[str] = (),
    name: str = "",
) -> Callable[[Callable[..., Any]], Job]:
    """Make a function a job of a queue and enter it in the registry under its name.

    `timeout` in seconds for one run; `keeps_result` stores status, progress and return value for whoever asks;
    `unique_for` seconds the same job for the same order and payload is not enqueued a second time; `every` so many seconds
    the job runs by itself, on one of the workers; `idempotent_by` names what makes two messages the same (`order_id` or
    fields of the payload): asked for any number of times, what the job writes in its transaction of the book is
    committed once, ever.
    """

    def enter(function: Callable[..., Any]) -> Job:
        made = Job(
            name or function.__name__,
            function,
            queue,
            timeout,
            retry or Retry(),
            batch,
            keeps_result,
            unique_for,
            every,
            tuple(idempotent_by),
        )
        add(made)
        return made

    return enter


def find(name: str) -> Job:
    """The job of a name. Raises Poison: a message for an unknown job is for another release or for nobody."""
    if name not in _jobs:
        raise Poison(f"this release knows no job {name!r}")
    return _jobs[name]


def known() -> list[Job]:
    """Every job that is entered so far. A copy: another thread may enter more."""
    return list(_jobs.values())


def load() -> dict[str, Job]:
    """Enter every job of worker/jobs/ and return all, by name."""
    import worker.jobs

    for module in pkgutil.iter_modules(worker.jobs.__path__):
        importlib.import_module(f"worker.jobs.{module.name}")
    return dict(sorted(_jobs.items()))
