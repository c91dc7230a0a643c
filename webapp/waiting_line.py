"""Who goes in next when a process has more requests than it can answer: the line before its door, without sockets or threads.

A shop sells as much as it can carry through, and no more by letting more people in. So whoever is further goes first, and a
newcomer brings a dozen further requests only when nobody who has begun is waiting (docs/adr/0021).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from threading import Event


class Rank(IntEnum):
    """How far somebody is; the lowest number goes first."""

    PLACING = 0
    PAYING = 1
    CHECKING_OUT = 2
    KNOWN = 3
    """Has a cart, an account or an order, and looks at something."""
    BEGINNING = 4
    """Puts the first thing into a cart: with that a dozen requests begin."""
    NEWCOMER = 5


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of one process."""

    most: int = 100
    """Requests inside while nothing is scarce. Most of them then wait for a provider or for the order API."""
    at_first: int = 16
    """Inside, while nothing is known. More are let in as fast as it turns out that they do no harm."""
    fewest: int = 8
    """Inside, however slow it gets: fewer could leave the processor idle while one of them waits for the database."""
    in_line: int = 300
    """Who may wait, of each rank: a flood of one takes nobody else's place in line."""
    wait_seconds: float = 4.0
    """In the line; with what is inside everybody has an answer within five seconds."""


LATE_SECONDS = 0.02
"""A place that is handed on is taken up within one round of the event loop, half a round later on average. Longer rounds mean
that more are inside than the processor serves: it would answer no more of them for that, only each of them later."""
LOOK_EVERY_SECONDS = 0.1
FEWER = 0.8
"""By this factor at a time, but one more at a time: so it settles where there are just enough."""
QUIET_SECONDS = 10.0
"""After so long without anybody waiting, what was learned in the last rush is forgotten."""
LEARNED_FROM_SECONDS = 2.0
WORTH_WAITING_SECONDS = {Rank.KNOWN: 3.0, Rank.BEGINNING: 2.0, Rank.NEWCOMER: 2.0}
"""A line that has stood for a while is no burst: from then on only so many wait in it as are let in within this time, and the
others are told at once. Whoever is in the checkout waits in any case."""
FEWEST_IN_LINE = 32
"""May wait however slow it goes: so few are no crowd, and nobody else would be there to learn from when it goes faster again."""
OLDEST_EVERY = 16
"""Every so many-th place goes to whoever has waited longest, so that no rank is shut out by the others. An order takes
twelve requests, so this alone lets in no more shoppers than can be carried through."""


@dataclass(slots=True, eq=False)
class Turn:
    """Somebody who has asked to come in. `called` is for whoever waits: it is set when the place is theirs."""

    rank: Rank
    came: float
    called_at: float | None = None
    called: Event | None = None

    def call(self, now: float) -> None:
        """The place is theirs."""
        self.called_at = now
        if self.called is not None:
            self.called.set()


@dataclass(slots=True)
class _Line:
    """Those of one rank."""

    turns: deque[Turn] = field(default_factory=deque)
    inside: int = 0
    stands_since: float = 0.0
    let_in: deque[float] = field(default_factory=deque)
    """When somebody was let in, while others waited."""


class WaitingLine:
    """Counts who is inside and says who is next. Not thread-safe: the door holds a lock.

    All times are seconds of the caller's clock. `is_short` tells whether something that requests share is used up now, such as
    the connections to the database.
    """

    def __init__(self, bounds: Bounds, is_short: Callable[[], bool] = lambda: False) -> None:
        self.bounds = bounds
        self._is_short = is_short
        self._lines = {rank: _Line() for rank in Rank}
        self._limit = float(min(bounds.at_first, bounds.most))
        self._inside = self._handed_on = 0
        self._late_seconds, self._taken_up, self._was_free = 0.0, 0, False
        self._looked_at = self._waited_at = float("-inf")

    @property
    def inside(self) -> int:
        """Requests that are on their way."""
        return self._inside

    @property
    def waiting(self) -> int:
        """Requests that wait."""
        return sum(len(line.turns) for line in self._lines.values())

    @property
    def is_full(self) -> bool:
        """Whether somebody who asks now may have to wait."""
        return self._inside >= int(self._limit)

    @property
    def limit(self) -> int:
        """How many may be inside now."""
        return int(self._limit)

    def ask(self, rank: Rank, now: float) -> Turn | None:
        """Ask to come in: the turn is called at once when there is a place. None when waiting would be in vain."""
        if now - self._waited_at > QUIET_SECONDS:
            self._limit = float(min(self.bounds.at_first, self.bounds.most))
        line, turn = self._lines[rank], Turn(rank, now)
        if not line.turns:
            line.stands_since = now
            line.let_in.clear()
        line.turns.append(turn)
        self._call(now)
        if turn.called_at is not None:
            return turn
        self._waited_at = now
        if len(line.turns) > self._longest(rank, now):
            line.turns.pop()
            return None
        return turn

    def took_up(self, turn: Turn, now: float) -> None:
        """Somebody who had to wait has come in: how late after the call tells how busy the processor is."""
        self._late_seconds += now - (turn.called_at or now)
        self._taken_up += 1
        self._was_free = self._was_free or not self._is_short()
        if now - self._looked_at < LOOK_EVERY_SECONDS:
            return
        has_room = self._was_free and self._late_seconds / self._taken_up <= LATE_SECONDS
        fewest = min(self.bounds.fewest, self.bounds.most)
        changed = self._limit + 1 if has_room else self._limit * FEWER
        self._limit = min(max(changed, fewest), self.bounds.most)
        self._late_seconds, self._taken_up, self._was_free, self._looked_at = 0.0, 0, False, now

    def give_up(self, turn: Turn) -> bool:
        """Step out of the line. False when the turn has come: the place is taken then."""
        if turn.called_at is not None:
            return False
        self._lines[turn.rank].turns.remove(turn)
        return True

    def leave(self, turn: Turn, now: float) -> None:
        """Give the place back, and with it whoever is next their turn."""
        self._lines[turn.rank].inside -= 1
        self._inside -= 1
        self._call(now)

    def _call(self, now: float) -> None:
        while (rank := self._next()) is not None:
            line = self._lines[rank]
            line.turns.popleft().call(now)
            line.inside += 1
            self._inside += 1
            if rank in WORTH_WAITING_SECONDS:
                line.let_in.append(now)

    def _next(self) -> Rank | None:
        ready = [rank for rank, line in self._lines.items() if line.turns and self._has_place(rank)]
        if len(ready) < 2:
            return ready[0] if ready else None
        self._handed_on += 1
        if self._handed_on % OLDEST_EVERY == 0:
            return min(ready, key=lambda rank: self._lines[rank].turns[0].came)
        return ready[0]

    def _has_place(self, rank: Rank) -> bool:
        if rank is Rank.PLACING and self._lines[rank].inside >= max(1, self.limit // 2):
            # They wait for a provider and the order API. When one of these hangs, there is still a shop to look at.
            return False
        return self._inside < int(self._limit)

    def _longest(self, rank: Rank, now: float) -> int:
        line, worth = self._lines[rank], WORTH_WAITING_SECONDS.get(rank)
        if worth is None or now - line.stands_since < LEARNED_FROM_SECONDS:
            return self.bounds.in_line
        while line.let_in and now - line.let_in[0] > LEARNED_FROM_SECONDS:
            line.let_in.popleft()
        within = round(len(line.let_in) * worth / LEARNED_FROM_SECONDS)
        return min(max(within, FEWEST_IN_LINE), self.bounds.in_line)
