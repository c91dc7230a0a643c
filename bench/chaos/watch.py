"""What a chaos run sees while it goes on: each fault with its moments, and each order as it enters the book."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import gevent
import psycopg

from bench.chaos.faults import NoVictim, inflict
from bench.chaos.schedule import Planned
from bench.chaos.stage import Stage

LOOK_EVERY_SECONDS = 0.2
OVERLAP = 500
"""Rows are looked at again: identity values do not become visible in their order."""


@dataclass
class Inflicted:
    """A fault that was done, or why it could not be. Times are seconds since the start of the run."""

    planned: Planned
    began: float = 0.0
    ended: float = 0.0
    what: str = ""
    skipped: str = ""


@dataclass
class BookWatcher:
    """Notes when each order was first seen confirmed in the book, over a connection that no fault touches."""

    dsn: str
    clock: Callable[[], float]
    seen: dict[str, float] = field(default_factory=dict)
    _last: int = 0

    def run(self) -> None:
        """Look for ever; a database that is down is asked again."""
        while True:
            try:
                with psycopg.connect(self.dsn, autocommit=True, connect_timeout=2) as connection:
                    while True:
                        self.look(connection)
                        gevent.sleep(LOOK_EVERY_SECONDS)
            except psycopg.Error:
                gevent.sleep(LOOK_EVERY_SECONDS)

    def look(self, connection: psycopg.Connection) -> None:
        """Note what is new."""
        rows = connection.execute(
            "SELECT id, order_id::text FROM timeline_events WHERE type = 'order_confirmed' AND id > %s",
            [self._last - OVERLAP],
        ).fetchall()
        now = self.clock()
        for number, order_id in rows:
            self.seen.setdefault(order_id, now)
            self._last = max(self._last, number)


def play(
    stage: Stage, plan: list[Planned], clock: Callable[[], float], say: Callable[[str], None]
) -> list[Inflicted]:
    """Do every fault of the plan at its moment; returns what was done."""
    done = []
    impossible = stage.cannot()
    for planned in plan:
        gevent.sleep(max(0.0, planned.at - clock()))
        inflicted = Inflicted(planned, began=clock(), skipped=impossible.get(planned.name, ""))
        done.append(inflicted)
        if not inflicted.skipped:
            _do(stage, inflicted)
        inflicted.ended = clock()
        say(f"{inflicted.began:5.0f} s  {planned.fault.told}: {inflicted.skipped or inflicted.what}")
    return done


def _do(stage: Stage, inflicted: Inflicted) -> None:
    try:
        with inflict(stage, inflicted.planned) as what:
            inflicted.what = what
            gevent.sleep(inflicted.planned.seconds)
    except NoVictim as error:
        inflicted.skipped = str(error)


@dataclass(frozen=True, slots=True)
class OrderTimes:
    """The moments of one order, in seconds since the start of the run."""

    taken: float
    """When the order API took it, by the time that the order carries."""
    recorded: float | None
    """When it was first seen confirmed in the book; None: never."""
    accepted: float | None
    """When its shopper saw that it was taken; None: the shopper had given up."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """How the shop came out of a fault. Seconds from the end of the fault; None: never."""

    served_after: float | None
    """To the first order that a shopper saw accepted after the end and that is recorded."""
    caught_up_after: float | None
    """Until every order that was taken before the end was recorded; 0 when all of them already were."""
    waiting: int
    """How many orders were taken and not yet recorded when the fault ended."""

    @property
    def recovered_after(self) -> float | None:
        """Both: orders are taken and recorded again, and nothing of before is owed any more."""
        if self.served_after is None or self.caught_up_after is None:
            return None
        return max(self.served_after, self.caught_up_after)


def recovery(inflicted: Inflicted, orders: Iterable[OrderTimes]) -> Recovery:
    """How the shop came out of a fault, by all orders of the run, those that no shopper saw included."""
    end = inflicted.ended
    found = list(orders)
    served = [
        max(order.accepted, order.recorded)
        for order in found
        if order.accepted is not None and order.accepted > end and order.recorded is not None
    ]
    before = [order.recorded for order in found if order.taken <= end]
    late = [moment for moment in before if moment is None or moment > end]
    return Recovery(
        served_after=min(served) - end if served else None,
        caught_up_after=None
        if None in late
        else max((at - end for at in late if at is not None), default=0.0),
        waiting=len(late),
    )
