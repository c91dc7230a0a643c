"""The short way to the database for pages that only read: one round trip a statement, no transaction around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from webapp.extensions import db

_AUTOCOMMIT = {"isolation_level": "AUTOCOMMIT"}


def rows(statement: str, values: Mapping[str, Any]) -> Sequence[Any]:
    """The rows of one SELECT with psycopg's `%(name)s` placeholders. A `%` of its own is written `%%`."""
    with db.engine.connect().execution_options(**_AUTOCOMMIT) as connection:
        return connection.exec_driver_sql(statement, dict(values)).all()


def one(statement: str, values: Mapping[str, Any]) -> Any | None:
    """The only row of a SELECT, or None."""
    found = rows(statement, values)
    return found[0] if found else None
