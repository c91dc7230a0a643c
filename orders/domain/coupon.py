"""Coupons: what a code takes off an order, and every reason why it does not.

A coupon takes a share or an amount off the goods, or makes the cheapest delivery free. What it takes off the goods
is spread over the lines by pricing.price_order, so that a refund of one piece knows its part of the discount.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from orders.domain.errors import Refused
from orders.domain.money import RATE_SCALE, apply_rate

CODE_PATTERN = r"[A-Z0-9][A-Z0-9-]{2,31}"
"""Capitals, digits and hyphens, 3 to 32 of them: what can be read aloud and typed on a phone."""


class CouponKind(StrEnum):
    """What a coupon gives."""

    PERCENT = "percent"
    FIXED = "fixed"
    FREE_SHIPPING = "free_shipping"


class CouponProblem(StrEnum):
    """Why a coupon does not count."""

    UNKNOWN = "unknown"
    NOT_YET = "not_yet"
    OVER = "over"
    USED_UP = "used_up"
    USED_BY_CUSTOMER = "used_by_customer"
    OTHER_CURRENCY = "other_currency"
    BELOW_MINIMUM = "below_minimum"


class CouponRefused(Refused):
    """A coupon does not count for this order. `problem` says why, by type."""

    code = "coupon_refused"

    def __init__(self, coupon_code: str, problem: CouponProblem) -> None:
        self.coupon_code = coupon_code
        self.problem = problem
        super().__init__(f"coupon {coupon_code}: {problem}")


@dataclass(frozen=True, slots=True)
class Coupon:
    """One coupon. `rate_ppm` is the share of a percent coupon, `amount_minor` the amount of a fixed one.

    A limit of None is no limit; `used` counts the orders that hold a use. `ends_at` is the first moment at which it
    does not count any more.
    """

    code: str
    kind: CouponKind
    currency: str
    rate_ppm: int = 0
    amount_minor: int = 0
    minimum_minor: int = 0
    max_uses: int | None = None
    max_uses_per_customer: int | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    used: int = 0

    def __post_init__(self) -> None:
        problems = [
            (re.fullmatch(CODE_PATTERN, self.code) is None, "the code is not one"),
            (self.kind is CouponKind.PERCENT and not 0 < self.rate_ppm <= RATE_SCALE, "a share lies in 0..1"),
            (self.kind is CouponKind.FIXED and self.amount_minor <= 0, "an amount is positive"),
            (self.minimum_minor < 0, "a minimum is not negative"),
            (
                self.starts_at is not None and self.ends_at is not None and self.starts_at >= self.ends_at,
                "it ends before it starts",
            ),
        ]
        wrong = [text for is_wrong, text in problems if is_wrong]
        if wrong:
            raise ValueError(f"coupon {self.code}: {'; '.join(wrong)}")

    @property
    def is_free_shipping(self) -> bool:
        """Whether it makes the cheapest delivery free."""
        return self.kind is CouponKind.FREE_SHIPPING

    def discount_on(self, goods_minor: int) -> int:
        """What it takes off goods of this value: rounded by the one rule, never more than the goods cost."""
        if self.kind is CouponKind.PERCENT:
            return min(goods_minor, apply_rate(goods_minor, self.rate_ppm))
        if self.kind is CouponKind.FIXED:
            return min(goods_minor, self.amount_minor)
        return 0

    def check(self, *, goods_minor: int, currency: str, now: datetime, used_by_customer: int = 0) -> None:
        """Raise CouponRefused when it does not count for goods of this value, at this moment, for this customer."""
        problem = self._problem(goods_minor, currency, now, used_by_customer)
        if problem is not None:
            raise CouponRefused(self.code, problem)

    def _problem(
        self, goods_minor: int, currency: str, now: datetime, used_by_customer: int
    ) -> CouponProblem | None:
        if self.starts_at is not None and now < self.starts_at:
            return CouponProblem.NOT_YET
        if self.ends_at is not None and now >= self.ends_at:
            return CouponProblem.OVER
        if self.currency != currency:
            return CouponProblem.OTHER_CURRENCY
        if self.max_uses is not None and self.used >= self.max_uses:
            return CouponProblem.USED_UP
        if self.max_uses_per_customer is not None and used_by_customer >= self.max_uses_per_customer:
            return CouponProblem.USED_BY_CUSTOMER
        if goods_minor < self.minimum_minor:
            return CouponProblem.BELOW_MINIMUM
        return None


def tidy_code(typed: str) -> str:
    """A code as it is kept, from what was typed: capitals, no spaces around or inside it."""
    return re.sub(r"\s+", "", typed).upper()[:40]


def same_inbox(email: str) -> str:
    """An e-mail address as limits per customer know it: lower case, without a `+tag`, which most providers deliver alike."""
    local, _, host = email.strip().lower().partition("@")
    return f"{local.partition('+')[0]}@{host}"
