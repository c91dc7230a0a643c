"""A job: a function that serves the messages of one name, with its limits.

@job("orders", timeout=30, retry=Retry(max_attempts=5))
def capture_payment(context: JobContext, message: JobMessage) -> None: ...

@job("orders", batch=100)
def record_order(context: JobContext, messages: Sequence[JobMessage]) -> None: ...
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from worker import registry
from worker.retry import Retry


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of job. `batch` > 1 means that the function takes up to that many messages at once, all or nothing."""

    name: str
    function: Callable[..., Any]
    queue: str = "orders"
    timeout_seconds: float = 30.0
    retry: Retry = field(default_factory=Retry)
    batch: int = 1
    keeps_result: bool = False
    unique_for_seconds: float = 0.0
    every_seconds: int = 0
    idempotent_by: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return (self.function.__doc__ or "").strip().splitlines()[0] if self.function.__doc__ else ""


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
        registry.add(made)
        return made

    return enter
