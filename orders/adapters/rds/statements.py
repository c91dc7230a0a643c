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
from sqlalchemy.pool import PoolProxiedConnection

Values = Mapping[str, Any]


def run(engine: Engine, statement: str, values: Values) -> Sequence[Any]:
    """The rows of one statement with psycopg's `%(name)s` placeholders, committed when it returns. A `%` is written `%%`.

    Raises SQLAlchemy's errors; a dead connection leaves the pool.
    """
    held = _borrow(engine, statement, values)
    connection = cast("psycopg.Connection[Any]", held.driver_connection)
    try:
        connection.autocommit = True
        try:
            return _rows(connection, statement, values)
        finally:
            if not connection.closed:
                connection.autocommit = False
    except psycopg.Error as error:
        raise _failed(engine, held, statement, values, error) from error
    finally:
        held.close()


def run_together(engine: Engine, *statements: tuple[str, Values]) -> Sequence[Any]:
    """Several statements as one transaction; returns the rows of the last. Raises as `run`: then nothing was done."""
    *first, (statement, values) = statements
    held = _borrow(engine, statement, values)
    connection = cast("psycopg.Connection[Any]", held.driver_connection)
    try:
        with connection.transaction():
            for each, its_values in first:
                connection.execute(cast(Any, each), its_values)
            return _rows(connection, statement, values)
    except psycopg.Error as error:
        raise _failed(engine, held, statement, values, error) from error
    finally:
        held.close()


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


def _borrow(engine: Engine, statement: str, values: Values) -> PoolProxiedConnection:
    try:
        return engine.raw_connection()
    except psycopg.Error as error:
        raise _told(engine, statement, values, error, is_dead=True) from error


def _failed(
    engine: Engine, held: PoolProxiedConnection, statement: str, values: Values, error: psycopg.Error
) -> DBAPIError:
    """The error as SQLAlchemy tells it; a dead connection leaves the pool."""
    is_dead = engine.dialect.is_disconnect(cast(Any, error), held.driver_connection, None)
    if is_dead:
        held.invalidate(error)
    return _told(engine, statement, values, error, is_dead=is_dead)


def _told(
    engine: Engine, statement: str, values: Values, error: psycopg.Error, *, is_dead: bool
) -> DBAPIError:
    return cast(
        DBAPIError,
        DBAPIError.instance(
            statement, None, error, psycopg.Error, connection_invalidated=is_dead, dialect=engine.dialect
        ),
    )
