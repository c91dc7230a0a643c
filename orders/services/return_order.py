"""Returns: asked for by the shopper, decided by staff, received in the warehouse, paid back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from orders.domain import ledger
from orders.domain.errors import InvalidRequest, NotFound, Problem, TransitionRefused
from orders.domain.events import Actor, EventType
from orders.domain.ids import OrderId, Sku
from orders.ports import Effect, OrderRecord, OrderTransaction, ReturnRecord, ReturnStatus
from orders.services.changes import OrderChange, open_order, write
from orders.services.desk import OrderDesk
from orders.services.refund_order import kept_minor, take_pieces

RETURN_REASONS = ("changed_mind", "damaged", "wrong_item", "not_as_described", "arrived_late", "other")
"""Why goods are sent back."""
_OPEN = frozenset({ReturnStatus.REQUESTED, ReturnStatus.APPROVED})


def request_return(
    desk: OrderDesk,
    order_id: OrderId,
    lines: Mapping[Sku, int],
    *,
    return_id: str,
    actor: Actor,
    reason: str,
    comment: str = "",
    expected_version: int | None = None,
) -> OrderRecord:
    """Ask to send pieces back, once per `return_id`.

    Raises InvalidRequest for pieces that were not shipped or are in another return, TransitionRefused before
    anything was shipped, NotFound, VersionConflict, Unavailable.
    """
    with desk.book.transaction() as tx:
        change = open_order(tx, desk, order_id, actor)
        known = tx.returns(order_id)
        if any(record.id == return_id for record in known):
            return change.record
        change.expect(expected_version)
        change.apply(EventType.RETURN_REQUESTED, reason, {"return_id": return_id, "lines": dict(lines)})
        _check_pieces(change.record, known, lines)
        tx.save_return(
            ReturnRecord(return_id, order_id, ReturnStatus.REQUESTED, dict(lines), reason, change.at, comment)
        )
        return write(tx, change)


def decide_return(
    desk: OrderDesk,
    order_id: OrderId,
    *,
    return_id: str,
    actor: Actor,
    is_approved: bool,
    reason: str = "",
    command_id: str = "",
    expected_version: int | None = None,
) -> OrderRecord:
    """Approve or reject a requested return; deciding the same again changes nothing.

    With a `command_id` a repeat of the same command is no second decision, and `expected_version` tells a person that
    another was quicker. Raises TransitionRefused when it was decided otherwise, NotFound, VersionConflict, Unavailable.
    """
    wanted = ReturnStatus.APPROVED if is_approved else ReturnStatus.REJECTED
    event = EventType.RETURN_APPROVED if is_approved else EventType.RETURN_REJECTED
    with desk.book.transaction() as tx:
        change = open_order(tx, desk, order_id, actor)
        if _is_repeat(tx, command_id, "decide_return"):
            return change.record
        change.expect(expected_version)
        record = _find(tx, order_id, return_id)
        if record.status is wanted:
            return change.record
        if record.status is not ReturnStatus.REQUESTED:
            raise TransitionRefused(f"the return is {record.status} already")
        change.apply(event, reason, {"return_id": return_id})
        tx.save_return(replace(record, status=wanted, decided_at=change.at))
        return write(tx, change)


def receive_return(
    desk: OrderDesk,
    order_id: OrderId,
    *,
    return_id: str,
    actor: Actor,
    restocked: Mapping[Sku, int],
    written_off: Mapping[Sku, int],
    command_id: str = "",
    expected_version: int | None = None,
) -> OrderRecord:
    """The parcel came back: some pieces go on the shelf, the others are written off, all are paid back. Once.

    `command_id` and `expected_version` are as for `decide_return`. Raises InvalidRequest for other pieces than the
    return has, TransitionRefused for a return that was not approved, NotFound, VersionConflict, Unavailable.
    """
    with desk.book.transaction() as tx:
        change = open_order(tx, desk, order_id, actor)
        if _is_repeat(tx, command_id, "receive_return"):
            return change.record
        change.expect(expected_version)
        record = _find(tx, order_id, return_id)
        if record.status is ReturnStatus.RECEIVED:
            return change.record
        if record.status is not ReturnStatus.APPROVED:
            raise TransitionRefused(f"the return is {record.status}, not approved")
        received = {
            sku: pieces
            for sku in record.lines
            if (pieces := restocked.get(sku, 0) + written_off.get(sku, 0)) > 0
        }
        _check_received(record, received, restocked, written_off)
        _take_back(tx, change, record, received, restocked)
        tx.save_return(
            replace(
                record,
                status=ReturnStatus.RECEIVED,
                received_at=change.at,
                restocked=dict(restocked),
                written_off=dict(written_off),
            )
        )
        return write(tx, change)


def _is_repeat(tx: OrderTransaction, command_id: str, what: str) -> bool:
    return bool(command_id) and not tx.accept_messages([command_id], what)


def _take_back(
    tx: OrderTransaction,
    change: OrderChange,
    record: ReturnRecord,
    received: Mapping[Sku, int],
    restocked: Mapping[Sku, int],
) -> None:
    on_shelf = {sku: pieces for sku, pieces in restocked.items() if pieces}
    change.apply(
        EventType.RETURN_RECEIVED,
        data={"return_id": record.id, "lines": dict(received), "restocked": on_shelf},
    )
    to_pay = _not_yet_paid_back(change.record, received)
    for sku, pieces in received.items():
        change.count(sku, returned=pieces, restocked=restocked.get(sku, 0))
    left = kept_minor(tx, change)
    posting = ledger.reversal(f"return:{record.id}", take_pieces(change, to_pay))
    owed = -sum(entry.amount_minor for entry in posting.entries if entry.account == "receivable")
    if owed > left:
        # A gesture was paid before: what is left of the order's value is all that can be paid back.
        posting = ledger.reversal_of_rest(
            f"return:{record.id}", ledger.balances(tx.postings(change.order_id))
        )
    change.post(posting)
    if on_shelf:
        change.promise(
            Effect.TAKE_BACK_STOCK, f"take-back:{record.id}", {"return_id": record.id, "lines": on_shelf}
        )
    change.promise_job("settle_payment")


def _not_yet_paid_back(record: OrderRecord, received: Mapping[Sku, int]) -> dict[Sku, int]:
    """Pieces of a return whose price was not refunded before (a lost parcel that turned up is paid back once)."""
    to_pay = {}
    for sku, pieces in received.items():
        counts = record.counts_of(sku)
        paid_ahead = counts.refunded - counts.returned
        to_pay[sku] = max(0, pieces - max(0, paid_ahead))
    return {sku: pieces for sku, pieces in to_pay.items() if pieces}


def _find(tx: OrderTransaction, order_id: OrderId, return_id: str) -> ReturnRecord:
    for record in tx.returns(order_id):
        if record.id == return_id:
            return record
    raise NotFound(f"order {order_id} has no return {return_id}")


def returnable(order: OrderRecord, known: Sequence[ReturnRecord]) -> dict[Sku, int]:
    """How many pieces of each line can be sent back: with the shopper, and in no other open return. Lines of none are left out."""
    asked: dict[Sku, int] = {}
    for record in known:
        if record.status in _OPEN:
            for sku, pieces in record.lines.items():
                asked[sku] = asked.get(sku, 0) + pieces
    left = {}
    for line in order.request.lines:
        counts = order.counts_of(line.sku)
        left[line.sku] = counts.shipped - counts.returned - asked.get(line.sku, 0)
    return {sku: pieces for sku, pieces in left.items() if pieces > 0}


def _check_pieces(order: OrderRecord, known: Sequence[ReturnRecord], lines: Mapping[Sku, int]) -> None:
    left = returnable(order, known)
    problems = [] if lines else [Problem("/lines", "choose at least one piece")]
    problems += [
        Problem(f"/lines/{sku}", f"{left.get(sku, 0)} pieces can be sent back, not {pieces}")
        for sku, pieces in lines.items()
        if not 0 < pieces <= left.get(sku, 0)
    ]
    if problems:
        raise InvalidRequest(problems)


def _check_received(
    record: ReturnRecord,
    received: Mapping[Sku, int],
    restocked: Mapping[Sku, int],
    written_off: Mapping[Sku, int],
) -> None:
    problems = []
    for sku in restocked.keys() | written_off.keys():
        pieces, back, off = received.get(sku, 0), restocked.get(sku, 0), written_off.get(sku, 0)
        if back < 0 or off < 0 or pieces > record.lines.get(sku, 0) or (back + off and not pieces):
            problems.append(
                Problem(
                    f"/lines/{sku}", f"the return has {record.lines.get(sku, 0)} pieces, not {back + off}"
                )
            )
    if not received:
        problems.append(Problem("/lines", "at least one piece must have come back; else reject the return"))
    if problems:
        raise InvalidRequest(problems)
