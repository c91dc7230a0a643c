"""A pool of connections of which some stay at hand between statements, past its taking, giving and looking after.

Borrowing a connection for one statement and giving it back takes half as much processor time again as the statement. One
that ran a statement is therefore laid down as it is, with a cursor for each statement that it knows, and picked up by the
next: while nobody waits for it, for some seconds at most, and only as long as its pool stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, cast

import psycopg
from psycopg.rows import RowMaker, namedtuple_row
from sqlalchemy import QueuePool
from sqlalchemy.pool import PoolProxiedConnection

MOST_AT_HAND = 2
"""Of one pool. Statements take less than a millisecond each: seldom are more on their way at one moment."""
RENEW_SECONDS = 60.0
"""Then it goes back to the pool, which looks at its age (engine.RECYCLE_SECONDS)."""
PING_AFTER_IDLE_SECONDS = 1.0
"""Under load a connection is used again sooner, and is not asked; one that died meanwhile costs one 503."""
MOST_CURSORS = 100
"""As many as psycopg keeps prepared statements."""


class Ready:
    """A borrowed connection, each of whose statements is a transaction of its own."""

    __slots__ = ("_cursors", "borrowed_at", "connection", "held", "used_at")

    def __init__(self, held: PoolProxiedConnection) -> None:
        self.held = held
        self.connection = cast("psycopg.Connection[Any]", held.driver_connection)
        self.borrowed_at = self.used_at = monotonic()
        self._cursors: dict[str, psycopg.Cursor[Any]] = {}
        self.connection.autocommit = True

    def rows(self, statement: str, values: Mapping[str, Any]) -> Sequence[Any]:
        """The rows of a statement. Raises psycopg's errors."""
        cursor = self._cursors.get(statement)
        if cursor is None:
            if len(self._cursors) >= MOST_CURSORS:
                self._cursors.clear()
            cursor = self._cursors[statement] = self.connection.cursor(row_factory=_Named())
        cursor.execute(cast(Any, statement), values)
        # Not `cursor.description`: it makes an object of each column.
        return () if cursor.rownumber is None else cursor.fetchall()

    def is_good(self) -> bool:
        """Whether it may be used again; otherwise it is let go."""
        now = monotonic()
        if now - self.borrowed_at > RENEW_SECONDS:
            self.give_back()
            return False
        if now - self.used_at >= PING_AFTER_IDLE_SECONDS:
            try:
                self.connection.execute("SELECT 1")
            except psycopg.Error as error:
                self.held.invalidate(error)
                return False
        return True

    def give_back(self) -> None:
        """Return it to its pool as it was."""
        if not self.connection.closed:
            self.connection.autocommit = False
        self.held.close()


class _Named:
    """Named tuples for one statement. It names the same columns whenever it is asked, so they are read once."""

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: RowMaker[Any] | None = None

    def __call__(self, cursor: Any) -> RowMaker[Any]:
        if self._made is None:
            self._made = namedtuple_row(cursor)
        return self._made


class SharingPool(QueuePool):
    """SQLAlchemy's pool, which lets single statements keep a connection at hand, and takes it back before anybody waits."""

    _sqla_logger_namespace = "sqlalchemy.pool.impl.QueuePool"
    """SQLAlchemy would name the logger after this module, whose level is the program's own, and note there whatever a pool does."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._at_hand: list[Ready] = []

    def take(self) -> Ready:
        """The connection that was laid down last, or a borrowed one. Raises what borrowing raises."""
        while self._at_hand:
            try:
                ready = self._at_hand.pop()
            except IndexError:  # Another thread was faster.
                break
            if ready.is_good():
                return ready
        return Ready(self.connect())

    def lay_down(self, ready: Ready) -> None:
        """Keep a connection for the next statement, unless enough are at hand or all that the pool keeps are lent."""
        ready.used_at = monotonic()
        # First laid down, then looked: whoever began to wait meanwhile is seen.
        self._at_hand.append(ready)
        if len(self._at_hand) > MOST_AT_HAND or (self.overflow() >= 0 and self.checkedin() == 0):
            self._take_back()

    def connect(self) -> PoolProxiedConnection:
        """As QueuePool: but what is at hand is nobody's, and goes to whoever would have to wait."""
        if self._at_hand and self.overflow() >= self._max_overflow and self.checkedin() == 0:
            self._take_back()
        return super().connect()

    def checkedout(self) -> int:
        """How many connections somebody uses now."""
        return super().checkedout() - len(self._at_hand)

    def dispose(self) -> None:
        """As QueuePool, with what is at hand."""
        while self._at_hand:
            self._at_hand.pop().held.invalidate()
        super().dispose()

    def _take_back(self) -> None:
        with suppress(IndexError):
            self._at_hand.pop(0).give_back()
