"""Risk rules: what makes a shop look twice at a new order. Rules are data; this module says what each kind means.

A rule that matches gives a hit: a sentence that a person can check. A rule that `holds` stops the order, the others
only leave their sentence on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from orders.domain.money import format_plain
from orders.domain.request import Address, OrderRequest


class RiskKind(StrEnum):
    """What a rule looks at."""

    AMOUNT = "amount"
    VELOCITY = "velocity"
    ADDRESS_MISMATCH = "address_mismatch"
    FIRST_ORDER = "first_order"
    COUNTRY = "country"


class HoldKind(StrEnum):
    """Why an order, or a line of it, waits."""

    FRAUD = "fraud"
    ADDRESS = "address"
    STOCK = "stock"
    PAYMENT = "payment"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class RiskRule:
    """One rule of the shop. Which numbers matter depends on the kind; the others are left alone.

    amount: an order of `limit_minor` or more.  velocity: `count` orders or more from one e-mail address within `hours`,
    this one included.  first_order: the first of an e-mail address, from `limit_minor` on.  country: delivered to one of
    `countries`.  address_mismatch: billed to another postal address than delivered to, from `limit_minor` on.
    """

    code: str
    kind: RiskKind
    name: str
    is_on: bool = False
    holds: bool = True
    hold_kind: HoldKind = HoldKind.FRAUD
    hold_hours: int = 0
    """After so many hours a held order goes on by itself; 0 waits for a person."""
    limit_minor: int = 0
    count: int = 0
    hours: int = 0
    countries: frozenset[str] = field(default=frozenset())


@dataclass(frozen=True, slots=True)
class RiskHit:
    """A rule that matched an order, and why, in words. `until` is when the hold ends by itself."""

    rule: str
    kind: RiskKind
    why: str
    holds: bool
    hold_kind: HoldKind
    until: datetime | None = None


def hits_of(
    request: OrderRequest, placed_at: datetime, earlier: Sequence[datetime], rules: Sequence[RiskRule]
) -> list[RiskHit]:
    """What the rules that are on say of a new order; those that hold come first, the longest hold before shorter ones.

    `earlier` are the times of the same shopper's orders before this one, as far back as any rule asks.
    """
    found = []
    for rule in rules:
        why = _why(rule, request, placed_at, earlier) if rule.is_on else ""
        if why:
            until = placed_at + timedelta(hours=rule.hold_hours) if rule.holds and rule.hold_hours else None
            found.append(RiskHit(rule.name, rule.kind, why, rule.holds, rule.hold_kind, until))
    return sorted(found, key=lambda hit: (not hit.holds, hit.until is not None, -_seconds(hit.until)))


def hold_until(hits: Sequence[RiskHit]) -> datetime | None:
    """When an order that was held for these goes on by itself: after the longest hold; never when one waits for a person."""
    ends = [hit.until for hit in hits if hit.holds]
    return None if not ends or None in ends else max(end for end in ends if end is not None)


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0


def _why(rule: RiskRule, request: OrderRequest, placed_at: datetime, earlier: Sequence[datetime]) -> str:
    total, currency = request.total_minor, request.currency
    if total < rule.limit_minor:
        return ""
    amount, limit = (f"{format_plain(each, currency)} {currency}" for each in (total, rule.limit_minor))
    match rule.kind:
        case RiskKind.AMOUNT:
            return f"{amount} is {limit} or more"
        case RiskKind.VELOCITY:
            since = placed_at - timedelta(hours=rule.hours)
            orders = 1 + sum(1 for at in earlier if since <= at <= placed_at)
            return (
                f"{orders} orders from this e-mail address within {rule.hours} h; {rule.count} are suspicious"
                if rule.count and orders >= rule.count
                else ""
            )
        case RiskKind.FIRST_ORDER:
            return "" if earlier else f"the first order from this e-mail address, over {amount}"
        case RiskKind.COUNTRY:
            country = request.shipping_address.country
            return f"delivered to {country}, which is on the list" if country in rule.countries else ""
        case RiskKind.ADDRESS_MISMATCH:
            billed, delivered = request.billing_address, request.shipping_address
            if _place(billed) == _place(delivered):
                return ""
            return f"billed to {_where(billed)}, delivered to {_where(delivered)}"


def _place(address: Address) -> tuple[str, ...]:
    """What makes two addresses the same place, however they were typed."""
    typed = (address.line1, address.postal_code, address.city, address.country)
    return tuple("".join(letter for letter in text.casefold() if letter.isalnum()) for text in typed)


def _where(address: Address) -> str:
    return f"{address.postal_code} {address.city}, {address.country}".strip()


FIRST_RULES: Mapping[str, RiskRule] = {
    rule.code: rule
    for rule in (
        RiskRule("amount", RiskKind.AMOUNT, "Dear order", limit_minor=100_000, hold_hours=0),
        RiskRule("velocity", RiskKind.VELOCITY, "Many orders at once", count=4, hours=24),
        RiskRule(
            "address_mismatch", RiskKind.ADDRESS_MISMATCH, "Two addresses", limit_minor=20_000,
            hold_kind=HoldKind.ADDRESS, hold_hours=24,
        ),
        RiskRule("first_order", RiskKind.FIRST_ORDER, "First order", limit_minor=50_000, holds=False),
        RiskRule("country", RiskKind.COUNTRY, "Country on the list"),
    )
}  # fmt: skip
"""What a new shop starts with: one rule of each kind, all of them off until somebody who knows the shop turns them on."""
