"""The one step that every use case of the book takes: events through the state machine, and all that follows from them.

An OrderChange gathers what happens to one order in one transaction; `write` puts it into the book: state, timeline,
ledger and the outbox rows that tell the world. What is gathered is plain data, so a batch of orders costs one
statement per table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from orders.domain import ledger
from orders.domain.errors import NotFound, VersionConflict
from orders.domain.events import NOTIFIED, SYSTEM, Actor, EventType, OrderEvent
from orders.domain.ids import OrderId, Sku
from orders.domain.ledger import Posting
from orders.domain.order import apply
from orders.messages import encode_job, event_to_dict
from orders.observability import correlation_id as current_correlation_id
from orders.observability import traceparent
from orders.ports import (
    BookedPosting,
    Effect,
    JobMessage,
    LineCounts,
    LineHold,
    NewOrder,
    OrderRecord,
    OrderStep,
    OrderTransaction,
    OutboxRow,
)
from orders.services.desk import OrderDesk
from orders.services.event_payload import describe
from orders.services.tracking_views import to_payload, view_of


class OrderChange:
    """What happens to one order in one transaction. `record` is the order as it will be."""

    def __init__(
        self,
        desk: OrderDesk,
        record: OrderRecord,
        history: Sequence[OrderEvent],
        actor: Actor = SYSTEM,
        correlation_id: str = "",
    ) -> None:
        self._desk = desk
        self._actor = actor
        self._before = history
        self.read = record
        self.record = record
        self.at: datetime = desk.clock.now()
        self.correlation_id = correlation_id or current_correlation_id.get() or record.correlation_id
        self.events: list[OrderEvent] = []
        self.postings: list[Posting] = []
        self.counts: dict[Sku, LineCounts] = {}
        self.line_holds: dict[Sku, LineHold | None] = {}
        self._promises: list[OutboxRow] = []

    @property
    def order_id(self) -> OrderId:
        """The order's id."""
        return self.record.order_id

    def expect(self, version: int | None) -> None:
        """Raise VersionConflict when a person decided upon another version than the book has; None decides nothing."""
        if version is not None and self.read.state.version != version:
            raise VersionConflict(
                f"the order is at version {self.read.state.version}; version {version} was decided upon"
            )

    def place(self) -> None:
        """Note the birth of a new order, at the moment when it was accepted."""
        self._note(EventType.ORDER_PLACED, "", {}, at=self.record.placed_at)

    def apply(
        self,
        event: EventType,
        reason: str = "",
        data: Mapping[str, Any] | None = None,
        *,
        hold_reason: str | None = None,
        hold_until: datetime | None = None,
    ) -> None:
        """Let an event happen. Raises TransitionRefused when the state machine forbids it; nothing is changed then."""
        after = apply(self.record.state, event)
        before = (self.record.hold_reason, self.record.hold_until)
        held, until = before if hold_reason is None else (hold_reason, hold_until)
        if not after.is_held:
            held, until = "", None
        self.record = replace(self.record, state=after, hold_reason=held, hold_until=until)
        self._note(event, reason, data or {}, at=self.at)

    def _note(self, event: EventType, reason: str, data: Mapping[str, Any], *, at: datetime) -> None:
        noted = OrderEvent(
            self.order_id,
            event,
            self.record.state.version,
            at,
            self._actor,
            reason,
            self.correlation_id,
            data,
        )
        self.events.append(noted)
        if event in NOTIFIED:
            payload = event_to_dict(noted, describe(self.record, self._desk.settings))
            self.promise(Effect.EVENT, f"v{noted.version}:{event}", payload)

    def post(self, posting: Posting) -> None:
        """Write to the order's ledger, once per key."""
        if posting.entries:
            self.postings.append(posting)

    def count(self, sku: Sku, **pieces: int) -> None:
        """Add pieces to a line's counts: `count(sku, shipped=2)`."""
        counts = self.record.counts_of(sku)
        counts = replace(counts, **{name: getattr(counts, name) + more for name, more in pieces.items()})
        self.counts[sku] = counts
        self.record = replace(self.record, counts={**self.record.counts, sku: counts})

    def hold_lines(self, holds: Mapping[Sku, LineHold | None]) -> None:
        """Hold lines, or let them go (None)."""
        self.line_holds.update(holds)
        held = {**self.record.held_lines, **holds}
        self.record = replace(
            self.record, held_lines={sku: hold for sku, hold in held.items() if hold is not None}
        )

    def promise(self, effect: Effect, key: str, payload: Mapping[str, Any]) -> None:
        """Promise an effect on the world after the commit, once per key of this order."""
        row = OutboxRow(f"{self.order_id}:{key}", effect, self.order_id, payload, self.correlation_id)
        self._promises.append(row)

    def promise_job(self, job: str, key: str = "", *, queue: str = "orders", **payload: Any) -> None:
        """Promise a job for this order. The same `key` is the same job, sent and done once."""
        message = JobMessage(
            id=f"{job}:{self.order_id}:{key or f'v{self.record.state.version}'}",
            job=job,
            payload={"order_id": self.order_id, **payload},
            order_id=self.order_id,
            correlation_id=self.correlation_id,
            traceparent=traceparent(self.correlation_id),
            enqueued_at=self.at,
        )
        body = {"queue": queue, "body": encode_job(message)}
        self._promises.append(OutboxRow(message.id, Effect.JOB, self.order_id, body, self.correlation_id))

    def outbox(self) -> list[OutboxRow]:
        """What is promised: the new tracking view first, then the rest in order."""
        if not self.events:
            return self._promises
        history = [*self._before, *self.events]
        view = to_payload(view_of(self.record, history, self.at))
        key = f"{self.order_id}:v{self.record.state.version}:tracking"
        return [OutboxRow(key, Effect.TRACKING, self.order_id, view, self.correlation_id), *self._promises]

    def step(self) -> OrderStep:
        """From the state that was read to that of `record`, with everything that was gathered but counts and line holds."""
        after = self.record
        return OrderStep(
            self.order_id,
            self.read.state,
            after.state,
            self.at,
            after.hold_reason,
            after.hold_until,
            self.events,
            self.booked(),
            self.outbox(),
        )

    def booked(self) -> list[BookedPosting]:
        """The postings with what the ledger needs to know of the order."""
        currency = self.record.request.currency
        return [BookedPosting(self.order_id, posting, currency, self.at) for posting in self.postings]


def confirmation_key(order_id: OrderId) -> str:
    """The key of the promise to confirm an order's reservation: while it stands, the stock may still be taken away."""
    return f"{order_id}:confirm-stock"


def new_order(desk: OrderDesk, record: OrderRecord) -> OrderChange:
    """The beginning of an order that the book does not have: placed, and its sale in the ledger."""
    change = OrderChange(desk, record, (), correlation_id=record.correlation_id)
    change.place()
    change.post(ledger.sale(record.priced))
    return change


def open_order(
    tx: OrderTransaction, desk: OrderDesk, order_id: OrderId, actor: Actor = SYSTEM
) -> OrderChange:
    """Begin to change an order, its row locked until the transaction ends. Raises NotFound."""
    record = tx.get_order(order_id, lock=True)
    if record is None:
        raise NotFound(f"no order {order_id} in the book")
    return OrderChange(desk, record, tx.events(order_id), actor)


def write(tx: OrderTransaction, change: OrderChange) -> OrderRecord:
    """Put a change of a recorded order into the book. Raises VersionConflict when the order moved since it was read."""
    if change.events:
        tx.enter_step(change.step())
    else:
        tx.add_postings(change.booked())
        tx.add_outbox(change.outbox())
    tx.save_counts(change.order_id, change.counts)
    tx.save_line_holds(change.order_id, change.line_holds)
    return change.record


def write_new(tx: OrderTransaction, changes: Sequence[OrderChange]) -> list[OrderChange]:
    """Record new orders, all of them with one statement. Returns those that the book did not have already."""
    new = tx.enter_new(
        [NewOrder(change.record, change.events, change.booked(), change.outbox()) for change in changes]
    )
    return [change for change in changes if change.order_id in new]
