"""A job: a function that serves the messages of one name, with its limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from worker.retry import Retry

QUEUES = ("high", "orders", "low")
"""The queues of jobs, most urgent first."""


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
