"""The order book in PostgreSQL: SQLAlchemy Core, one statement per table for a whole batch, no unit of work in the way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, column, delete, func, select, table, text, update
from sqlalchemy.dialects.postgresql import JSONB, insert

from orders.adapters.rds import coupons, mapping
from orders.adapters.rds.base import table_of
from orders.adapters.rds.bulk import insert_rows
from orders.adapters.rds.engine import database_errors
from orders.adapters.rds.fulfilment import Fulfilment
from orders.adapters.rds.holds import Holds
from orders.adapters.rds.models import (
    InboxMessage,
    LedgerEntry,
    Order,
    OrderLine,
    Outbox,
    PaymentAttemptRow,
    TimelineEvent,
)
from orders.domain.errors import VersionConflict
from orders.domain.events import OrderEvent
from orders.domain.ids import OrderId, Sku
from orders.domain.ledger import Account, Entry, Posting
from orders.domain.order import OrderState
from orders.domain.request import Address
from orders.ports import (
    AttemptStatus,
    BookedPosting,
    LineCounts,
    OrderRecord,
    OrderTransaction,
    OutboxRow,
    PaymentAttempt,
)

_ORDERS, _LINES, _LEDGER = table_of(Order), table_of(OrderLine), table_of(LedgerEntry)
_TIMELINE, _INBOX, _OUTBOX, _ATTEMPTS = (
    table_of(TimelineEvent),
    table_of(InboxMessage),
    table_of(Outbox),
    table_of(PaymentAttemptRow),
)


class SqlOrderBook:
    """Implements ports.OrderBook over one engine; share it between threads."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @contextmanager
    def transaction(self) -> Iterator[OrderTransaction]:
        """A READ COMMITTED transaction: what must not move is locked by `get_order(lock=True)`."""
        with database_errors("the order book"), self.engine.begin() as connection:
            yield SqlOrderTransaction(connection)

    def ping(self) -> None:
        """Ask the server for nothing, within the connection's time limits."""
        with database_errors("the order book"), self.engine.connect() as connection:
            connection.execute(text("SELECT 1"))


class SqlOrderTransaction(Fulfilment, Holds):
    """Implements ports.OrderTransaction on one connection."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.connection = connection

    # --- batches ------------------------------------------------------------------------------------------

    def accept_messages(self, message_ids: Sequence[str], job: str) -> set[str]:
        """Sorted, so that two workers with overlapping batches wait for each other and never deadlock."""
        rows = [{"message_id": message_id, "job": job} for message_id in sorted(set(message_ids))]
        found = insert_rows(
            self.connection, _INBOX, rows, unless_conflict_on=["message_id"], returning=["message_id"]
        )
        return {row.message_id for row in found}

    def add_orders(self, records: Sequence[OrderRecord]) -> set[OrderId]:
        """Orders first; only the lines of new orders follow."""
        ordered = sorted(records, key=lambda record: record.order_id)
        found = insert_rows(
            self.connection,
            _ORDERS,
            [mapping.order_row(record) for record in ordered],
            unless_conflict_on=["id"],
            returning=["id"],
        )
        new = {OrderId(str(row.id)) for row in found}
        lines = [row for record in ordered if record.order_id in new for row in mapping.line_rows(record)]
        insert_rows(self.connection, _LINES, lines)
        return new

    def add_events(self, events: Sequence[OrderEvent]) -> None:
        """The unique key (order, version, type) refuses a second history for a version: that is a bug, not a repeat."""
        insert_rows(self.connection, _TIMELINE, [mapping.event_row(event) for event in events])

    def add_postings(self, postings: Sequence[BookedPosting]) -> set[tuple[OrderId, str]]:
        """A posting's entries share one key and one statement: all or none of them are there."""
        rows = [
            {
                "order_id": booked.order_id,
                "posting_key": booked.posting.key,
                "account": str(entry.account),
                "amount_minor": entry.amount_minor,
                "currency": booked.currency,
                "at": booked.at.isoformat(),
            }
            for booked in postings
            for entry in booked.posting.entries
        ]
        found = insert_rows(
            self.connection,
            _LEDGER,
            rows,
            unless_conflict_on=["order_id", "posting_key", "account"],
            returning=["order_id", "posting_key"],
        )
        return {(OrderId(str(row.order_id)), row.posting_key) for row in found}

    def add_outbox(self, rows: Sequence[OutboxRow]) -> None:
        """In the given order: `seq` is what the relay keeps to."""
        given = [mapping.outbox_row(row) for row in rows]
        insert_rows(self.connection, _OUTBOX, given, unless_conflict_on=["key"])

    def is_promised(self, key: str) -> bool:
        """The relay deletes a row when its effect is done."""
        return self.connection.scalar(select(_OUTBOX.c.seq).where(_OUTBOX.c.key == key)) is not None

    def withdraw(self, key: str) -> None:
        """Waits for a relay that is delivering it at this moment."""
        self.connection.execute(delete(_OUTBOX).where(_OUTBOX.c.key == key))

    # --- one order ----------------------------------------------------------------------------------------

    def get_order(self, order_id: OrderId, *, lock: bool = False) -> OrderRecord | None:
        """The lock is on the order's row alone: everything that changes an order takes it first."""
        statement = _GET_LOCKED if lock else _GET
        row = self.connection.execute(statement, {"order_id": order_id}).mappings().first()
        if row is None:
            return None
        lines = self.connection.execute(_GET_LINES, {"order_ids": [order_id]}).mappings().all()
        return mapping.to_record(row, lines)

    def preferences(self, emails: Sequence[str]) -> Mapping[str, Mapping[str, bool]]:
        """One statement for a batch."""
        wanted = sorted({email.lower() for email in emails})
        rows = self.connection.execute(_GET_PREFERENCES, {"emails": wanted})
        return {row.email: row.wants for row in rows}

    def get_orders(self, order_ids: Sequence[OrderId]) -> Sequence[OrderRecord]:
        """Two statements, however many orders."""
        lines: dict[Any, list[Any]] = defaultdict(list)
        for line in self.connection.execute(_GET_LINES, {"order_ids": list(order_ids)}).mappings():
            lines[line["order_id"]].append(line)
        statement = select(_ORDERS).where(_ORDERS.c.id.in_(order_ids)).order_by(_ORDERS.c.id)
        return [
            mapping.to_record(row, lines[row["id"]]) for row in self.connection.execute(statement).mappings()
        ]

    def order_ids(
        self, *, after: OrderId | None = None, limit: int = 500, updated_since: datetime | None = None
    ) -> Sequence[OrderId]:
        """By key, never by OFFSET: the last page costs what the first does."""
        statement = select(_ORDERS.c.id).order_by(_ORDERS.c.id).limit(limit)
        if after is not None:
            statement = statement.where(_ORDERS.c.id > after)
        if updated_since is not None:
            statement = statement.where(_ORDERS.c.updated_at >= updated_since)
        return [OrderId(str(order_id)) for order_id in self.connection.scalars(statement)]

    def save_state(
        self,
        order_id: OrderId,
        expected: OrderState,
        new: OrderState,
        at: datetime,
        hold_reason: str | None = None,
        hold_until: datetime | None = None,
    ) -> None:
        """The whole expected state is in the WHERE, so that not even a forgotten lock can skip a step."""
        values: dict[str, Any] = {**mapping.state_columns(new), "updated_at": at}
        if hold_reason is not None:
            values |= {"hold_reason": hold_reason, "hold_until": hold_until}
        statement = update(_ORDERS).where(_ORDERS.c.id == order_id)
        for name, value in mapping.state_columns(expected).items():
            statement = statement.where(_ORDERS.c[name] == value)
        if self.connection.execute(statement.values(**values)).rowcount != 1:
            raise VersionConflict(f"order {order_id} is not at version {expected.version} any more")

    def save_counts(self, order_id: OrderId, counts: Mapping[Sku, LineCounts]) -> None:
        """One UPDATE for each line, sent as one batch."""
        if not counts:
            return
        self.connection.execute(
            _SAVE_COUNTS,
            [{"for_order": order_id, "for_sku": sku, **asdict(count)} for sku, count in counts.items()],
        )

    def save_shipping_address(self, order_id: OrderId, address: Address) -> None:
        """`country` is a column of its own for the lists and reports."""
        values = {"shipping_address": asdict(address), "country": address.country}
        self.connection.execute(update(_ORDERS).where(_ORDERS.c.id == order_id).values(**values))

    def postings(self, order_id: OrderId) -> Sequence[Posting]:
        """Entries grouped by key, in the order of the first entry."""
        entries: dict[str, list[Entry]] = defaultdict(list)
        for row in self.connection.execute(_GET_LEDGER, {"order_id": order_id}):
            entries[row.posting_key].append(Entry(Account(row.account), row.amount_minor))
        return [Posting(key, tuple(group)) for key, group in entries.items()]

    def events(self, order_id: OrderId) -> Sequence[OrderEvent]:
        """By version, then by insertion."""
        rows = self.connection.execute(_GET_EVENTS, {"order_id": order_id}).mappings()
        return [mapping.to_event(row) for row in rows]

    def add_attempt(self, attempt: PaymentAttempt) -> None:
        """Keyed by the attempt's id, which is also the provider's idempotency key."""
        values = {**asdict(attempt), "status": str(attempt.status), "updated_at": attempt.created_at}
        self.connection.execute(insert(_ATTEMPTS).on_conflict_do_nothing(index_elements=["id"]), values)

    def finish_attempt(
        self,
        attempt_id: str,
        status: AttemptStatus,
        at: datetime,
        reference: str = "",
        decline_code: str = "",
        detail: str = "",
    ) -> None:
        """A finished attempt may be finished again with the same answer; the last word stands."""
        values: dict[str, Any] = {
            "status": str(status),
            "updated_at": at,
            "decline_code": decline_code,
            "detail": detail,
        }
        if reference:
            values["reference"] = reference
        self.connection.execute(update(_ATTEMPTS).where(_ATTEMPTS.c.id == attempt_id).values(**values))

    def attempts(self, order_id: OrderId) -> Sequence[PaymentAttempt]:
        """By creation."""
        rows = self.connection.execute(_GET_ATTEMPTS, {"order_id": order_id}).mappings()
        return [mapping.to_attempt(row) for row in rows]

    def give_back_coupon(self, order_id: OrderId) -> bool:
        """One statement for an order without a coupon; the counter's row is locked only when there is one."""
        return coupons.give_back(self.connection, order_id)


_PREFERENCES = table("notification_preferences", column("email"), column("wants", JSONB))
"""The web application's table: what a shopper chose is read with the order, so that each event carries it."""
_WANTS = (
    select(_PREFERENCES.c.wants)
    .where(_PREFERENCES.c.email == func.lower(_ORDERS.c.email))
    .scalar_subquery()
    .label("notify")
)
_GET_PREFERENCES = select(_PREFERENCES).where(_PREFERENCES.c.email.in_(bindparam("emails", expanding=True)))
_GET = select(_ORDERS, _WANTS).where(_ORDERS.c.id == bindparam("order_id"))
_GET_LOCKED = _GET.with_for_update(of=_ORDERS)
_GET_LINES = (
    select(_LINES)
    .where(_LINES.c.order_id.in_(bindparam("order_ids", expanding=True)))
    .order_by(_LINES.c.order_id, _LINES.c.position)
)
_GET_LEDGER = (
    select(_LEDGER.c.posting_key, _LEDGER.c.account, _LEDGER.c.amount_minor)
    .where(_LEDGER.c.order_id == bindparam("order_id"))
    .order_by(_LEDGER.c.id)
)
_GET_EVENTS = (
    select(_TIMELINE)
    .where(_TIMELINE.c.order_id == bindparam("order_id"))
    .order_by(_TIMELINE.c.version, _TIMELINE.c.id)
)
_GET_ATTEMPTS = (
    select(_ATTEMPTS)
    .where(_ATTEMPTS.c.order_id == bindparam("order_id"))
    .order_by(_ATTEMPTS.c.created_at, func.length(_ATTEMPTS.c.id), _ATTEMPTS.c.id)
)
_SAVE_COUNTS = (
    update(_LINES)
    .where(_LINES.c.order_id == bindparam("for_order"), _LINES.c.sku == bindparam("for_sku"))
    .values({name: bindparam(name) for name in ("shipped", "returned", "restocked", "cancelled", "refunded")})
)
