"""The coupon of a cart and of a checkout: what it takes off now, why it does not, and its claim when the order is placed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orders.adapters.rds import coupons
from orders.domain.coupon import Coupon, CouponProblem, CouponRefused
from webapp.checkout.models import Checkout
from webapp.extensions import db
from webapp.formats import day, money, percent
from webapp.languages import N_, _


@dataclass(frozen=True, slots=True)
class Weighed:
    """A code held against a cart. `problem` is None when it counts; `coupon` is None when nobody knows it."""

    code: str
    coupon: Coupon | None
    problem: CouponProblem | None
    goods_minor: int

    @property
    def counts(self) -> bool:
        """Whether it would be taken now."""
        return self.coupon is not None and self.problem is None

    @property
    def discount_minor(self) -> int:
        """What it takes off the goods."""
        return self.coupon.discount_on(self.goods_minor) if self.coupon and self.counts else 0

    @property
    def has_free_shipping(self) -> bool:
        """Whether it makes the cheapest delivery free."""
        return self.counts and self.coupon is not None and self.coupon.is_free_shipping

    @property
    def is_worth_keeping(self) -> bool:
        """Whether the code may stay in the cart: it counts, or it would for a fuller cart."""
        return self.counts or self.problem is CouponProblem.BELOW_MINIMUM

    @property
    def gives(self) -> str:
        """What it gives, in the shopper's words."""
        if self.coupon is None:
            return ""
        if self.coupon.is_free_shipping:
            return _("free standard delivery")
        if self.coupon.rate_ppm:
            what = percent(self.coupon.rate_ppm)
        else:
            what = money(self.coupon.amount_minor, self.coupon.currency)
        return _("%(what)s off", what=what)

    @property
    def why(self) -> str:
        """Why it does not count, in a sentence; empty when it does."""
        return _why(self.code, self.coupon, self.problem) if self.problem else ""


def weigh(code: str, goods_minor: int, currency: str, now: datetime, email: str = "") -> Weighed | None:
    """Hold a tidy code against goods of this value; None for no code. Limits per customer need the e-mail address."""
    if not code:
        return None
    connection = db.session.connection()
    coupon = coupons.find(connection, code)
    if coupon is None:
        return Weighed(code, None, CouponProblem.UNKNOWN, goods_minor)
    used = coupons.used_by(connection, code, email) if email else 0
    try:
        coupon.check(goods_minor=goods_minor, currency=currency, now=now, used_by_customer=used)
    except CouponRefused as refused:
        return Weighed(code, coupon, refused.problem, goods_minor)
    return Weighed(code, coupon, None, goods_minor)


def value_of(lines: Sequence[Mapping[str, Any]]) -> int:
    """The value of frozen lines in minor units."""
    return sum(line["quantity"] * line["unit_price_minor"] for line in lines)


def take_into(checkout: Checkout, code: str, now: datetime) -> list[str] | None:
    """Let an open checkout have what its cart's code gives now. Returns what changed, in sentences; None for nothing.

    The caller counts the change and commits.
    """
    goods_minor = value_of(checkout.lines)
    weighed = weigh(code, goods_minor, checkout.currency, now, checkout.contact.get("email", ""))
    before = (checkout.discount_code, checkout.discount_minor, checkout.has_free_shipping)
    counts = weighed is not None and weighed.counts
    after = (
        (code, weighed.discount_minor, weighed.has_free_shipping) if weighed and counts else ("", 0, False)
    )
    if before == after:
        return None
    checkout.discount_code, checkout.discount_minor, checkout.has_free_shipping = after
    return _told(before, after, checkout.currency, weighed)


def _told(
    before: tuple[str, int, bool], after: tuple[str, int, bool], currency: str, weighed: Weighed | None
) -> list[str]:
    if not before[0]:
        return []  # It was typed a moment ago, and the sums show it.
    if before[0] != after[0]:
        why = weighed.why if weighed and weighed.code == before[0] else ""
        return [why or _("The coupon %(code)s is not used any more.", code=before[0])]
    now, was = money(after[1], currency), money(before[1], currency)
    return [_("The coupon %(code)s takes off %(now)s now; it was %(was)s.", code=after[0], now=now, was=was)]


def claim(checkout: Checkout, now: datetime) -> None:
    """Claim the use that the order will hold, in the caller's transaction. Raises CouponRefused, such as for the last use
    that another order took a moment ago."""
    coupons.claim(
        db.session.connection(),
        code=checkout.discount_code,
        order_id=checkout.id,
        email=checkout.contact["email"],
        goods_minor=value_of(checkout.lines),
        currency=checkout.currency,
        now=now,
    )


def give_back(checkout: Checkout) -> None:
    """The placing came to nothing: another order may have the use. The caller commits; nothing happens at a repeat."""
    coupons.give_back(db.session.connection(), checkout.id)


def _why(code: str, coupon: Coupon | None, problem: CouponProblem) -> str:
    if problem is CouponProblem.BELOW_MINIMUM and coupon is not None:
        value = money(coupon.minimum_minor, coupon.currency)
        return _("The coupon %(code)s counts from %(value)s of goods.", code=code, value=value)
    if problem is CouponProblem.NOT_YET and coupon is not None and coupon.starts_at is not None:
        return _("The coupon %(code)s counts from %(day)s on.", code=code, day=day(coupon.starts_at))
    return _(_WHY[problem], code=code)


_WHY = {
    CouponProblem.UNKNOWN: N_("We know no coupon %(code)s; check it for a typing error."),
    CouponProblem.NOT_YET: N_("The coupon %(code)s does not count yet."),
    CouponProblem.OVER: N_("The coupon %(code)s has ended."),
    CouponProblem.USED_UP: N_("The coupon %(code)s has been used up."),
    CouponProblem.USED_BY_CUSTOMER: N_("You have used the coupon %(code)s as often as it may be used."),
    CouponProblem.OTHER_CURRENCY: N_("The coupon %(code)s is for another currency."),
    CouponProblem.BELOW_MINIMUM: N_("The coupon %(code)s needs more in the cart."),
}
