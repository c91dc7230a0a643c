"""The short way to the database for pages that only read: one round trip a statement, no transaction around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection

from webapp.extensions import db

_AUTOCOMMIT = {"isolation_level": "AUTOCOMMIT"}


def rows(statement: str, values: Mapping[str, Any]) -> Sequence[Any]:
    """The rows of one SELECT with psycopg's `%(name)s` placeholders. A `%` of its own is written `%%`.

    The pool's own connection runs it: SQLAlchemy's statement and result around it would cost a page as much as the
    rest of its reading. Errors are SQLAlchemy's all the same, and a dead connection leaves the pool.
    """
    engine = db.engine
    held: PoolProxiedConnection | None = None
    try:
        held = engine.raw_connection()
        connection: psycopg.Connection[Any] = cast(Any, held.driver_connection)
        connection.autocommit = True
        try:
            with connection.cursor(row_factory=namedtuple_row) as cursor:
                return cursor.execute(cast(Any, statement), values).fetchall()
        finally:
            if not connection.closed:
                connection.autocommit = False
    except psycopg.Error as error:
        is_dead = held is None or engine.dialect.is_disconnect(cast(Any, error), held.driver_connection, None)
        if held is not None and is_dead:
            held.invalidate(error)
        raise DBAPIError.instance(
            statement, None, error, psycopg.Error, connection_invalidated=is_dead, dialect=engine.dialect
        ) from error
    finally:
        if held is not None:
            held.close()


def statement_by_statement() -> None:
    """Let what the request's session reads or writes next, until its next commit, be a transaction per statement.

    It spares BEGIN and COMMIT, two of three round trips of a page that asks one thing. One UPDATE that compares versions
    is as safe so as within a transaction; two statements that belong together are not. Nothing happens within one.
    """
    if not db.session().in_transaction():
        db.session.connection(execution_options=_AUTOCOMMIT)


def one(statement: str, values: Mapping[str, Any]) -> Any | None:
    """The only row of a SELECT, or None."""
    found = rows(statement, values)
    return found[0] if found else None
