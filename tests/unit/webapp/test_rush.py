"""A rush on one process, worked through with the real line on a clock of our own: what is sold, who is turned away, until when.

One processor serves whoever is inside, in turn. A shopper takes twelve requests, leaves when turned away, and thinks between two
requests, or not at all, which is the worst: the load that `python -m bench.load --overload` makes.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event

import pytest

from webapp.waiting_line import Bounds, Rank, Turn, WaitingLine

SERVICE_SECONDS = 0.008
STEPS = (
    *(Rank.NEWCOMER, Rank.BEGINNING, Rank.CHECKING_OUT, Rank.CHECKING_OUT, Rank.CHECKING_OUT),
    *(Rank.CHECKING_OUT, Rank.CHECKING_OUT, Rank.PAYING, Rank.PAYING, Rank.PAYING, Rank.PLACING, Rank.PAYING),
)
CAPACITY = 1 / SERVICE_SECONDS / len(STEPS)
RUSH_BEGINS, RUSH_ENDS, ENDS = 30.0, 60.0, 100.0
NORMAL, RUSH = CAPACITY / 2, CAPACITY * 5


class Bell(Event):
    """Calls back instead of waking a thread."""

    def __init__(self, ring: Callable[[], None]) -> None:
        super().__init__()
        self._ring = ring

    def set(self) -> None:
        """See Event."""
        self._ring()


@dataclass
class Rushed:
    """One process, its shoppers, and what became of them."""

    think_seconds: float
    rank_of: Callable[[Rank], Rank]
    bounds: Bounds = field(default_factory=Bounds)
    now: float = 0.0
    busy_until: float = 0.0
    sold: list[float] = field(default_factory=list)
    turned_away: list[tuple[float, int]] = field(default_factory=list)
    """When, and at which step."""
    longest_answer: float = 0.0

    def __post_init__(self) -> None:
        self.line = WaitingLine(self.bounds)
        self.draw = random.Random(7)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def at(self, moment: float, act: Callable[[], None]) -> None:
        """Let something happen then."""
        heapq.heappush(self._events, (moment, next(self._numbers), act))

    def run(self) -> Rushed:
        """Let shoppers come, as many as the shop can serve, five times as many, as many as before; until all have gone."""
        moment = 0.0
        while moment < ENDS:
            self.at(moment, lambda: self.ask(0))
            moment += self.draw.expovariate(RUSH if RUSH_BEGINS <= moment < RUSH_ENDS else NORMAL)
        while self._events:
            self.now, _, act = heapq.heappop(self._events)
            act()
        return self

    def ask(self, step: int) -> None:
        """A shopper asks for the next page."""
        turn = self.line.ask(self.rank_of(STEPS[step]), self.now)
        if turn is None:
            self.turned_away.append((self.now, step))
        elif turn.called_at is not None:
            self.serve(turn, step)
        else:
            turn.called = Bell(lambda: self.serve(turn, step))
            self.at(self.now + self.bounds.wait_seconds, lambda: self.lose_patience(turn, step))

    def serve(self, turn: Turn, step: int) -> None:
        """The processor takes it up once those who came in before are done."""
        began = max(self.now, self.busy_until)
        self.busy_until = began + SERVICE_SECONDS
        if turn.called is not None:
            self.at(began, lambda: self.line.took_up(turn, began))
        self.at(self.busy_until, lambda: self.finish(turn, step))

    def finish(self, turn: Turn, step: int) -> None:
        """The answer is there: on to the next step."""
        self.longest_answer = max(self.longest_answer, self.now - turn.came)
        if step + 1 < len(STEPS):
            pause = self.draw.expovariate(1 / self.think_seconds) if self.think_seconds else 0.001
            self.at(self.now + pause, lambda: self.ask(step + 1))
        else:
            self.sold.append(self.now)
        self.line.leave(turn, self.now)

    def lose_patience(self, turn: Turn, step: int) -> None:
        """Too long in line."""
        if self.line.give_up(turn):
            self.turned_away.append((self.now, step))

    def sold_per_second(self, began: float, ended: float) -> float:
        """Orders per second."""
        return sum(began <= moment < ended for moment in self.sold) / (ended - began)

    @property
    def recovered_after(self) -> float:
        """Seconds from the rush to the last shopper who was turned away."""
        return max(0.0, max(self.turned_away)[0] - RUSH_ENDS)


@pytest.mark.parametrize("think_seconds", [0.0, 0.5, 2.0])
def test_a_rush_is_sold_to_and_over_when_it_is_over(think_seconds: float) -> None:
    """The shop sells what it can, finishes every shopper who has begun, and turns nobody away ten seconds later."""
    rush = Rushed(think_seconds, rank_of=lambda rank: rank).run()
    begun = [step for _, step in rush.turned_away if step > 1]
    late = max(2.0, 12 * think_seconds)
    assert rush.turned_away
    assert begun == []
    assert rush.recovered_after < 10.0
    assert rush.longest_answer < 5.0
    assert rush.sold_per_second(RUSH_BEGINS + late, RUSH_ENDS) > 0.85 * CAPACITY
    assert (rush.line.inside, rush.line.waiting) == (0, 0)


def test_without_ranks_it_is_not() -> None:
    """The same line, first come first served: shoppers who have begun are turned away, and less is sold."""
    rush = Rushed(0.0, rank_of=lambda rank: Rank.CHECKING_OUT, bounds=Bounds(at_first=100, fewest=100)).run()
    assert len([step for _, step in rush.turned_away if step > 1]) > 100
    assert rush.sold_per_second(RUSH_BEGINS + 2, RUSH_ENDS) < 0.5 * CAPACITY
