"""A worker process as its housekeeping sees it, and how it is to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from worker.backlog import Backlog
from worker.context import JobContext
from worker.delivery import Delivery
from worker.executor import Executor
from worker.heartbeat import Heartbeat
from worker.leases import Leases
from worker.poller import Poller
from worker.source import Source
from worker.telemetry import Metrics


@dataclass(frozen=True, slots=True)
class Options:
    """How one worker process runs."""

    queues: tuple[str, ...] = ("high", "orders", "low")
    threads: int = 4
    is_burst: bool = False
    max_jobs: int = 0
    visibility_seconds: int = 6
    """A killed worker's messages are received again this soon; the heartbeat needs no more than a third of it."""
    finish_within_seconds: float = 20.0
    wait_seconds: int = 20
    name: str = "worker"
    relays_outbox: bool = True


class Household(Protocol):
    """What is watched, reported and told to rest; worker.Worker is one."""

    options: Options
    context: JobContext
    backlog: Backlog
    leases: Leases
    metrics: Metrics
    heartbeat: Heartbeat
    executor: Executor
    pollers: dict[str, Poller]
    paused: set[str]

    @property
    def sources(self) -> Mapping[str, Source]:
        """The queues that it serves, most urgent first."""
        ...

    @property
    def state(self) -> str:
        """What `worker info` shows."""
        ...

    def stop(self) -> None:
        """Begin to stop."""
        ...

    def replace_poller(self, queue: str) -> None:
        """Start a new one beside a silent one."""
        ...

    def hand_back(self, waiting: Sequence[Delivery]) -> None:
        """Give messages that were not begun to whoever asks next."""
        ...
