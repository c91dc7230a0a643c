"""The order book in memory: one transaction at a time, undone when its block raises."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from orders.adapters.memory.holds import Holds
from orders.adapters.memory.tables import Tables
from orders.domain.errors import VersionConflict
from orders.domain.events import OrderEvent
from orders.domain.ids import OrderId, Sku
from orders.domain.ledger import Posting
from orders.domain.request import Address
from orders.ports import (
    AttemptStatus,
    BookedPosting,
    LineCounts,
    NewOrder,
    OrderFile,
    OrderRecord,
    OrderStep,
    OrderTransaction,
    OutboxRow,
    PaymentAttempt,
    ReturnRecord,
    Shipment,
)


class MemoryOrderBook:
    """ports.OrderBook for tests and tools. Threads may share it: their transactions wait for each other."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.tables = Tables()

    @contextmanager
    def transaction(self) -> Iterator[OrderTransaction]:
        """See ports.OrderBook."""
        with self._lock:
            before = self.tables.copy()
            try:
                yield MemoryOrderTransaction(self.tables)
            except BaseException:
                self.tables = before
                raise

    def ping(self) -> None:
        """See ports.OrderBook."""

    def take_outbox(self, limit: int = 1_000_000) -> list[OutboxRow]:
        """Remove and return promised effects, oldest first: what a relay does, without the world."""
        with self._lock:
            rows = list(self.tables.outbox.values())[:limit]
            for row in rows:
                del self.tables.outbox[row.key]
            return rows


class MemoryOrderTransaction(Holds):
    """ports.OrderTransaction over tables in memory."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def accept_messages(self, message_ids: Sequence[str], job: str) -> set[str]:
        """See ports.OrderTransaction."""
        fresh = {message_id for message_id in message_ids if message_id not in self._tables.inbox}
        self._tables.inbox.update(dict.fromkeys(fresh, job))
        return fresh

    def _add_orders(self, records: Sequence[OrderRecord]) -> set[OrderId]:
        """Like the real one, it does not keep counts of a new order: they are zero."""
        new = {record.order_id for record in records} - self._tables.orders.keys()
        for record in records:
            if record.order_id in new:
                self._tables.orders[record.order_id] = replace(record, counts={})
                self._tables.updated[record.order_id] = record.placed_at
        return new

    def _add_events(self, events: Sequence[OrderEvent]) -> None:
        for event in events:
            key = (event.order_id, event.version, str(event.type))
            if key in self._tables.events:
                raise ValueError(f"the timeline has {key} already")
            self._tables.events[key] = event

    def add_postings(self, postings: Sequence[BookedPosting]) -> set[tuple[OrderId, str]]:
        """See ports.OrderTransaction."""
        new = set()
        for booked in postings:
            key = (booked.order_id, booked.posting.key)
            if booked.posting.entries and key not in self._tables.ledger:
                self._tables.ledger[key] = booked.posting
                new.add(key)
        return new

    def add_outbox(self, rows: Sequence[OutboxRow]) -> None:
        """See ports.OrderTransaction."""
        for row in rows:
            self._tables.outbox.setdefault(row.key, row)

    def is_promised(self, key: str) -> bool:
        """See ports.OrderTransaction."""
        return key in self._tables.outbox

    def withdraw(self, key: str) -> None:
        """See ports.OrderTransaction."""
        self._tables.outbox.pop(key, None)

    def get_order(self, order_id: OrderId, *, lock: bool = False) -> OrderRecord | None:
        """See ports.OrderTransaction."""
        return self._tables.orders.get(order_id)

    def preferences(self, emails: Sequence[str]) -> Mapping[str, Mapping[str, bool]]:
        """See ports.OrderTransaction."""
        wanted = {email.lower() for email in emails}
        return {email: wants for email, wants in self._tables.preferences.items() if email in wanted}

    def get_orders(self, order_ids: Sequence[OrderId]) -> Sequence[OrderRecord]:
        """See ports.OrderTransaction."""
        known = sorted(set(order_ids) & self._tables.orders.keys())
        return [self._tables.orders[order_id] for order_id in known]

    def order_ids(
        self, *, after: OrderId | None = None, limit: int = 500, updated_since: datetime | None = None
    ) -> Sequence[OrderId]:
        """See ports.OrderTransaction."""
        return [
            order_id
            for order_id in sorted(self._tables.orders)
            if (after is None or order_id > after)
            and (updated_since is None or self._tables.updated[order_id] >= updated_since)
        ][:limit]

    def enter_new(self, orders: Sequence[NewOrder]) -> set[OrderId]:
        """See ports.OrderTransaction."""
        new = self._add_orders([order.record for order in orders])
        for order in orders:
            if order.record.order_id in new:
                self._enter(order)
        return new

    def enter_step(self, step: OrderStep) -> None:
        """See ports.OrderTransaction."""
        record = self._tables.orders[step.order_id]
        if record.state != step.before:
            raise VersionConflict(f"order {step.order_id} is not at version {step.before.version} any more")
        self._tables.orders[step.order_id] = replace(
            record, state=step.after, hold_reason=step.hold_reason, hold_until=step.hold_until
        )
        self._tables.updated[step.order_id] = step.at
        self._enter(step)

    def _enter(self, entry: NewOrder | OrderStep) -> None:
        self._add_events(entry.events)
        self.add_postings(entry.postings)
        self.add_outbox(entry.outbox)

    def open_file(self, order_id: OrderId) -> OrderFile | None:
        """See ports.OrderTransaction."""
        record = self.get_order(order_id, lock=True)
        if record is None:
            return None
        return OrderFile(record, self.events(order_id), self.postings(order_id), self.attempts(order_id))

    def save_counts(self, order_id: OrderId, counts: Mapping[Sku, LineCounts]) -> None:
        """See ports.OrderTransaction."""
        record = self._tables.orders[order_id]
        for line in record.request.lines:
            if line.sku in counts:
                _check_counts(line.quantity, counts[line.sku])
        self._tables.orders[order_id] = replace(record, counts={**record.counts, **counts})

    def save_shipping_address(self, order_id: OrderId, address: Address) -> None:
        """See ports.OrderTransaction."""
        record = self._tables.orders[order_id]
        request = replace(record.request, shipping_address=address)
        self._tables.orders[order_id] = replace(record, request=request)

    def postings(self, order_id: OrderId) -> Sequence[Posting]:
        """See ports.OrderTransaction."""
        return [posting for (owner, _), posting in self._tables.ledger.items() if owner == order_id]

    def events(self, order_id: OrderId) -> Sequence[OrderEvent]:
        """See ports.OrderTransaction."""
        mine = [event for event in self._tables.events.values() if event.order_id == order_id]
        return sorted(mine, key=lambda event: event.version)

    def add_attempt(self, attempt: PaymentAttempt) -> None:
        """See ports.OrderTransaction."""
        self._tables.attempts.setdefault(attempt.id, attempt)

    def finish_attempt(
        self,
        attempt_id: str,
        status: AttemptStatus,
        at: datetime,
        reference: str = "",
        decline_code: str = "",
        detail: str = "",
    ) -> None:
        """See ports.OrderTransaction."""
        attempt = self._tables.attempts[attempt_id]
        self._tables.attempts[attempt_id] = replace(
            attempt,
            status=status,
            reference=reference or attempt.reference,
            decline_code=decline_code,
            detail=detail,
        )

    def attempts(self, order_id: OrderId) -> Sequence[PaymentAttempt]:
        """See ports.OrderTransaction."""
        return [attempt for attempt in self._tables.attempts.values() if attempt.order_id == order_id]

    def add_shipment(self, shipment: Shipment) -> bool:
        """See ports.OrderTransaction."""
        if shipment.id in self._tables.shipments:
            return False
        self._tables.shipments[shipment.id] = shipment
        return True

    def save_shipment(self, shipment: Shipment) -> None:
        """See ports.OrderTransaction."""
        self._tables.shipments[shipment.id] = shipment

    def shipments(self, order_id: OrderId) -> Sequence[Shipment]:
        """See ports.OrderTransaction."""
        return [shipment for shipment in self._tables.shipments.values() if shipment.order_id == order_id]

    def find_shipment(self, carrier: str, tracking_number: str) -> Shipment | None:
        """See ports.OrderTransaction."""
        if not tracking_number:
            return None
        wanted = (carrier, tracking_number)
        known = (s for s in self._tables.shipments.values() if (s.carrier, s.tracking_number) == wanted)
        return next((replace(shipment, lines={}) for shipment in known), None)

    def save_return(self, record: ReturnRecord) -> None:
        """See ports.OrderTransaction."""
        self._tables.returns[record.id] = record

    def returns(self, order_id: OrderId) -> Sequence[ReturnRecord]:
        """See ports.OrderTransaction."""
        return [record for record in self._tables.returns.values() if record.order_id == order_id]

    def give_back_coupon(self, order_id: OrderId) -> bool:
        """See ports.OrderTransaction. The checkout claims uses; in memory a test does."""
        return self._tables.coupon_uses.pop(order_id, None) is not None


def _check_counts(quantity: int, counts: LineCounts) -> None:
    """The database's CHECK constraints on a line."""
    is_sane = (
        counts.shipped >= 0
        and counts.cancelled >= 0
        and counts.shipped + counts.cancelled <= quantity
        and 0 <= counts.restocked <= counts.returned <= counts.shipped
        and counts.refunded >= 0
        and counts.refunded + counts.cancelled <= quantity
    )
    if not is_sane:
        raise ValueError(f"{counts} cannot be of a line of {quantity}")
