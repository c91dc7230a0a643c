"""Taking pieces off an order before it is picked: the stock goes back on the shelf, the difference to the shopper."""

from __future__ import annotations

from collections.abc import Mapping

from orders.domain import ledger
from orders.domain.errors import InvalidRequest, Problem
from orders.domain.events import Actor, EventType
from orders.domain.ids import OrderId, Sku
from orders.domain.order import PaymentStatus
from orders.domain.pricing import part_of_line
from orders.ports import Effect, OrderRecord
from orders.services.changes import open_order, write
from orders.services.desk import OrderDesk
from orders.services.refund_order import take_pieces

JOB = "edit_order"
_TAKEN = frozenset({PaymentStatus.CAPTURED, PaymentStatus.PARTLY_REFUNDED})


def edit_order(
    desk: OrderDesk,
    order_id: OrderId,
    quantities: Mapping[Sku, int],
    *,
    command_id: str,
    actor: Actor,
    reason: str = "",
    expected_version: int | None = None,
) -> OrderRecord:
    """Set lines to fewer pieces, once per `command_id`; lines that are not named stay as they are.

    The lines keep the price they were ordered at, also when fewer pieces would cost more each. Before the capture less is
    taken, after it the difference is paid back. More pieces need stock and money that nobody has promised: that is a
    new order, and InvalidRequest says so. Raises TransitionRefused once picking has begun, NotFound, VersionConflict,
    Unavailable.
    """
    with desk.book.transaction() as tx:
        change = open_order(tx, desk, order_id, actor)
        if not tx.accept_messages([command_id], JOB):
            return change.record
        change.expect(expected_version)
        fewer = _fewer(change.record, quantities)
        # Counted before the event, so that the shopper is written what is left of the order.
        pieces = take_pieces(change, fewer, counted_as="cancelled")
        is_paid_back = change.record.state.payment in _TAKEN
        change.apply(
            EventType.ORDER_EDITED,
            reason,
            {
                "taken_off": dict(fewer),
                "amount_minor": sum(piece.gross_minor for piece in pieces),
                "is_paid_back": is_paid_back,
            },
        )
        change.post(ledger.reversal(f"edit:{command_id}", pieces))
        change.promise(
            Effect.RELEASE_STOCK, f"edit:{command_id}", {"change_id": command_id, "lines": dict(fewer)}
        )
        if is_paid_back:
            change.promise_job("settle_payment")
        return write(tx, change)


def difference_minor(record: OrderRecord, quantities: Mapping[Sku, int]) -> int:
    """What an edit to these quantities would take off what the shopper owes, to the cent: what to show before asking.

    Raises InvalidRequest as `edit_order` does.
    """
    fewer = _fewer(record, quantities)
    taken = 0
    for line, priced in zip(record.request.lines, record.priced.lines, strict=True):
        counts = record.counts_of(line.sku)
        start = counts.refunded + counts.cancelled
        taken += part_of_line(priced, line.quantity, start, start + fewer.get(line.sku, 0)).gross_minor
    return taken


def _fewer(record: OrderRecord, quantities: Mapping[Sku, int]) -> dict[Sku, int]:
    """How many pieces come off each line. Raises InvalidRequest with every problem at once."""
    present = {
        line.sku: line.quantity - record.counts_of(line.sku).cancelled for line in record.request.lines
    }
    paid_back = {sku: record.counts_of(sku).refunded for sku in present}
    problems: list[Problem] = []
    fewer: dict[Sku, int] = {}
    for sku, wanted in quantities.items():
        has = present.get(sku, 0)
        if not paid_back.get(sku, 0) <= wanted <= has or sku not in present:
            problems.append(
                Problem(f"/lines/{sku}", f"the order has {has} pieces; choose fewer, or order anew")
            )
        elif wanted < has:
            fewer[sku] = has - wanted
    if not problems and not fewer:
        problems.append(Problem("/lines", "nothing is changed"))
    if not problems and sum(present.values()) == sum(fewer.values()):
        problems.append(Problem("/lines", "nothing would be left: cancel the order"))
    if problems:
        raise InvalidRequest(problems)
    return fewer
