"""The part of the order book that is walked at every order: a whole order read, entered or moved on by one statement.

What belongs together travels together: a round trip costs client and server more than the rows that it carries.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from itertools import chain
from typing import Any

from sqlalchemy import CTE, Connection, Select, and_, bindparam, select, update

from orders.adapters.rds import mapping
from orders.adapters.rds.base import table_of
from orders.adapters.rds.bulk import as_given, inserting
from orders.adapters.rds.models import LedgerEntry, Order, OrderLine, Outbox, TimelineEvent
from orders.adapters.rds.order_reading import LOCKED_ORDER
from orders.adapters.rds.statements import compiled, run_within
from orders.domain.errors import VersionConflict
from orders.domain.ids import OrderId
from orders.domain.ledger import Account, Entry, Posting
from orders.ports import NewOrder, OrderFile, OrderStep

_ORDERS, _LINES, _LEDGER = table_of(Order), table_of(OrderLine), table_of(LedgerEntry)
_TIMELINE, _OUTBOX = table_of(TimelineEvent), table_of(Outbox)
_STATE = ("version", "status", "payment_status", "fulfilment_status", "is_held")

Rows = Sequence[Mapping[str, Any]]


class Entries:
    """Whole orders on one connection; SqlOrderTransaction builds on it."""

    connection: Connection

    def enter_new(self, orders: Sequence[NewOrder]) -> set[OrderId]:
        """By id, so that two workers with overlapping batches wait for each other and never deadlock."""
        if not orders:
            return set()
        ordered = sorted(orders, key=lambda order: order.record.order_id)
        rows = {
            "orders": [mapping.order_row(order.record) for order in ordered],
            "lines": [row for order in ordered for row in mapping.line_rows(order.record)],
            **_following(ordered),
        }
        text = _entering(_names(rows))
        found = run_within(self.connection, text, {name: as_given(given) for name, given in rows.items()})
        return {OrderId(str(row.id)) for row in found}

    def enter_step(self, step: OrderStep) -> None:
        """The whole expected state is in the WHERE, so that not even a forgotten lock can skip a step. The order's row is
        the first that is touched: everything that changes an order takes it first.
        """
        rows = _following([step])
        values: dict[str, Any] = {
            "order_id": step.order_id,
            "updated_at": step.at,
            "hold_reason": step.hold_reason,
            "hold_until": step.hold_until,
            **mapping.state_columns(step.after),
            **{f"was_{name}": value for name, value in mapping.state_columns(step.before).items()},
            **{name: as_given(given) for name, given in rows.items()},
        }
        if not run_within(self.connection, _stepping(_names(rows)), values):
            raise VersionConflict(f"order {step.order_id} is not at version {step.before.version} any more")

    def open_file(self, order_id: OrderId) -> OrderFile | None:
        """Two statements: what the second one reads, no other transaction changes until this one ends."""
        found = run_within(self.connection, LOCKED_ORDER, {"order_id": order_id}, as_mappings=True)
        if not found:
            return None
        (rest,) = run_within(self.connection, _READ_FILE, {"order_id": order_id}, as_mappings=True)
        lines, events, attempts = (_with_times(rest[name]) for name in ("lines", "events", "attempts"))
        return OrderFile(
            mapping.to_record(found[0], lines),
            [mapping.to_event(row) for row in events],
            postings_of(rest["entries"] or ()),
            [mapping.to_attempt(row) for row in attempts],
        )


def postings_of(rows: Rows) -> list[Posting]:
    """Entries grouped by key, in the order of the first entry."""
    entries: dict[str, list[Entry]] = defaultdict(list)
    for row in rows:
        entries[row["posting_key"]].append(Entry(Account(row["account"]), row["amount_minor"]))
    return [Posting(key, tuple(group)) for key, group in entries.items()]


def _with_times(rows: Sequence[dict[str, Any]] | None) -> Rows:
    """JSON has no times: they come as ISO 8601 text."""
    for row in rows or ():
        for name in _TIMES & row.keys():
            row[name] = datetime.fromisoformat(row[name]) if row[name] else None
    return rows or ()


_TIMES = {"at", "hold_until", "created_at"}


def _following(given: Sequence[NewOrder | OrderStep]) -> dict[str, Rows]:
    """The rows that follow from orders, by the parameter that carries them."""
    return {
        "events": [mapping.event_row(event) for each in given for event in each.events],
        "postings": mapping.posting_rows(chain.from_iterable(each.postings for each in given)),
        "outbox": [mapping.outbox_row(row) for each in given for row in each.outbox],
    }


Names = tuple[tuple[str, tuple[str, ...]], ...]
"""The columns of each parameter's rows; none where there are no rows."""


def _names(rows: Mapping[str, Rows]) -> Names:
    return tuple((name, tuple(given[0]) if given else ()) for name, given in rows.items())


_INSERTED = {
    "lines": (_LINES, ()),
    "events": (_TIMELINE, ()),
    "postings": (_LEDGER, ("order_id", "posting_key", "account")),
    "outbox": (_OUTBOX, ("key",)),
}
"""By parameter: the table, and where a row that is there already is left as it is."""


@cache
def _entering(names: Names) -> str:
    """Orders that are not there, and whatever follows from those. Foreign keys are looked at when the statement ends."""
    columns = dict(names)
    orders = inserting(_ORDERS, columns.pop("orders"), given="orders", unless_conflict_on=["id"])
    return _followed_by(orders.returning(_ORDERS.c.id).cte("entered"), columns)


@cache
def _stepping(names: Names) -> str:
    """The UPDATE of one order in the expected state, and whatever follows from that."""
    expected = and_(*(_ORDERS.c[name] == bindparam(f"was_{name}") for name in _STATE))
    changed = (*_STATE, "hold_reason", "hold_until", "updated_at")
    moved = (
        update(_ORDERS)
        .where(_ORDERS.c.id == bindparam("order_id"), expected)
        .values({name: bindparam(name) for name in changed})
        .returning(_ORDERS.c.id)
    )
    return _followed_by(moved.cte("moved"), dict(names))


def _followed_by(first: CTE, columns: Mapping[str, tuple[str, ...]]) -> str:
    statement: Select[Any] = select(first.c.id)
    for given, names in columns.items():
        if names:
            table, conflict = _INSERTED[given]
            rows = inserting(
                table,
                names,
                given=given,
                unless_conflict_on=conflict,
                only_of=("order_id", select(first.c.id)),
            )
            statement = statement.add_cte(rows.cte(f"new_{given}"))
    return compiled(statement)


# By itself, after the lock: in one statement with it, other tables would be read as they were before the wait for it.
_READ_FILE = """
SELECT (SELECT json_agg(line ORDER BY position) FROM order_lines AS line WHERE order_id = %(order_id)s) AS lines,
       (SELECT json_agg(event ORDER BY version, id) FROM timeline_events AS event WHERE order_id = %(order_id)s) AS events,
       (SELECT json_agg(entry ORDER BY id) FROM ledger_entries AS entry WHERE order_id = %(order_id)s) AS entries,
       (SELECT json_agg(attempt ORDER BY created_at, length(id), id)
          FROM payment_attempts AS attempt WHERE order_id = %(order_id)s) AS attempts
"""
