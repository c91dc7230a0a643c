"""A worker's clocks, for tests that move them by hand."""

from __future__ import annotations

from orders.adapters.memory.clock import MemoryClock

STEP_SECONDS = 1


class Time:
    """The monotonic clock and the queue's clock, moved together."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.queue = MemoryClock()

    def __call__(self) -> float:
        """The time."""
        return self.now

    def step(self) -> None:
        """A second later."""
        self.now += STEP_SECONDS
        self.queue.advance(STEP_SECONDS)
