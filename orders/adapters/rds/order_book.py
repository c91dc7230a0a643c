"""The order book in PostgreSQL: SQLAlchemy Core, one statement per table for a whole batch, no unit of work in the way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, delete, func, literal_column, select, text, update
from sqlalchemy.dialects.postgresql import insert

from orders.adapters.rds import coupons, mapping
from orders.adapters.rds import order_reading as reading
from orders.adapters.rds.base import table_of
from orders.adapters.rds.bulk import insert_rows
from orders.adapters.rds.engine import database_errors
from orders.adapters.rds.entries import Entries, postings_of
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
from orders.adapters.rds.statements import compiled, run_within
from orders.domain.events import OrderEvent
from orders.domain.ids import OrderId, Sku
from orders.domain.ledger import Posting
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


class SqlOrderTransaction(Entries, Fulfilment, Holds):
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

    def add_postings(self, postings: Sequence[BookedPosting]) -> set[tuple[OrderId, str]]:
        """A posting's entries share one key and one statement: all or none of them are there."""
        found = insert_rows(
            self.connection,
            _LEDGER,
            mapping.posting_rows(postings),
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
        found = self._read(reading.LOCKED_ORDER if lock else reading.ORDER, order_id=order_id)
        if not found:
            return None
        return mapping.to_record(found[0], self._read(reading.LINES, order_ids=[order_id]))

    def _read(self, statement: str, **values: Any) -> Sequence[Any]:
        return run_within(self.connection, statement, values, as_mappings=True)

    def preferences(self, emails: Sequence[str]) -> Mapping[str, Mapping[str, bool]]:
        """One statement for a batch."""
        wanted = sorted({email.lower() for email in emails})
        return {row["email"]: row["wants"] for row in self._read(reading.PREFERENCES, emails=wanted)}

    def get_orders(self, order_ids: Sequence[OrderId]) -> Sequence[OrderRecord]:
        """Two statements, however many orders."""
        lines: dict[Any, list[Any]] = defaultdict(list)
        for line in self._read(reading.LINES, order_ids=list(order_ids)):
            lines[line["order_id"]].append(line)
        found = self._read(reading.ORDERS, order_ids=list(order_ids))
        return [mapping.to_record(row, lines[row["id"]]) for row in found]

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
        return postings_of(self._read(reading.LEDGER, order_id=order_id))

    def events(self, order_id: OrderId) -> Sequence[OrderEvent]:
        """By version, then by insertion."""
        return [mapping.to_event(row) for row in self._read(reading.EVENTS, order_id=order_id)]

    def add_attempt(self, attempt: PaymentAttempt) -> None:
        """Keyed by the attempt's id, which is also the provider's idempotency key."""
        values = {**asdict(attempt), "status": str(attempt.status), "updated_at": attempt.created_at}
        run_within(self.connection, _ADD_ATTEMPT, values)

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
        values = {
            "for_id": attempt_id,
            "status": str(status),
            "updated_at": at,
            "reference": reference,
            "decline_code": decline_code,
            "detail": detail,
        }
        run_within(self.connection, _FINISH_ATTEMPT, values)

    def attempts(self, order_id: OrderId) -> Sequence[PaymentAttempt]:
        """By creation."""
        return [mapping.to_attempt(row) for row in self._read(reading.ATTEMPTS, order_id=order_id)]

    def give_back_coupon(self, order_id: OrderId) -> bool:
        """One statement for an order without a coupon; the counter's row is locked only when there is one."""
        return coupons.give_back(self.connection, order_id)


_ADD_ATTEMPT = compiled(
    insert(_ATTEMPTS)
    .values({column.name: bindparam(column.name) for column in _ATTEMPTS.columns})
    .on_conflict_do_nothing(index_elements=["id"])
)
_FINISH_ATTEMPT = compiled(
    update(_ATTEMPTS)
    .where(_ATTEMPTS.c.id == bindparam("for_id"))
    .values(
        reference=func.coalesce(
            func.nullif(bindparam("reference"), literal_column("''")), _ATTEMPTS.c.reference
        ),
        **{name: bindparam(name) for name in ("status", "updated_at", "decline_code", "detail")},
    )
)
_SAVE_COUNTS = (
    update(_LINES)
    .where(_LINES.c.order_id == bindparam("for_order"), _LINES.c.sku == bindparam("for_sku"))
    .values({name: bindparam(name) for name in ("shipped", "returned", "restocked", "cancelled", "refunded")})
)
