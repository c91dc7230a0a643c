"""What an action would do, found by doing it and taking it back: the same service, in a transaction that never commits.

Nothing is worked out twice: stock, money and messages are read off what the service wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from sqlalchemy import Engine

from orders.adapters.rds.engine import database_errors
from orders.adapters.rds.order_book import SqlOrderTransaction
from orders.domain.events import EventType, OrderEvent
from orders.domain.ids import OrderId, Sku
from orders.domain.ledger import Account
from orders.domain.order import PaymentStatus
from orders.ports import BookedPosting, Effect, OrderRecord, OrderStep, OrderTransaction, OutboxRow
from orders.services.desk import OrderDesk
from webapp.console.warehouses.names import place_name
from webapp.console.words import words
from webapp.formats import money, pieces

_HELD_MONEY = frozenset({PaymentStatus.AUTHORISED, PaymentStatus.FAILED})


@dataclass(frozen=True, slots=True)
class Consequence:
    """One thing that would happen. `kind` is status, stock, money or message."""

    kind: str
    text: str


@dataclass(slots=True)
class Draft:
    """What a service wrote before it was taken back."""

    before: OrderRecord | None = None
    events: list[OrderEvent] = field(default_factory=list)
    postings: list[BookedPosting] = field(default_factory=list)
    outbox: list[OutboxRow] = field(default_factory=list)


class _DraftTransaction(SqlOrderTransaction):
    """The real transaction, taking notes."""

    def __init__(self, connection: object, draft: Draft) -> None:
        super().__init__(connection)  # type: ignore[arg-type]
        self._draft = draft

    def get_order(self, order_id: OrderId, *, lock: bool = False) -> OrderRecord | None:
        """Note the order as it was."""
        found = super().get_order(order_id, lock=lock)
        self._draft.before = self._draft.before or found
        return found

    def enter_step(self, step: OrderStep) -> None:
        """Note all that the step would lead to."""
        self._draft.events += step.events
        self._draft.postings += step.postings
        self._draft.outbox += step.outbox
        super().enter_step(step)

    def add_postings(self, postings: Sequence[BookedPosting]) -> set[tuple[OrderId, str]]:
        """Note what would be in the ledger."""
        self._draft.postings += postings
        return super().add_postings(postings)

    def add_outbox(self, rows: Sequence[OutboxRow]) -> None:
        """Note what the world would be told."""
        self._draft.outbox += rows
        super().add_outbox(rows)


class DraftBook:
    """An order book whose transactions are taken back at their end."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.draft = Draft()

    @contextmanager
    def transaction(self) -> Iterator[OrderTransaction]:
        """A transaction that sees its own writes and leaves none."""
        with database_errors("the order book"), self._engine.connect() as connection:
            began = connection.begin()
            try:
                yield _DraftTransaction(connection, self.draft)
            finally:
                began.rollback()

    def ping(self) -> None:
        """See ports.OrderBook."""


def preview(desk: OrderDesk, engine: Engine, act: Callable[[OrderDesk], OrderRecord]) -> list[Consequence]:
    """What an action would do. Raises whatever the action itself would raise."""
    book = DraftBook(engine)
    after = act(replace(desk, book=book))
    return list(consequences(book.draft, after))


def consequences(draft: Draft, after: OrderRecord) -> Iterator[Consequence]:
    """A draft in words: statuses, stock, money, messages."""
    before = draft.before
    if before is None or not draft.events:
        yield Consequence("status", "Nothing changes: this was done already.")
        return
    yield from _statuses(before, after)
    for row in draft.outbox:
        yield from _stock(row, before)
    yield from _money(draft, before, after)
    told = [row.payload["event"] for row in draft.outbox if row.effect is Effect.EVENT]
    pays_back = any(row.key.startswith("settle_payment:") for row in draft.outbox)
    yield from _messages(told, after, is_paid_back=pays_back and before.state.payment not in _HELD_MONEY)


def _statuses(before: OrderRecord, after: OrderRecord) -> Iterator[Consequence]:
    old, new = before.state, after.state
    for name, one, other in (
        ("Status", old.order, new.order),
        ("Payment", old.payment, new.payment),
        ("Fulfilment", old.fulfilment, new.fulfilment),
    ):
        if one != other:
            yield Consequence("status", f"{name}: {words(one)} → {words(other)}")
    if old.is_held != new.is_held:
        yield Consequence("status", "The order is on hold." if new.is_held else "The order goes on.")


def _stock(row: OutboxRow, before: OrderRecord) -> Iterator[Consequence]:
    if row.effect is Effect.RELEASE_STOCK:
        left = {line.sku: line.quantity - before.counts_of(line.sku).shipped for line in before.request.lines}
        yield Consequence("stock", f"{_listed(left)} can be sold again.")
    elif row.effect is Effect.SHIP_STOCK:
        place = row.payload.get("warehouse")
        where = place_name(place) if place else "the house"
        yield Consequence("stock", f"{_listed(row.payload['lines'])} leave {where} and are sold.")
    elif row.effect is Effect.TAKE_BACK_STOCK:
        yield Consequence("stock", f"{_listed(row.payload['lines'])} go back on the shelf.")


def _listed(lines: Mapping[Sku, int]) -> str:
    total = sum(lines.values())
    return f"{pieces(total)} ({', '.join(f'{count} × {sku}' for sku, count in lines.items() if count)})"


def _money(draft: Draft, before: OrderRecord, after: OrderRecord) -> Iterator[Consequence]:
    currency = before.request.currency
    less = -sum(
        entry.amount_minor
        for booked in draft.postings
        for entry in booked.posting.entries
        if entry.account is Account.RECEIVABLE
    )
    jobs = [row.key.partition(":")[0] for row in draft.outbox if row.effect is Effect.JOB]
    if "settle_payment" in jobs:
        if before.state.payment in _HELD_MONEY:
            held = before.request.payment.amount_minor
            yield Consequence("money", f"The {money(held, currency)} held on the card are let go.")
        elif less > 0:
            yield Consequence("money", f"{money(less, currency)} are paid back to the card.")
    if "capture_payment" in jobs:
        yield Consequence(
            "money", f"{money(before.request.payment.amount_minor, currency)} are taken from the card."
        )
    if less and "settle_payment" not in jobs:
        yield Consequence("money", f"The shopper owes {money(less, currency)} less.")


def _messages(told: Sequence[str], after: OrderRecord, *, is_paid_back: bool) -> Iterator[Consequence]:
    contact = after.request.contact
    ways = f"an e-mail to {contact.email}"
    if contact.wants_sms and contact.phone:
        ways += f" and a text message to {contact.phone}"
    for event in told:
        yield Consequence("message", f"“{words(EventType(event))}”: {ways}.")
    if not told and is_paid_back:
        yield Consequence("message", f"Told when the money is on its way: {ways}.")
    elif not told:
        yield Consequence("message", "The shopper is not told.")
