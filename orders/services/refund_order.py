"""Paying back: pieces of lines, the delivery, or an amount as a gesture. The ledger decides, the worker pays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orders.domain import ledger
from orders.domain.errors import InvalidRequest, Problem, TransitionRefused
from orders.domain.events import Actor, EventType
from orders.domain.ids import OrderId, Sku
from orders.domain.order import PaymentStatus
from orders.domain.pricing import PricedLine, part_of_line
from orders.ports import OrderRecord, OrderTransaction
from orders.services.changes import OrderChange, open_order, write
from orders.services.desk import OrderDesk

JOB = "refund_order"
_REFUNDABLE = frozenset({PaymentStatus.CAPTURED, PaymentStatus.PARTLY_REFUNDED})


@dataclass(frozen=True, slots=True)
class Refund:
    """What is to be paid back: pieces by SKU, the delivery, and an amount that names no line."""

    lines: Mapping[Sku, int] = field(default_factory=dict)
    is_with_shipping: bool = False
    amount_minor: int = 0


def refund_order(
    desk: OrderDesk,
    order_id: OrderId,
    refund: Refund,
    *,
    command_id: str,
    actor: Actor,
    reason: str = "",
    expected_version: int | None = None,
) -> OrderRecord:
    """Note what the shopper does not owe any more and promise to pay it back, once per `command_id`.

    Raises InvalidRequest for more than is left to pay back, TransitionRefused while no money was taken, NotFound,
    VersionConflict, Unavailable.
    """
    with desk.book.transaction() as tx:
        change = open_order(tx, desk, order_id, actor)
        if not tx.accept_messages([command_id], JOB):
            return change.record
        change.expect(expected_version)
        if change.record.state.payment not in _REFUNDABLE:
            raise TransitionRefused(f"the payment is {change.record.state.payment}: nothing can be paid back")
        _check(change.record, refund)
        before = kept_minor(tx, change)
        _post(tx, change, refund, command_id)
        after = kept_minor(tx, change)
        if after < 0 or after == before:
            raise InvalidRequest([Problem("/amount_minor", f"at most {before} can be paid back")])
        data = {"amount_minor": before - after, "lines": dict(refund.lines)}
        change.apply(EventType.NOTE_ADDED, reason, {"refund": data})
        change.promise_job("settle_payment")
        return write(tx, change)


def _post(tx: OrderTransaction, change: OrderChange, refund: Refund, command_id: str) -> None:
    if refund.lines:
        change.post(ledger.reversal(f"refund:{command_id}", take_pieces(change, refund.lines)))
    if refund.is_with_shipping:
        if any(posting.key == "refund-shipping" for posting in tx.postings(change.order_id)):
            raise InvalidRequest([Problem("/is_with_shipping", "the delivery was paid back already")])
        change.post(ledger.reversal("refund-shipping", (), change.record.priced.shipping))
    if refund.amount_minor:
        rate = change.record.request.tax.rate_ppm
        change.post(ledger.allowance(f"allowance:{command_id}", refund.amount_minor, rate))


def take_pieces(
    change: OrderChange, lines: Mapping[Sku, int], *, counted_as: str = "refunded"
) -> list[PricedLine]:
    """Count pieces as paid back (or cancelled) and return what exactly these pieces cost."""
    taken = []
    for line, priced in zip(change.record.request.lines, change.record.priced.lines, strict=True):
        pieces = lines.get(line.sku, 0)
        if pieces:
            counts = change.record.counts_of(line.sku)
            start = counts.refunded + counts.cancelled
            taken.append(part_of_line(priced, line.quantity, start, start + pieces))
            change.count(line.sku, **{counted_as: pieces})
    return taken


def kept_minor(tx: OrderTransaction, change: OrderChange) -> int:
    """What the shopper keeps is worth, with this change."""
    return ledger.kept_value_minor(ledger.balances([*tx.postings(change.order_id), *change.postings]))


def _check(record: OrderRecord, refund: Refund) -> None:
    problems = []
    known = {line.sku: line.quantity for line in record.request.lines}
    for sku, pieces in refund.lines.items():
        counts = record.counts_of(sku)
        left = known.get(sku, 0) - counts.refunded - counts.cancelled
        if not 0 < pieces <= left:
            problems.append(Problem(f"/lines/{sku}", f"{left} pieces can be paid back, not {pieces}"))
    if refund.amount_minor < 0:
        problems.append(Problem("/amount_minor", "must not be negative"))
    if problems:
        raise InvalidRequest(problems)
