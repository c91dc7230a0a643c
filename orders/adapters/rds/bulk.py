"""Insert any number of rows with one statement whose text never changes.

The rows travel as one JSON parameter that PostgreSQL unfolds (`json_to_recordset`). Measured against executemany and
multi-row VALUES, this is the cheapest for the client, and one text per table stays a prepared statement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from psycopg.types.json import Json
from sqlalchemy import JSON, BigInteger, Column, Connection, Insert, Table, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import insert

from orders.adapters.rds.engine import json_text
from orders.adapters.rds.statements import compiled, run_within

_POSITION = "_position"


def inserting(
    table: Table,
    names: Sequence[str],
    *,
    unless_conflict_on: Sequence[str] = (),
    given: str = "rows",
    only_of: tuple[str, Any] | None = None,
) -> Insert:
    """The statement that inserts the rows of its JSON parameter `given`, in their order.

    `only_of` names a column and the select of the values that it must have: for rows that follow from others, which were
    written or not.
    """
    columns = [column(name, table.c[name].type) for name in names]
    rows = (
        func.json_to_recordset(bindparam(given, type_=JSON))
        .table_valued(*columns, column(_POSITION, BigInteger), name=f"given_{given}")
        .render_derived(with_types=True)
    )
    chosen = select(*(rows.c[name] for name in names)).order_by(rows.c[_POSITION])
    if only_of is not None:
        chosen = chosen.where(rows.c[only_of[0]].in_(only_of[1]))
    statement = insert(table).from_select(list(names), chosen, include_defaults=False)
    if unless_conflict_on:
        statement = statement.on_conflict_do_nothing(index_elements=list(unless_conflict_on))
    return statement


def as_given(rows: Sequence[Mapping[str, Any]]) -> Json:
    """Rows of equal keys as the JSON parameter of `inserting`. Values are JSON data: times as ISO 8601 text, UUIDs as text."""
    return Json([{**row, _POSITION: position} for position, row in enumerate(rows)], json_text)


@cache
def _text(table: Table, names: tuple[str, ...], conflict: tuple[str, ...], returning: tuple[str, ...]) -> str:
    statement = inserting(table, names, unless_conflict_on=conflict)
    return compiled(statement.returning(*(table.c[name] for name in returning)) if returning else statement)


def insert_rows(
    connection: Connection,
    table: Any,
    rows: Sequence[Mapping[str, Any]],
    *,
    unless_conflict_on: Sequence[str] = (),
    returning: Sequence[Column[Any] | str] = (),
) -> Sequence[Any]:
    """Insert rows of equal keys in their order, skipping those that exist already.

    Values are JSON data: times as ISO 8601 text, UUIDs as text. Returns the `returning` columns of what was inserted.
    """
    if not rows:
        return []
    text = _text(table, tuple(rows[0]), tuple(unless_conflict_on), tuple(str(name) for name in returning))
    return run_within(connection, text, {"rows": as_given(rows)})
