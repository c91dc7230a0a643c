"""I4, I5: nobody pays twice, each ledger balances, and a coupon is used as often as it says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta

from orders.doctor.checks.finding import ENDED_EARLY, Finding, Remedy
from orders.doctor.snapshot import CouponFacts, LineFacts, OrderFacts, Snapshot
from orders.domain.ids import OrderId
from orders.domain.ledger import Account
from orders.domain.money import apply_rate, included_part
from orders.domain.order import OrderState, PaymentStatus
from orders.ports import AttemptStatus

UNCLAIMED_AFTER = timedelta(hours=1)
"""How long a coupon's use may wait for its order: the reconciler ends every placing long before."""


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


def coupons_are_counted(look: Snapshot) -> Iterator[Finding]:
    """I5: a coupon's counter is the number of orders that hold a use, within its limit, and no dead order holds one."""
    owed: dict[str, list[OrderId]] = defaultdict(list)
    for order_id, order in look.orders.items():
        if order.discount_code and order.state.order not in ENDED_EARLY:
            owed[order.discount_code].append(order_id)
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
        for order_id in owed[coupon.code]:
            if order_id not in coupon.uses:
                yield Finding("I5", order_id, f"has the discount of {coupon.code}, but holds no use of it")


def _uses_have_orders(coupon: CouponFacts, look: Snapshot) -> Iterator[Finding]:
    for order_id, claimed_at in coupon.uses.items():
        order = look.orders.get(order_id)
        if order is not None and order.state.order in ENDED_EARLY:
            yield Finding(
                "I5", order_id, f"{order.state.order}, but it holds a use of {coupon.code}", Remedy.GIVE_BACK
            )
        is_old = claimed_at + UNCLAIMED_AFTER < look.taken_at
        if order is None and order_id not in look.reservations and is_old:
            yield Finding("I5", order_id, f"holds a use of {coupon.code} for no order", Remedy.GIVE_BACK)
