"""One article that everybody wants: a discrete simulation of its counters, with the product's own choice among them.

Orders arrive at random (Poisson). Each takes the counter that `orders.domain.inventory` chooses for its id, in one
transaction. A counter is one DynamoDB item: while a transaction holds it another one conflicts, and its partition gives a
thousand write units a second, of which a transaction takes two. Who meets a conflict waits as `Deadline` in
orders/adapters/dynamodb/table.py does, and gives up when its budget is spent. The same seed gives the same figures.
"""

from __future__ import annotations

import heapq
import random
import uuid
from dataclasses import dataclass

from orders.adapters.dynamodb import table
from orders.domain.ids import OrderId, Sku
from orders.domain.inventory import choose_counters, counter_order, preferred_counter, split_evenly

SKU = Sku("DROP-2026")
HELD_SECONDS = 0.008
"""Assumed: how long a transaction holds an item between its two phases. AWS does not state it; measure your own."""
ANSWER_SECONDS = 0.012
"""Assumed: from the call to its answer, taken or refused."""
WRITE_UNITS_PER_SECOND = 1_000
"""Of one partition: DynamoDB's documented limit."""
UNITS = 2
"""A transactional write of up to 1 KB."""
_MILLENNIUM_MS = 1_793_000_000_000


@dataclass(frozen=True)
class Outcome:
    """What became of the orders of one run. Times in seconds from the first try to the answer."""

    orders: int
    accepted: int
    refused: int
    gave_up: int
    p50_seconds: float
    p99_seconds: float
    tries: float
    """Transactions for each order, on average."""
    fullest: float
    """Orders of the busiest counter, as a multiple of an even share."""
    left: int


@dataclass
class _Shelf:
    """The counters of the article."""

    available: list[int]
    held_until: list[float]
    budget: list[float]
    refilled_at: list[float]
    taken: list[int]

    @classmethod
    def of(cls, pieces: int, counters: int) -> _Shelf:
        return cls(
            list(split_evenly(pieces, counters)),
            [0.0] * counters,
            [float(WRITE_UNITS_PER_SECOND)] * counters,
            [0.0] * counters,
            [0] * counters,
        )

    def take(self, counter: int, now: float) -> str:
        """One transaction on one counter: taken, contended or empty."""
        refill = (now - self.refilled_at[counter]) * WRITE_UNITS_PER_SECOND
        self.budget[counter] = min(WRITE_UNITS_PER_SECOND, self.budget[counter] + refill)
        self.refilled_at[counter] = now
        if now < self.held_until[counter] or self.budget[counter] < UNITS:
            return "contended"
        self.budget[counter] -= UNITS  # A refused condition consumes its units as well.
        if self.available[counter] < 1:
            return "empty"
        self.held_until[counter] = now + HELD_SECONDS
        self.available[counter] -= 1
        self.taken[counter] += 1
        return "taken"


@dataclass(slots=True)
class _Try:
    order_id: OrderId
    began: float
    counter: int
    attempt: int = 0
    tries: int = 1


def simulate(
    rate: float, counters: int, *, seconds: float = 2.0, pieces: int = 10_000_000, seed: int = 1
) -> Outcome:
    """Let orders for one piece each arrive at `rate` a second for so many seconds; what came of them."""
    chance = random.Random(seed)
    shelf = _Shelf.of(pieces, counters)
    # Tuples, because the heap compares its entries some millions of times; the number decides between equal moments.
    waiting: list[tuple[float, int, _Try]] = []
    now = 0.0
    while (now := now + chance.expovariate(rate)) < seconds:
        order_id = _order_id(now, chance)
        waiting.append((now, len(waiting), _Try(order_id, now, preferred_counter(order_id, SKU, counters))))
    orders = len(waiting)
    heapq.heapify(waiting)
    times: list[float] = []
    tries = refused = gave_up = 0
    while waiting:
        at, number, one = heapq.heappop(waiting)
        answer = shelf.take(one.counter, at)
        if answer == "taken":
            times.append(at + ANSWER_SECONDS - one.began)
            tries += one.tries
            continue
        if answer == "empty":
            choice = choose_counters(1, shelf.available, counter_order(one.order_id, SKU, counters))
            if choice is None:
                refused, tries = refused + 1, tries + one.tries
                continue
            one.counter = choice[0][0]
        pause = chance.uniform(0, _ceiling(one.attempt))
        if at + ANSWER_SECONDS + pause - one.began > table.CONTENTION_BUDGET_SECONDS:
            gave_up, tries = gave_up + 1, tries + one.tries
            continue
        one.attempt, one.tries = one.attempt + 1, one.tries + 1
        heapq.heappush(waiting, (at + (ANSWER_SECONDS + pause), number, one))
    times.sort()
    return Outcome(
        orders=orders,
        accepted=len(times),
        refused=refused,
        gave_up=gave_up,
        p50_seconds=_quantile(times, 0.50),
        p99_seconds=_quantile(times, 0.99),
        tries=tries / max(1, orders),
        fullest=max(shelf.taken) * counters / max(1, len(times)),
        left=sum(shelf.available),
    )


def _ceiling(attempt: int) -> float:
    """The product's own pauses (see table.Deadline), which have no public names."""
    first, longest = table._FIRST_BACKOFF_SECONDS, table._LONGEST_BACKOFF_SECONDS
    return float(min(longest, first * 2 ** min(attempt, 20)))


def _order_id(now: float, chance: random.Random) -> OrderId:
    """An id as the shop makes them (UUIDv7), from seeded dice."""
    milliseconds = _MILLENNIUM_MS + int(now * 1000)
    value = (
        (milliseconds << 80) | (7 << 76) | (chance.getrandbits(12) << 64) | (2 << 62) | chance.getrandbits(62)
    )
    return OrderId(str(uuid.UUID(int=value)))


def _quantile(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0.0
