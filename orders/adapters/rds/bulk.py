"""Insert any number of rows with one statement whose text never changes.

The rows travel as one JSON parameter that PostgreSQL unfolds (`json_to_recordset`). Measured against executemany and
multi-row VALUES, this is the cheapest for the client, and one text per table stays a prepared statement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Connection, Insert, Table, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import insert

_POSITION = "_position"


@cache
def _statement(
    table: Table, names: tuple[str, ...], conflict: tuple[str, ...], returning: tuple[str, ...]
) -> Insert:
    columns = [column(name, table.c[name].type) for name in names]
    rows = (
        func.json_to_recordset(bindparam("rows", type_=JSON))
        .table_valued(*columns, column(_POSITION, BigInteger), name="given")
        .render_derived(with_types=True)
    )
    chosen = select(*(rows.c[name] for name in names)).order_by(rows.c[_POSITION])
    statement = insert(table).from_select(list(names), chosen, include_defaults=False)
    if conflict:
        statement = statement.on_conflict_do_nothing(index_elements=list(conflict))
    return statement.returning(*(table.c[name] for name in returning)) if returning else statement


def insert_rows(
    connection: Connection,
    table: Any,
    rows: Sequence[Mapping[str, Any]],
    *,
    unless_conflict_on: Sequence[str] = (),
    returning: Sequence[Column[Any] | str] = (),
) -> list[Any]:
    """Insert rows of equal keys in their order, skipping those that exist already.

    Values are JSON data: times as ISO 8601 text, UUIDs as text. Returns the `returning` columns of what was inserted.
    """
    if not rows:
        return []
    given = [{**row, _POSITION: position} for position, row in enumerate(rows)]
    statement = _statement(
        table, tuple(rows[0]), tuple(unless_conflict_on), tuple(str(name) for name in returning)
    )
    result = connection.execute(statement, {"rows": given})
    return list(result.all()) if returning else []
