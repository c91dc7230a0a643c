"""Taking the money: an attempt on record, then the provider, then the book."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from orders.domain import ledger
from orders.domain.errors import NotFound, Refused, TransitionRefused, VersionConflict
from orders.domain.events import Actor, EventType
from orders.domain.ids import OrderId
from orders.domain.ledger import Account, Posting
from orders.domain.order import OrderState, OrderStatus, PaymentStatus
from orders.failpoints import failpoint
from orders.ports import (
    AttemptStatus,
    OrderFile,
    OrderRecord,
    OrderTransaction,
    PaymentAttempt,
    PaymentOutcome,
    PaymentProvider,
    PaymentResult,
)
from orders.services.changes import OrderChange, open_order, write
from orders.services.desk import OrderDesk

PAYMENT_HOLD = "payment"
"""Why an order waits whose money could not be taken."""
_ENDED = frozenset({OrderStatus.CANCELLED, OrderStatus.EXPIRED})
_TAKEABLE = frozenset({PaymentStatus.AUTHORISED, PaymentStatus.FAILED})


@dataclass(frozen=True, slots=True)
class Call:
    """One provider call that is on record and has no answer yet."""

    attempt_id: str
    provider: PaymentProvider
    reference: str
    amount_minor: int
    file: OrderFile
    """The order as it was when the call was put on record."""


def capture_payment(
    desk: OrderDesk, provider_of: Callable[[str], PaymentProvider], order_id: OrderId, attempt_id: str
) -> AttemptStatus | None:
    """Take what the shopper owes, once. `attempt_id` is the provider's idempotency key: the same at every repeat;
    `provider_of` gives the provider of a name, the one that the order was authorised with.

    Returns how the attempt ended, or None when there is nothing to take. A refusal puts the order on hold.
    Raises NotFound for an order that the book does not have, Unavailable or OutcomeUnknown when the provider or the book
    is away: the attempt stays open and a repeat asks for the same again.
    """
    call = _begin(desk, provider_of, order_id, attempt_id)
    if call is None:
        return None
    failpoint("payment.after_attempt")
    try:
        result = call.provider.capture(
            reference=call.reference, amount_minor=call.amount_minor, idempotency_key=call.attempt_id
        )
    except Refused as error:
        result = PaymentResult(
            PaymentOutcome.DECLINED, call.reference, call.amount_minor, error.code, str(error)
        )
    failpoint("payment.after_call")
    status = _finish(desk, order_id, call, result)
    failpoint("payment.after_commit")
    return status


def ask_for_money(
    desk: OrderDesk,
    order_id: OrderId,
    *,
    command_id: str,
    actor: Actor,
    reason: str = "",
    expected_version: int | None = None,
) -> OrderRecord:
    """Have the money of a confirmed order taken again, once per `command_id`: the way out when an attempt was lost.

    An attempt that is still open is repeated under its own key, so that nothing is taken twice. Raises
    TransitionRefused when there is nothing to take, NotFound, VersionConflict, Unavailable.
    """
    with desk.book.transaction() as tx:
        change = open_order(tx, desk, order_id, actor)
        if tx.accept_messages([command_id], "ask_for_money"):
            change.expect(expected_version)
            state = change.record.state
            if not may_ask_for_money(state):
                raise TransitionRefused(f"no money is to be taken: {state.order}, payment {state.payment}")
            tries = (
                a.id
                for a in tx.attempts(order_id)
                if a.kind == "capture" and a.status is AttemptStatus.PENDING
            )
            change.apply(EventType.NOTE_ADDED, reason or "the money is asked for again", {"capture": True})
            key = next(tries, f"v{change.record.state.version}").rpartition(":")[2]
            change.promise_job("capture_payment", key)
            write(tx, change)
        return change.record


def may_ask_for_money(state: OrderState) -> bool:
    """Whether a person may have the money taken: once the order goes ahead, and while it is not taken."""
    return state.order is OrderStatus.CONFIRMED and state.payment in _TAKEABLE


def _begin(
    desk: OrderDesk, provider_of: Callable[[str], PaymentProvider], order_id: OrderId, attempt_id: str
) -> Call | None:
    with desk.book.transaction() as tx:
        file = tx.open_file(order_id)
        if file is None:
            raise NotFound(f"no order {order_id} in the book")
        # Before there is an attempt: one with a provider that is not set up could never end.
        provider = provider_of(file.record.request.payment.provider)
        mine = next((attempt for attempt in file.attempts if attempt.id == attempt_id), None)
        if mine is not None:
            return _call_of(mine, provider, file) if mine.status is AttemptStatus.PENDING else None
        state = file.record.state
        if state.order in _ENDED or state.payment not in _TAKEABLE:
            return None
        if any(a.kind == "capture" and a.status is AttemptStatus.PENDING for a in file.attempts):
            return None
        owed = ledger.balances(file.postings)[Account.RECEIVABLE]
        if owed <= 0:
            return None
        attempt = attempt_for(file.record, attempt_id, "capture", owed, desk.clock.now())
        tx.add_attempt(attempt)
        return _call_of(attempt, provider, file)


def _call_of(attempt: PaymentAttempt, provider: PaymentProvider, file: OrderFile) -> Call:
    return Call(attempt.id, provider, attempt.reference, attempt.amount_minor, file)


def attempt_for(
    record: OrderRecord, attempt_id: str, kind: str, amount_minor: int, at: datetime
) -> PaymentAttempt:
    """A new attempt on the payment that backs an order."""
    payment = record.request.payment
    return PaymentAttempt(
        id=attempt_id,
        order_id=record.order_id,
        kind=kind,
        provider=payment.provider,
        reference=payment.reference,
        amount_minor=amount_minor,
        currency=record.request.currency,
        status=AttemptStatus.PENDING,
        created_at=at,
    )


def _finish(desk: OrderDesk, order_id: OrderId, call: Call, result: PaymentResult) -> AttemptStatus:
    if result.outcome is not PaymentOutcome.SUCCEEDED:
        return _decline(desk, order_id, call, result)
    try:
        with desk.book.transaction() as tx:
            _enter_capture(
                tx, OrderChange(desk, call.file.record, call.file.events), call, call.file.postings
            )
    except VersionConflict:
        # Somebody changed the order while the provider was asked: read it again, under its lock.
        with desk.book.transaction() as tx:
            _enter_capture(tx, open_order(tx, desk, order_id), call, tx.postings(order_id))
    return AttemptStatus.SUCCEEDED


def _enter_capture(
    tx: OrderTransaction, change: OrderChange, call: Call, postings: Sequence[Posting]
) -> None:
    record_capture(change, call.attempt_id, call.amount_minor, postings)
    # First the order's row, whose lock the rest goes under, and which says whether it is still as it was read.
    write(tx, change)
    tx.finish_attempt(call.attempt_id, AttemptStatus.SUCCEEDED, change.at)


def _decline(desk: OrderDesk, order_id: OrderId, call: Call, result: PaymentResult) -> AttemptStatus:
    with desk.book.transaction() as tx:
        change = open_order(tx, desk, order_id)
        _record_failure(change, result)
        why = result.decline_code or result.outcome
        tx.finish_attempt(call.attempt_id, AttemptStatus.DECLINED, change.at, "", why, result.message)
        write(tx, change)
        return AttemptStatus.DECLINED


def record_capture(
    change: OrderChange, attempt_id: str, amount_minor: int, postings: Sequence[Posting]
) -> None:
    """The provider took the money: ledger and state; what is not owed any more, by these postings, goes back next."""
    if change.record.state.payment not in _TAKEABLE:
        return
    change.post(ledger.capture(attempt_id, amount_minor))
    change.apply(EventType.PAYMENT_CAPTURED, data={"amount_minor": amount_minor})
    if change.record.state.is_held and change.record.hold_reason == PAYMENT_HOLD:
        change.apply(EventType.ORDER_RELEASED, "the money was taken")
    owed = ledger.balances([*postings, *change.postings])[Account.RECEIVABLE]
    if owed < 0:
        change.promise_job("settle_payment")


def _record_failure(change: OrderChange, result: PaymentResult) -> None:
    state = change.record.state
    if state.payment is not PaymentStatus.AUTHORISED or state.order in _ENDED:
        return
    change.apply(EventType.PAYMENT_FAILED, result.message, {"code": result.decline_code})
    if not state.is_held and not state.is_final:
        change.apply(EventType.ORDER_HELD, "the payment could not be taken", hold_reason=PAYMENT_HOLD)
