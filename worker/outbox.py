"""Order path 8/9: the outbox relay tells the world what the book has promised - tracking, stock, topic, jobs.

Rows are claimed with FOR UPDATE SKIP LOCKED and deleted when their effect is done, in one transaction that a crash
simply ends: the rows are due again at once, and every effect may be repeated without harm. The first row of an order is
the key to all its rows, so that an order's effects happen in their order, by one relay at a time.
"""

from __future__ import annotations

import logging
import random
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, Engine, bindparam, delete, func, literal_column, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from orders.adapters.rds.base import table_of
from orders.adapters.rds.engine import database_errors
from orders.adapters.rds.models import Outbox
from orders.adapters.rds.statements import compiled, run_within
from orders.domain.errors import CartwrightError, Poison, Refused
from orders.domain.ids import OrderId
from orders.failpoints import failpoint
from orders.messages import encode_job
from orders.ports import Effect, OutboxRow
from worker.effects import STOCK, Effects
from worker.gathering import Gathering
from worker.jobs.deliver_effect import QUEUE, message_for
from worker.quarantine import Failure, record

log = logging.getLogger(__name__)

ORDERS_AT_ONCE = 50
IDLE_SECONDS = 0.4
"""How soon a promise is noticed that another program committed; our own commits wake the relay."""
GATHER_SECONDS = 0.05
"""Between two claims while orders come one by one and often: they share calls of the topic and of the queues."""
LONGEST_PAUSE_SECONDS = 60.0
"""Of an effect that was refused or met a bug of ours."""
LONGEST_WHILE_AWAY_SECONDS = 8.0
"""Of an effect whose target is away: all is delivered within ten seconds of its return, however long it was away."""
GIVE_UP_AFTER = 8
"""Tries of an effect that was refused, over about three minutes: what it needs may only be late. An effect whose
target is away is tried for ever, and so is one that meets a bug of ours: the next release delivers it."""
WRITER_THREADS = 8

_OUTBOX = table_of(Outbox)
_EARLIER = _OUTBOX.alias("earlier")
_HEADS = (
    select(_OUTBOX.c.order_id.label("head"))
    .where(_OUTBOX.c.due_at <= bindparam("now"))
    .where(
        ~select(_EARLIER.c.seq)
        .where(_EARLIER.c.order_id == _OUTBOX.c.order_id, _EARLIER.c.seq < _OUTBOX.c.seq)
        .exists()
    )
    .order_by(_OUTBOX.c.due_at, _OUTBOX.c.seq)
    .limit(literal_column(str(ORDERS_AT_ONCE)))  # In the text: the planner is to know that they are few.
    .with_for_update(skip_locked=True)
    .cte("heads")
)
# In one statement with the lock: whatever another relay did to an order since it began, it did to the order's first row,
# too, which then is gone, locked or not due.
_CLAIM = compiled(
    select(
        _OUTBOX.c.seq,
        _OUTBOX.c.attempts,
        _OUTBOX.c.key,
        _OUTBOX.c.effect,
        _OUTBOX.c.order_id,
        _OUTBOX.c.payload,
        _OUTBOX.c.correlation_id,
    )
    .where(_OUTBOX.c.order_id.in_(select(_HEADS.c.head)))
    .order_by(_OUTBOX.c.seq)
)
_DELETE = compiled(
    delete(_OUTBOX).where(_OUTBOX.c.seq == func.any(bindparam("done", type_=ARRAY(BigInteger))))
)


@dataclass(frozen=True, slots=True)
class _Row:
    """A claimed row."""

    seq: int
    attempts: int
    effect: OutboxRow


@dataclass
class _Claim:
    """The rows in hand and how each went."""

    rows: Sequence[_Row]
    errors: dict[int, Exception] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)

    def of(self, *effects: Effect) -> list[_Row]:
        return [row for row in self.rows if row.effect.effect in effects]

    def by_order(self, *effects: Effect) -> list[list[_Row]]:
        groups: dict[OrderId, list[_Row]] = defaultdict(list)
        for row in self.of(*effects):
            groups[row.effect.order_id].append(row)
        return list(groups.values())


class OutboxRelay:
    """One thread per process; any number of processes share the work."""

    def __init__(self, engine: Engine, effects: Effects, release: str = "") -> None:
        self._engine = engine
        self._release = release
        self._effects = effects
        self._now = effects.now
        self._wake = threading.Event()
        self._writers = ThreadPoolExecutor(WRITER_THREADS, thread_name_prefix="outbox")
        self._is_idle = False
        self._orders_claimed = 0
        self.delivered = 0

    def is_idle(self) -> bool:
        """Whether the last look found nothing, and nobody called since."""
        return self._is_idle and not self._wake.is_set()

    def wake(self) -> None:
        """Something was promised: look now."""
        self._wake.set()

    def run(self, stop: threading.Event) -> None:
        """Relay until stopped, without a rest while more orders are due than one claim takes."""
        failures = 0
        gathering = Gathering(GATHER_SECONDS)
        while not stop.is_set():
            stop.wait(gathering.rest_seconds())
            self._wake.clear()
            try:
                found = self.relay_once()
                self._is_idle = found == 0
                gathering.came(self._orders_claimed, ORDERS_AT_ONCE)
                failures = 0
            except Exception as error:
                # One of the outermost loops: whatever goes wrong, the next look may go better.
                failures += 1
                is_known = isinstance(error, CartwrightError)
                log.warning("outbox_away", extra={"reason": str(error)}, exc_info=None if is_known else error)
                stop.wait(min(5.0, 0.2 * 2**failures) * (0.5 + random.random() / 2))  # noqa: S311
                continue
            if self._orders_claimed < ORDERS_AT_ONCE:
                self._wake.wait(IDLE_SECONDS)
        self._writers.shutdown(wait=True)

    def drain(self) -> int:
        """Deliver everything that is due now; for tests, bursts and the doctor. Returns how many rows."""
        total = 0
        while found := self.relay_once():
            total += found
        return total

    def relay_once(self) -> int:
        """Claim, deliver and delete the due rows of some orders. Returns how many rows were claimed."""
        with database_errors("the outbox"), self._engine.begin() as connection:
            claim = _Claim([_row(found) for found in run_within(connection, _CLAIM, {"now": self._now()})])
            self._orders_claimed = len({row.effect.order_id for row in claim.rows})
            if not claim.rows:
                return 0
            failpoint("outbox.after_claim")
            self._deliver(claim)
            failpoint("outbox.before_done")
            self._settle(connection, claim)
        self.delivered += len(claim.done)
        return len(claim.rows)

    def _deliver(self, claim: _Claim) -> None:
        """All kinds of effect in turn; within an order each kind keeps its order."""
        self._in_parallel(claim, claim.by_order(Effect.TRACKING), self._project)
        failpoint("outbox.after_tracking")
        self._in_parallel(claim, claim.by_order(*STOCK), self._move_stock)
        failpoint("outbox.after_stock")
        self._in_batches(claim, claim.of(Effect.EVENT), self._effects.publish)
        failpoint("outbox.after_event")
        self._in_batches(claim, claim.of(Effect.JOB), self._effects.send)
        failpoint("outbox.after_job")

    def _project(self, rows: list[_Row]) -> None:
        self._effects.project([row.effect for row in rows])

    def _move_stock(self, rows: list[_Row]) -> None:
        for row in rows:
            self._effects.move_stock(row.effect)

    def _in_parallel(
        self, claim: _Claim, groups: Sequence[list[_Row]], act: Callable[[list[_Row]], None]
    ) -> None:
        def guarded(rows: list[_Row]) -> None:
            try:
                act(rows)
            except Exception as error:
                # A broken row must not hold up the other orders of the claim; it is logged by _settle.
                claim.errors.update((row.seq, error) for row in rows)
            else:
                claim.done.update(row.seq for row in rows)

        if len(groups) == 1:
            guarded(groups[0])
        else:
            list(self._writers.map(guarded, groups))

    def _in_batches(
        self, claim: _Claim, rows: Sequence[_Row], act: Callable[[Sequence[OutboxRow]], None]
    ) -> None:
        """All at once; after a failure one by one, so that one bad row does not hold up the others."""
        if not rows:
            return
        try:
            act([row.effect for row in rows])
            claim.done.update(row.seq for row in rows)
            return
        except Exception as error:
            if len(rows) == 1:
                claim.errors[rows[0].seq] = error
                return
        for row in rows:
            self._in_batches(claim, [row], act)

    def _settle(self, connection: Connection, claim: _Claim) -> None:
        """Delete what is done. What failed waits a while, and with it all later rows of its order."""
        if claim.done:
            run_within(connection, _DELETE, {"done": list(claim.done)})
        for row in claim.rows:
            error = claim.errors.get(row.seq)
            if error is None:
                continue
            attempts = row.attempts + 1
            if isinstance(error, Refused | Poison) and attempts >= GIVE_UP_AFTER:
                self._give_up(connection, row, error)
                continue
            is_passing = isinstance(error, CartwrightError) and error.retryable
            longest = LONGEST_WHILE_AWAY_SECONDS if is_passing else LONGEST_PAUSE_SECONDS
            pause = min(longest, 0.5 * 2 ** min(attempts, 10)) * (0.5 + random.random() / 2)  # noqa: S311
            log.log(
                logging.WARNING if is_passing else logging.ERROR,
                "outbox_failed",
                extra={"key": row.effect.key, "attempts": attempts, "reason": str(error)},
                exc_info=None if isinstance(error, CartwrightError) else error,
            )
            connection.execute(
                update(_OUTBOX)
                .where(_OUTBOX.c.seq == row.seq)
                .values(
                    attempts=attempts,
                    due_at=self._now() + timedelta(seconds=pause),
                    last_error=f"{type(error).__name__}: {error}"[:500],
                )
            )

    def _give_up(self, connection: Connection, row: _Row, error: CartwrightError) -> None:
        """Into quarantine, as the job that delivers it: its order's later effects go on, and a replay does it again."""
        now = self._now()
        message = message_for(row.seq, row.effect, now)
        body, tries = encode_job(message), row.attempts + 1
        record(connection, Failure(QUEUE, message, body, error, tries, self._release, now))
        connection.execute(delete(_OUTBOX).where(_OUTBOX.c.seq == row.seq))
        log.error("outbox_given_up", extra={"key": row.effect.key, "reason": str(error)})


def _row(found: Any) -> _Row:
    order_id = OrderId(str(found.order_id))
    effect = OutboxRow(found.key, Effect(found.effect), order_id, found.payload, found.correlation_id)
    return _Row(found.seq, found.attempts, effect)
