"""What a chaos run sees while it goes on: each fault with its moments, and each order as it enters the book."""

from __future__ import annotations

from collections.abc import Callable
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
