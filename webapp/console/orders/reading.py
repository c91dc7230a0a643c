"""Everything that the page of one order shows, read in one transaction of the book; stock and tracking beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from orders.adapters.rds.label_models import LabelRow
from orders.adapters.rds.models import Order, Outbox, QuarantinedMessage
from orders.domain import ledger
from orders.domain.errors import NotFound, TransitionRefused, Unavailable
from orders.domain.events import EventType, OrderEvent
from orders.domain.ids import OrderId, order_number
from orders.domain.ledger import Account
from orders.domain.order import INITIAL, OrderState, apply
from orders.domain.risk import RiskHit
from orders.ports import OrderRecord, PaymentAttempt, Reservation, ReturnRecord, Shipment, TrackingView
from orders.services.desk import OrderDesk
from orders.services.ship_order import left_to_ship
from orders.services.whereabouts import Whereabouts, is_elsewhere, lying
from webapp.console.wiring import console_wiring
from webapp.wiring import wiring


@dataclass(frozen=True, slots=True)
class Money:
    """What the ledger says of one order, in minor units."""

    charged_minor: int
    captured_minor: int
    refunded_minor: int
    kept_minor: int
    owed_minor: int
    """What the shopper still owes; negative is owed to the shopper."""
    entries: Sequence[tuple[str, Mapping[Account, int]]] = ()
    """(posting key, account -> amount), in order."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One entry of the timeline: the event and what it changed, status by status."""

    event: OrderEvent
    changes: Sequence[tuple[str, str, str]] = ()
    """(status, before, after)."""


@dataclass(frozen=True, slots=True)
class OrderFile:
    """One order with everything that hangs on it."""

    record: OrderRecord
    timeline: Sequence[Moment]
    money: Money
    attempts: Sequence[PaymentAttempt]
    shipments: Sequence[Shipment]
    returns: Sequence[ReturnRecord]
    waiting: Sequence[Any] = ()
    """Outbox rows that were not delivered yet."""
    quarantined: Sequence[QuarantinedMessage] = ()
    other_orders: int = 0
    reservation: Reservation | None = None
    tracking: TrackingView | None = None
    is_stock_known: bool = True
    number: str = ""
    notes: Sequence[OrderEvent] = field(default=())
    hits: Sequence[RiskHit] = ()
    labels: Sequence[Any] = ()
    """Labels that carriers made for it, without their documents."""
    lies: Whereabouts = field(default_factory=dict)
    """Where what is left lies, by warehouse; empty for an order of the main warehouse alone."""


def read_order(session: Session, desk: OrderDesk, order_id: UUID) -> OrderFile:
    """Read one order. Raises NotFound when the book does not have it."""
    key = OrderId(str(order_id))
    with desk.book.transaction() as tx:
        record = tx.get_order(key)
        if record is None:
            raise NotFound(f"no order {order_id} in the book")
        events, postings = tx.events(key), tx.postings(key)
        attempts, shipments, returns = tx.attempts(key), tx.shipments(key), tx.returns(key)
        hits = tx.risk_hits(key)
    reservation, tracking, is_known = _projections(key)
    return OrderFile(
        record=record,
        timeline=list(reversed(list(moments(events)))),
        money=money_of(postings),
        attempts=attempts,
        shipments=shipments,
        returns=returns,
        waiting=session.execute(
            select(Outbox.effect, Outbox.due_at, Outbox.attempts, Outbox.last_error).where(
                Outbox.order_id == order_id
            )
        ).all(),
        quarantined=session.scalars(
            select(QuarantinedMessage).where(
                QuarantinedMessage.order_id == key, QuarantinedMessage.resolved_at.is_(None)
            )
        ).all(),
        other_orders=_others(session, record),
        reservation=reservation,
        tracking=tracking,
        is_stock_known=is_known,
        number=order_number(key),
        hits=hits,
        labels=session.execute(
            select(LabelRow.id, LabelRow.carrier, LabelRow.tracking_number, LabelRow.tracking_url)
            .where(LabelRow.order_id == order_id)
            .order_by(LabelRow.created_at)
        ).all(),
        lies=(
            lying(record, reservation, shipments, left_to_ship(record)) if is_elsewhere(reservation) else {}
        ),
    )


def _others(session: Session, record: OrderRecord) -> int:
    """How many other orders came from this e-mail, up to 100."""
    some = (
        select(Order.id)
        .where(
            func.lower(Order.email) == record.request.contact.email.lower(), Order.id != UUID(record.order_id)
        )
        .limit(100)
        .subquery()
    )
    return session.scalar(select(func.count()).select_from(some)) or 0


def _projections(order_id: OrderId) -> tuple[Reservation | None, TrackingView | None, bool]:
    """The reservation and the shopper's view; the page is shown without them when DynamoDB is away."""
    try:
        return console_wiring().inventory.find_reservation(order_id), wiring().tracking.get(order_id), True
    except Unavailable:
        return None, None, False


def moments(events: Sequence[OrderEvent]) -> Iterator[Moment]:
    """The timeline with what each event changed, found by playing it through the state machine."""
    state: OrderState | None = None
    for event in events:
        before = state
        if event.type is EventType.ORDER_PLACED:
            state = INITIAL
        elif state is not None:
            try:
                state = apply(state, event.type)
            except TransitionRefused:
                # The doctor reports such a history (I6); the page shows it all the same.
                before = None
        yield Moment(event, _changes(before, state))


def _changes(before: OrderState | None, after: OrderState | None) -> list[tuple[str, str, str]]:
    if before is None or after is None:
        return []
    pairs = [
        ("status", before.order, after.order),
        ("payment", before.payment, after.payment),
        ("fulfilment", before.fulfilment, after.fulfilment),
        ("hold", "held" if before.is_held else "free", "held" if after.is_held else "free"),
    ]
    return [(name, str(one), str(other)) for name, one, other in pairs if one != other]


def money_of(postings: Sequence[ledger.Posting]) -> Money:
    """The order's money, from its ledger alone."""
    totals = ledger.balances(postings)
    cash = [
        entry.amount_minor
        for posting in postings
        for entry in posting.entries
        if entry.account is Account.CASH
    ]
    return Money(
        charged_minor=sum(
            entry.amount_minor
            for posting in postings
            if posting.key == "sale"
            for entry in posting.entries
            if entry.account is Account.RECEIVABLE
        ),
        captured_minor=sum(amount for amount in cash if amount > 0),
        refunded_minor=-sum(amount for amount in cash if amount < 0),
        kept_minor=ledger.kept_value_minor(totals),
        owed_minor=totals[Account.RECEIVABLE],
        entries=[
            (posting.key, {entry.account: entry.amount_minor for entry in posting.entries})
            for posting in postings
        ],
    )
