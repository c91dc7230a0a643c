"""Waiting a moment for company: while work comes often, a short rest serves several messages for the price of one.

A transaction, a call of AWS and a wake-up cost the same for one message as for ten. Where work comes seldom nobody
waits, so that a single order is as quick as ever; where it comes in floods nobody waits either, since it is there.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

OFTEN_SECONDS = 0.3
"""Two things served within so little time: the next one is worth waiting for."""


class Gathering:
    """The rest of one loop. Not for several threads."""

    def __init__(self, seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._last = self._before = float("-inf")

    def came(self, count: int, most: int) -> None:
        """So many things came of at most so many that were asked for. All of them: more is there, do not rest."""
        if count >= most:
            self._before = self._last = float("-inf")
        elif count:
            self._before, self._last = self._last, self._clock()

    def rest_seconds(self) -> float:
        """How long to wait before the next look; 0 where work comes seldom or in floods."""
        is_often = self._last - self._before < OFTEN_SECONDS and self._clock() - self._last < OFTEN_SECONDS
        return self._seconds if is_often else 0.0
