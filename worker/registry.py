"""The jobs by name: a message names a job, and only what is entered here can be run. Nothing is imported for a message."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

from orders.domain.errors import Poison

if TYPE_CHECKING:
    from worker.job import Job
    from worker.queue import JobQueue

_jobs: dict[str, Job] = {}


def add(job: Job) -> None:
    """Enter a job. Raises ValueError when another function has the name."""
    known = _jobs.get(job.name)
    if known is not None and known.function.__qualname__ != job.function.__qualname__:
        raise ValueError(f"two jobs are called {job.name}")
    _jobs[job.name] = job


def find(name: str) -> Job:
    """The job of a name. Raises Poison: a message for an unknown job is for another release or for nobody."""
    if name not in _jobs:
        raise Poison(f"this release knows no job {name!r}")
    return _jobs[name]


def load() -> dict[str, Job]:
    """Enter every job of worker/jobs/ and return all, by name."""
    import worker.jobs

    for module in pkgutil.iter_modules(worker.jobs.__path__):
        importlib.import_module(f"worker.jobs.{module.name}")
    return dict(sorted(_jobs.items()))


def schedule_repeating(queue: JobQueue) -> None:
    """Enter the jobs that run by themselves in the schedule, once for all workers. Raises Unavailable."""
    for job in list(_jobs.values()):
        if job.every_seconds:
            queue.enqueue(job, every=job.every_seconds, job_id=f"every:{job.name}")
