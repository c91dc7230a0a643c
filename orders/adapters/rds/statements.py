"""One statement by the driver itself: for the few ways that are walked so often that SQLAlchemy around them would be felt.

SQLAlchemy's statement, result and unit of work take four times the processor time of the statement that they end in: 0.55
of 0.17 ms to read a row, 0.76 of 0.14 ms to change one. The pool, its errors and its dead connections stay SQLAlchemy's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import psycopg
from psycopg.rows import RowFactory, dict_row, namedtuple_row
from sqlalchemy import Compiled, Connection, Engine, Executable
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError

from orders.adapters.rds.at_hand import Ready, SharingPool

Values = Mapping[str, Any]


def run(engine: Engine, statement: str, values: Values) -> Sequence[Any]:
    """The rows of one statement with psycopg's `%(name)s` placeholders, committed when it returns. A `%` is written `%%`.

    Raises SQLAlchemy's errors; a dead connection leaves the pool.
    """
    pool = engine.pool
    try:
        ready = pool.take() if isinstance(pool, SharingPool) else Ready(pool.connect())
    except psycopg.Error as error:
        raise _told(engine, statement, values, error, is_dead=True) from error
    try:
        found = ready.rows(statement, values)
    except psycopg.Error as error:
        is_dead = engine.dialect.is_disconnect(cast(Any, error), cast(Any, ready.connection), None)
        if is_dead:
            ready.held.invalidate(error)
        else:
            ready.give_back()
        raise _told(engine, statement, values, error, is_dead=is_dead) from error
    except BaseException:
        ready.held.invalidate()  # Nobody knows how far it came.
        raise
    if isinstance(pool, SharingPool) and pool is engine.pool:
        pool.lay_down(ready)
    else:
        ready.give_back()
    return found


def run_within(
    connection: Connection, statement: str, values: Values, *, as_mappings: bool = False
) -> Sequence[Any]:
    """As `run`, within the transaction of a connection of SQLAlchemy: whoever opened that ends it.

    The rows are named tuples, or dictionaries `as_mappings`.
    """
    held: Any = connection.connection.driver_connection
    try:
        return _rows(held, statement, values, dict_row if as_mappings else namedtuple_row)
    except psycopg.Error as error:
        is_dead = connection.dialect.is_disconnect(cast(Any, error), held, None)
        if is_dead:
            connection.invalidate(error)
        raise _told(connection.engine, statement, values, error, is_dead=is_dead) from error


def compiled(statement: Executable) -> str:
    """The text of a statement that SQLAlchemy has composed, for the driver; to be made once. Its parameters keep their
    names, and take what the driver takes: a list for an array, psycopg's Json for a JSON value. Raises ValueError for a
    statement with a value in it, which would get lost.
    """
    made: Compiled = statement.compile(dialect=_DIALECT)  # type: ignore[attr-defined]
    if values := {name: value for name, value in (made.params or {}).items() if value is not None}:
        raise ValueError(f"name these values with bindparam: {values}")
    return str(made)


_DIALECT = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]


def _rows(
    connection: psycopg.Connection[Any],
    statement: str,
    values: Values,
    row_factory: RowFactory[Any] = namedtuple_row,
) -> Sequence[Any]:
    with connection.cursor(row_factory=row_factory) as cursor:
        cursor.execute(cast(Any, statement), values)
        # Not `cursor.description`: it makes an object of each column.
        return () if cursor.rownumber is None else cursor.fetchall()


def _told(
    engine: Engine, statement: str, values: Values, error: psycopg.Error, *, is_dead: bool
) -> DBAPIError:
    return cast(
        DBAPIError,
        DBAPIError.instance(
            statement, None, error, psycopg.Error, connection_invalidated=is_dead, dialect=engine.dialect
        ),
    )
