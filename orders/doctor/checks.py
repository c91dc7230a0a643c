"""One pure function per promise: a snapshot in, findings out.

A finding that may be an order in flight carries `is_settling`: it counts only when it is still there after the
doctor waited (see diagnosis.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from orders.doctor.snapshot import CouponFacts, LineFacts, OrderFacts, Snapshot
from orders.domain.errors import TransitionRefused
from orders.domain.events import EventType
from orders.domain.ids import OrderId, Sku
from orders.domain.inventory import ReservationState
from orders.domain.ledger import Account
from orders.domain.money import apply_rate, included_part
from orders.domain.order import INITIAL, OrderState, OrderStatus, PaymentStatus, apply, stage_of
from orders.ports import AttemptStatus

GRACE = timedelta(seconds=60)
"""How long after its hour a reservation may wait for the sweeper, which runs each minute on AWS."""
FORGOTTEN_AFTER = timedelta(minutes=15)
"""How long a checkout may take between authorising the card and submitting the order, and a message to be sent."""
UNCLAIMED_AFTER = timedelta(hours=1)
"""How long a coupon's use may wait for its order: the reconciler ends every placing long before."""

_ENDED_EARLY = frozenset({OrderStatus.CANCELLED, OrderStatus.EXPIRED})


class Remedy(StrEnum):
    """What would repair a finding; repairs.py holds one function for each."""

    NONE = "look at it by hand"
    RESEND = "send the order's message to the queue again"
    PROJECT = "project the tracking view from the book again"
    EXPIRE = "give the reservation back and tell the book"
    RELEASE = "give the stock of the closed order back"
    CONFIRM = "confirm the reservation of the recorded order"
    VOID = "void the authorisation that belongs to no order"
    GIVE_BACK = "give the coupon's use back"
    DELIVER = "start a worker: it delivers the waiting effects of the outbox"


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken promise: which, of whom, what is wrong, and what would repair it."""

    promise: str
    subject: str
    problem: str
    remedy: Remedy = Remedy.NONE
    is_settling: bool = False


def stock_is_conserved(look: Snapshot) -> Iterator[Finding]:
    """I1: received = available + reserved + sold for each SKU, none below zero; reserved is what orders hold."""
    for level in look.levels.values():
        if not level.is_conserved:
            yield Finding(
                "I1",
                level.sku,
                f"received {level.received}, but available {level.available} + reserved {level.reserved} + sold {level.sold}",
            )
    held: dict[Sku, int] = defaultdict(int)
    for reservation in look.reservations.values():
        if reservation.holds_stock:
            for line in reservation.lines:
                held[line.sku] += line.held
    for sku in sorted(held.keys() | look.levels.keys()):
        known = look.levels.get(sku)
        reserved = known.reserved if known else 0
        if reserved != held[sku]:
            yield Finding("I1", sku, f"{reserved} reserved, but orders hold {held[sku]}", is_settling=True)


def sold_is_shipped(look: Snapshot) -> Iterator[Finding]:
    """I1: what the stock calls sold is what left the house and did not come back for sale."""
    shipped: dict[Sku, int] = defaultdict(int)
    for order in look.orders.values():
        for line in order.lines:
            shipped[line.sku] += line.shipped - line.restocked
    for sku, level in look.levels.items():
        if level.sold != shipped[sku]:
            yield Finding(
                "I1", sku, f"{level.sold} sold, but {shipped[sku]} pieces are with shoppers", is_settling=True
            )


def accepted_is_recorded(look: Snapshot) -> Iterator[Finding]:
    """I2: every accepted order is in the book and in tracking."""
    for order_id, reservation in look.reservations.items():
        if order_id not in look.orders:
            where = "its message was sent" if reservation.is_sent else "its message was never sent"
            yield Finding(
                "I2", order_id, f"accepted, but not in the book; {where}", Remedy.RESEND, is_settling=True
            )
        if order_id not in look.tracking:
            remedy = Remedy.PROJECT if order_id in look.orders else Remedy.RESEND
            yield Finding("I2", order_id, "accepted, but the shopper cannot see it", remedy, is_settling=True)


def recorded_was_accepted(look: Snapshot) -> Iterator[Finding]:
    """I3: nothing in the book, in tracking or at the provider without an accepted request."""
    for order_id in look.orders.keys() - look.reservations.keys():
        yield Finding("I3", order_id, "in the book, but it was never accepted", is_settling=True)
    for order_id in look.tracking.keys() - look.reservations.keys():
        yield Finding("I3", order_id, "in tracking, but it was never accepted", is_settling=True)


def recorded_as_accepted(look: Snapshot) -> Iterator[Finding]:
    """I4: the book holds what was accepted: the same SKUs, unless staff edited the order since."""
    for order_id, order in look.orders.items():
        reservation = look.reservations.get(order_id)
        if reservation is None or order.is_edited or not reservation.holds_stock:
            continue
        held: dict[Sku, int] = defaultdict(int)
        for reserved in reservation.lines:
            held[reserved.sku] += reserved.held
        booked = {line.sku: line.quantity - line.shipped - line.cancelled for line in order.lines}
        if held != booked:
            yield Finding(
                "I4", order_id, f"holds {dict(held)}, but the book expects {booked}", is_settling=True
            )


def charged_once(look: Snapshot) -> Iterator[Finding]:
    """I4, I5: one authorisation and one capture for each order, and the provider's books agree with ours."""
    captured: dict[str, int] = defaultdict(int)
    refunded: dict[str, int] = defaultdict(int)
    for order_id, order in look.orders.items():
        done = [attempt for attempt in order.attempts if attempt.status is AttemptStatus.SUCCEEDED]
        for kind, sums in (("capture", captured), ("refund", refunded)):
            for attempt in done:
                if attempt.kind == kind:
                    sums[attempt.reference] += attempt.amount_minor
        holds = {attempt.reference for attempt in done if attempt.kind == "authorise"}
        voided = {attempt.reference for attempt in done if attempt.kind == "void"}
        if len(holds - voided) > 1:
            yield Finding(
                "I5", order_id, f"{len(holds - voided)} authorisations stand for one order", is_settling=True
            )
        taken = sum(attempt.amount_minor for attempt in done if attempt.kind == "capture")
        if taken > order.total_minor:
            yield Finding("I5", order_id, f"captured {taken}, more than the total {order.total_minor}")
    for charge in look.charges:
        if (
            charge.captured_minor != captured[charge.reference]
            or charge.refunded_minor != refunded[charge.reference]
        ):
            yield Finding(
                "I5",
                charge.order_id,
                f"the provider captured {charge.captured_minor} and refunded {charge.refunded_minor};"
                f" our attempts say {captured[charge.reference]} and {refunded[charge.reference]}",
                is_settling=True,
            )


def ledger_balances(look: Snapshot) -> Iterator[Finding]:
    """I5: each posting sums to zero, the cash is what was captured, and a settled order owes nothing."""
    for order_id, order in look.orders.items():
        cash = receivable = 0
        if "sale" not in order.postings:
            yield Finding("I5", order_id, "no sale in the ledger")
        for key, entries in order.postings.items():
            if sum(amount for _, amount in entries):
                yield Finding("I5", order_id, f"posting {key} does not balance")
            cash += sum(amount for account, amount in entries if account == Account.CASH)
            receivable += sum(amount for account, amount in entries if account == Account.RECEIVABLE)
        yield from _cash_agrees(order, cash)
        if _should_be_settled(order.state) and receivable:
            yield Finding(
                "I5", order_id, f"{receivable} still stand open on a settled order", is_settling=True
            )


def _cash_agrees(order: OrderFacts, cash: int) -> Iterator[Finding]:
    done = [attempt for attempt in order.attempts if attempt.status is AttemptStatus.SUCCEEDED]
    captured = sum(attempt.amount_minor for attempt in done if attempt.kind == "capture")
    refunded = sum(attempt.amount_minor for attempt in done if attempt.kind == "refund")
    if cash != captured - refunded:
        yield Finding(
            "I5",
            order.id,
            f"{cash} cash in the ledger, but captured {captured} - refunded {refunded}",
            is_settling=True,
        )


def _should_be_settled(state: OrderState) -> bool:
    return state.payment in {PaymentStatus.CAPTURED, PaymentStatus.REFUNDED, PaymentStatus.VOIDED}


def totals_are_the_lines(look: Snapshot) -> Iterator[Finding]:
    """I5: the total is the sum of lines and shipping, and each line's tax follows the one rounding rule."""
    for order_id, order in look.orders.items():
        gross = sum(line.net_minor + line.tax_minor for line in order.lines)
        shipping = order.shipping_minor + (0 if order.tax_is_inclusive else order.shipping_tax_minor)
        if gross + shipping != order.total_minor:
            yield Finding(
                "I5", order_id, f"lines {gross} + shipping {shipping} are not the total {order.total_minor}"
            )
        for line in order.lines:
            if not _priced_by_the_rule(line, order):
                yield Finding(
                    "I5",
                    order_id,
                    f"{line.sku}: net {line.net_minor} and tax {line.tax_minor} break the rule",
                )


def _priced_by_the_rule(line: LineFacts, order: OrderFacts) -> bool:
    charged = line.quantity * line.unit_price_minor - line.discount_minor
    if order.tax_is_inclusive:
        tax = included_part(charged, order.tax_rate_ppm)
        return (line.net_minor, line.tax_minor) == (charged - tax, tax)
    return (line.net_minor, line.tax_minor) == (charged, apply_rate(charged, order.tax_rate_ppm))


def history_is_legal(look: Snapshot) -> Iterator[Finding]:
    """I6: replaying the timeline through the state machine gives the state on record, version by version."""
    for order_id, order in look.orders.items():
        try:
            replayed = _replay(order)
        except (TransitionRefused, ValueError) as error:
            yield Finding("I6", order_id, f"its history is not possible: {error}")
            continue
        if replayed != order.state:
            yield Finding(
                "I6",
                order_id,
                f"its history leads to {replayed}, the record says {order.state}",
                is_settling=True,
            )


def _replay(order: OrderFacts) -> OrderState:
    if not order.events or order.events[0] != (1, EventType.ORDER_PLACED):
        raise ValueError("it does not begin with order_placed at version 1")
    state = INITIAL
    for version, event in order.events[1:]:
        state = apply(state, event)
        if state.version != version:
            raise ValueError(f"{event} stands at version {version}, not {state.version}")
    return state


def tracking_agrees(look: Snapshot) -> Iterator[Finding]:
    """I6: the shopper sees the book's version and stage, never a later one."""
    for order_id, order in look.orders.items():
        view = look.tracking.get(order_id)
        if view is None:
            continue
        if view.version > order.state.version:
            yield Finding(
                "I6",
                order_id,
                f"tracking shows version {view.version}, the book has {order.state.version}",
                is_settling=True,
            )
        elif (view.version, view.stage) != (order.state.version, stage_of(order.state)):
            yield Finding(
                "I6",
                order_id,
                f"tracking shows {view.stage} ({view.version}), the book {stage_of(order.state)} ({order.state.version})",
                Remedy.DELIVER if order_id in look.outbox_orders else Remedy.PROJECT,
                is_settling=True,
            )


def reservations_end(look: Snapshot) -> Iterator[Finding]:
    """I7: no reservation outlives its hour, a closed order or its message; no authorisation is forgotten."""
    for order_id, reservation in look.reservations.items():
        order = look.orders.get(order_id)
        if reservation.state is ReservationState.RESERVED and order is not None:
            yield Finding(
                "I7",
                order_id,
                "recorded, but its reservation may still expire",
                Remedy.CONFIRM,
                is_settling=True,
            )
        elif (
            reservation.state is ReservationState.RESERVED and reservation.expires_at + GRACE < look.taken_at
        ):
            yield Finding("I7", order_id, "its reservation is overdue", Remedy.EXPIRE)
        if order is not None and order.state.order in _ENDED_EARLY:
            if reservation.holds_stock and any(line.held for line in reservation.lines):
                yield Finding(
                    "I7",
                    order_id,
                    f"{order.state.order}, but it still holds stock",
                    Remedy.RELEASE,
                    is_settling=True,
                )
        elif order is not None and not reservation.holds_stock and _expects_stock(order):
            yield Finding(
                "I7", order_id, f"{order.state.order}, but its stock was given back", is_settling=True
            )
    for attempt in look.orphan_attempts:
        is_old = attempt.created_at + FORGOTTEN_AFTER < look.taken_at
        if attempt.order_id not in look.reservations and is_old:
            yield Finding(
                "I7", attempt.order_id, f"{attempt.amount_minor} are held on a card for no order", Remedy.VOID
            )


def coupons_are_counted(look: Snapshot) -> Iterator[Finding]:
    """I5: a coupon's counter is the number of orders that hold a use, within its limit, and no dead order holds one."""
    for coupon in look.coupons:
        if coupon.used != len(coupon.uses):
            yield Finding(
                "I5", coupon.code, f"counts {coupon.used} uses, but {len(coupon.uses)} orders hold one"
            )
        if coupon.max_uses is not None and len(coupon.uses) > coupon.max_uses:
            yield Finding(
                "I5", coupon.code, f"{len(coupon.uses)} orders hold a use, its limit is {coupon.max_uses}"
            )
        yield from _uses_have_orders(coupon, look)
        for order_id, order in look.orders.items():
            is_owed = order.discount_code == coupon.code and order.state.order not in _ENDED_EARLY
            if is_owed and order_id not in coupon.uses:
                yield Finding("I5", order_id, f"has the discount of {coupon.code}, but holds no use of it")


def _uses_have_orders(coupon: CouponFacts, look: Snapshot) -> Iterator[Finding]:
    for order_id, claimed_at in coupon.uses.items():
        order = look.orders.get(order_id)
        if order is not None and order.state.order in _ENDED_EARLY:
            yield Finding(
                "I5", order_id, f"{order.state.order}, but it holds a use of {coupon.code}", Remedy.GIVE_BACK
            )
        is_old = claimed_at + UNCLAIMED_AFTER < look.taken_at
        if order is None and order_id not in look.reservations and is_old:
            yield Finding("I5", order_id, f"holds a use of {coupon.code} for no order", Remedy.GIVE_BACK)


def _expects_stock(order: OrderFacts) -> bool:
    return any(line.quantity > line.shipped + line.cancelled for line in order.lines)


def nothing_is_stuck(look: Snapshot) -> Iterator[Finding]:
    """I8: effects are delivered, dead-letter queues are empty or known to the quarantine."""
    if look.outbox_oldest is not None and look.outbox_oldest + GRACE < look.taken_at:
        yield Finding(
            "I8",
            "outbox",
            f"{look.outbox_waiting} effects wait, the oldest since {look.outbox_oldest:%H:%M:%S}",
            Remedy.DELIVER,
        )
    for queue in look.queues:
        if queue.dead > look.quarantined:
            yield Finding(
                "I8", queue.name, f"{queue.dead} messages in its dead-letter queue are not in quarantine"
            )


def everybody_was_told(look: Snapshot) -> Iterator[Finding]:
    """I11: a message whose sender died is sent by nobody else, because it may be out already; a person must know."""
    for claim in look.open_claims:
        if claim.claimed_at + FORGOTTEN_AFTER < look.taken_at:
            yield Finding(
                "I11",
                claim.order_id,
                f"nobody knows whether the {claim.channel} about {claim.event} was sent; ask the provider",
            )


CHECKS: tuple[Callable[[Snapshot], Iterator[Finding]], ...] = (
    stock_is_conserved,
    sold_is_shipped,
    accepted_is_recorded,
    recorded_was_accepted,
    recorded_as_accepted,
    charged_once,
    ledger_balances,
    totals_are_the_lines,
    history_is_legal,
    tracking_agrees,
    coupons_are_counted,
    reservations_end,
    nothing_is_stuck,
    everybody_was_told,
)


def examine(look: Snapshot) -> list[Finding]:
    """Every finding of every check."""
    return [finding for check in CHECKS for finding in check(look)]


def keys(findings: list[Finding]) -> set[tuple[str, str, str]]:
    """What makes a finding the same one at a second look."""
    return {(finding.promise, finding.subject, finding.problem) for finding in findings}


__all__ = ["CHECKS", "Finding", "OrderId", "Remedy", "examine", "keys"]
