"""An order as the order book has it, for its page: all that the page shows of most orders, by one statement.

SQLAlchemy's four statements around it took five times the processor time (docs/performance.md). What left the house and what
came back is read by itself, for the orders that have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from psycopg import sql
from sqlalchemy import Table
from sqlalchemy.orm import make_transient_to_detached

from orders.adapters.rds.models import Order
from orders.domain.events import EventType
from orders.domain.ledger import Account
from webapp import statements

_COLUMNS = tuple(column.name for column in cast(Table, Order.__table__).columns)
_LINE = ("sku", "name", "variant", "image", "product_slug", "quantity", "unit_price_minor", "cancelled")


@dataclass(frozen=True, slots=True)
class Note:
    """What the shop wrote for the shopper."""

    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded order. Its row belongs to no session: it is for looking at."""

    order: Order
    lines: Sequence[Any]
    """What was ordered, in the order's own sequence: the columns of `_LINE`."""
    events: Sequence[tuple[str, datetime]]
    """What happened, oldest first: type and moment."""
    notes: Sequence[Note]
    """The notes of staff that the shopper may read; the others never leave the console."""
    kept_minor: int
    """What the shop keeps of the shopper's money for it, as the ledger says."""


def find_recorded(order_id: UUID) -> Recorded | None:
    """The order, or None while it is not in the book. One statement sees one moment: its parts fit each other."""
    row = statements.one(_STATEMENT, {"id": order_id})
    if row is None:
        return None
    *columns, lines, happened, kept_minor = row
    order = Order()
    order.__dict__.update(zip(_COLUMNS, columns, strict=True))
    make_transient_to_detached(order)
    events = [(kind, datetime.fromisoformat(at), note) for kind, at, note in happened or ()]
    return Recorded(
        order=order,
        lines=[SimpleNamespace(**dict(zip(_LINE, line, strict=True))) for line in lines or ()],
        events=[(kind, at) for kind, at, _ in events],
        notes=[Note(note, at) for _, at, note in events if note is not None],
        kept_minor=int(kept_minor),
    )


_STATEMENT = (
    sql.SQL("""
SELECT {columns},
    (SELECT json_agg(json_build_array({line}) ORDER BY position) FROM order_lines WHERE order_id = o.id) AS lines,
    (SELECT json_agg(
        json_build_array(
            type, at, CASE WHEN type = {note} AND (data ->> 'is_public')::boolean THEN reason END
        ) ORDER BY id
    ) FROM timeline_events WHERE order_id = o.id) AS happened,
    (
        SELECT coalesce(-sum(amount_minor), 0) FROM ledger_entries WHERE order_id = o.id AND account IN ({accounts})
    ) AS kept_minor
FROM orders o WHERE id = %(id)s
""")
    .format(
        columns=sql.SQL(", ").join(map(sql.Identifier, _COLUMNS)),
        line=sql.SQL(", ").join(map(sql.Identifier, _LINE)),
        note=sql.Literal(str(EventType.NOTE_ADDED)),
        accounts=sql.SQL(", ").join(
            sql.Literal(str(account)) for account in (Account.SALES, Account.SHIPPING, Account.TAX)
        ),
    )
    .as_string()
)
