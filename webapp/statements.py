"""The short way to the database, past SQLAlchemy's statements and objects: for the pages and clicks that are many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orders.adapters.rds.statements import run, run_within
from webapp.extensions import db

_AUTOCOMMIT = {"isolation_level": "AUTOCOMMIT"}


def rows(statement: str, values: Mapping[str, Any]) -> Sequence[Any]:
    """The rows of one statement with psycopg's `%(name)s` placeholders. A `%` of its own is written `%%`.

    Within the transaction of the request's session where there is one: a second connection for a request that holds one
    could be waited for for ever. Otherwise one round trip, committed when it returns. Raises SQLAlchemy's errors.
    """
    if is_in_transaction():
        return run_within(db.session.connection(), statement, values)
    return run(db.engine, statement, values)


def is_in_transaction() -> bool:
    """Whether the request's session has begun one."""
    return bool(db.session.registry.has() and db.session().in_transaction())


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
