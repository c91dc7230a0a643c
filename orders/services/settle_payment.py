"""Giving money back: whatever the shopper does not owe is let go (before the capture) or refunded (after it)."""

from __future__ import annotations

from orders.domain import ledger
from orders.domain.errors import Refused
from orders.domain.events import EventType
from orders.domain.ids import OrderId
from orders.domain.ledger import Account
from orders.domain.order import OrderStatus, PaymentStatus
from orders.failpoints import failpoint
from orders.ports import AttemptStatus, OrderTransaction, PaymentAttempt, PaymentOutcome, PaymentProvider
from orders.services.capture_payment import attempt_for, record_capture
from orders.services.changes import OrderChange, open_order, write
from orders.services.desk import OrderDesk

_ENDED = frozenset({OrderStatus.CANCELLED, OrderStatus.EXPIRED})
_HELD_MONEY = frozenset({PaymentStatus.AUTHORISED, PaymentStatus.FAILED})
_TAKEN_MONEY = frozenset({PaymentStatus.CAPTURED, PaymentStatus.PARTLY_REFUNDED})


def settle_payment(desk: OrderDesk, provider: PaymentProvider, order_id: OrderId, attempt_id: str) -> None:
    """Bring the money in line with the ledger: void what backs a dead order, refund what is owed to the shopper.

    `attempt_id` is the provider's idempotency key, the same at every repeat; an attempt in flight keeps its amount
    from being paid twice. Raises Unavailable or OutcomeUnknown when the provider or the book is away, Refused when
    the provider will not pay back (a person has to look).
    """
    call = _begin(desk, order_id, attempt_id)
    if call is None:
        return
    failpoint("payment.after_attempt")
    if call.kind == "refund":
        _refund(desk, provider, order_id, call)
        return
    try:
        provider.void(reference=call.reference, idempotency_key=call.id)
    except Refused:
        _void_refused(desk, provider, order_id, call)
        return
    failpoint("payment.after_call")
    with desk.book.transaction() as tx:
        change = open_order(tx, desk, order_id)
        tx.finish_attempt(call.id, AttemptStatus.SUCCEEDED, change.at)
        if change.record.state.payment in _HELD_MONEY:
            change.apply(EventType.PAYMENT_VOIDED, data={"amount_minor": call.amount_minor})
        write(tx, change)
    failpoint("payment.after_commit")


def _begin(desk: OrderDesk, order_id: OrderId, attempt_id: str) -> PaymentAttempt | None:
    with desk.book.transaction() as tx:
        change = open_order(tx, desk, order_id)
        attempts = tx.attempts(order_id)
        mine = next((attempt for attempt in attempts if attempt.id == attempt_id), None)
        if mine is not None:
            return mine if mine.status is AttemptStatus.PENDING else None
        wanted = _what_is_due(tx, change)
        if wanted is None:
            return None
        kind, amount_minor = wanted
        attempt = attempt_for(change.record, attempt_id, kind, amount_minor, change.at)
        tx.add_attempt(attempt)
        return attempt


def _what_is_due(tx: OrderTransaction, change: OrderChange) -> tuple[str, int] | None:
    state = change.record.state
    if state.payment in _HELD_MONEY:
        if state.order not in _ENDED:
            return None
        return "void", change.record.request.payment.amount_minor
    if state.payment not in _TAKEN_MONEY:
        return None
    owed_to_shopper = -ledger.balances(tx.postings(change.order_id))[Account.RECEIVABLE]
    in_flight = sum(
        attempt.amount_minor
        for attempt in tx.attempts(change.order_id)
        if attempt.kind == "refund" and attempt.status is AttemptStatus.PENDING
    )
    due = owed_to_shopper - in_flight
    return ("refund", due) if due > 0 else None


def _refund(desk: OrderDesk, provider: PaymentProvider, order_id: OrderId, call: PaymentAttempt) -> None:
    result = provider.refund(
        reference=call.reference, amount_minor=call.amount_minor, idempotency_key=call.id
    )
    failpoint("payment.after_call")
    with desk.book.transaction() as tx:
        change = open_order(tx, desk, order_id)
        if result.outcome is PaymentOutcome.SUCCEEDED:
            tx.finish_attempt(call.id, AttemptStatus.SUCCEEDED, change.at)
            change.post(ledger.refund(call.id, call.amount_minor))
            cash = ledger.balances([*tx.postings(order_id), *change.postings])[Account.CASH]
            event = EventType.PAYMENT_PARTLY_REFUNDED if cash > 0 else EventType.PAYMENT_REFUNDED
            change.apply(event, data={"amount_minor": call.amount_minor})
        else:
            tx.finish_attempt(
                call.id, AttemptStatus.DECLINED, change.at, "", result.decline_code, result.message
            )
            change.apply(EventType.NOTE_ADDED, f"a refund was declined: {result.message}")
        write(tx, change)
    failpoint("payment.after_commit")


def _void_refused(
    desk: OrderDesk, provider: PaymentProvider, order_id: OrderId, call: PaymentAttempt
) -> None:
    """The provider has taken the money meanwhile: adopt the capture whose answer we never saw, then refund it."""
    with desk.book.transaction() as tx:
        open_captures = [
            attempt
            for attempt in tx.attempts(order_id)
            if attempt.kind == "capture" and attempt.status is AttemptStatus.PENDING
        ]
    answers = [
        (attempt, provider.find(idempotency_key=attempt.id, reference=attempt.reference))
        for attempt in open_captures
    ]
    with desk.book.transaction() as tx:
        change = open_order(tx, desk, order_id)
        tx.finish_attempt(call.id, AttemptStatus.DECLINED, change.at, decline_code="already_captured")
        for attempt, answer in answers:
            if answer is not None and answer.outcome is PaymentOutcome.SUCCEEDED:
                tx.finish_attempt(attempt.id, AttemptStatus.SUCCEEDED, change.at)
                record_capture(change, attempt.id, attempt.amount_minor, tx.postings(order_id))
        if change.record.state.payment in _HELD_MONEY:
            raise Refused(f"the provider neither lets go nor gave us the money of order {order_id}")
        write(tx, change)
