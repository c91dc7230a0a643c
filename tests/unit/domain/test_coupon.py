"""What a coupon takes off, and when it does not: exact to the cent, for any cart and any split of a refund."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.domain.coupon import Coupon, CouponKind, CouponProblem, CouponRefused, same_inbox, tidy_code
from orders.domain.money import RATE_SCALE
from orders.domain.pricing import TaxRule, part_of_line, price_order

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LINES = st.lists(st.tuples(st.integers(1, 99), st.integers(1, 500_000)), min_size=1, max_size=12)
RULES = st.builds(TaxRule, st.just("T"), st.integers(0, 300_000), st.booleans())
GIVES = st.one_of(
    st.integers(1, RATE_SCALE).map(lambda ppm: Coupon("ANY", CouponKind.PERCENT, "EUR", rate_ppm=ppm)),
    st.integers(1, 5_000_000).map(lambda minor: Coupon("ANY", CouponKind.FIXED, "EUR", amount_minor=minor)),
    st.just(Coupon("ANY", CouponKind.FREE_SHIPPING, "EUR")),
)


def test_a_percent_coupon_rounds_half_a_cent_up() -> None:
    """By the one rule: 10 % of 12.25 is 1.23 (1.225), of 12.24 is 1.22."""
    ten = Coupon("TEN", CouponKind.PERCENT, "EUR", rate_ppm=100_000)
    assert (ten.discount_on(1225), ten.discount_on(1224)) == (123, 122)


def test_a_fixed_coupon_never_pays_out() -> None:
    """Goods worth less than the coupon cost nothing, not less than nothing."""
    assert Coupon("FIVE", CouponKind.FIXED, "EUR", amount_minor=500).discount_on(300) == 300


@given(lines=LINES, coupon=GIVES, tax=RULES, shipping=st.integers(0, 10_000))
def test_the_discount_spreads_over_the_lines_to_the_cent(
    lines: list[tuple[int, int]], coupon: Coupon, tax: TaxRule, shipping: int
) -> None:
    """The lines' parts sum to the discount, none exceeds its line, and the totals add up from the lines."""
    goods = sum(quantity * price for quantity, price in lines)
    discount = coupon.discount_on(goods)
    assert 0 <= discount <= goods
    priced = price_order(lines, shipping_minor=shipping, discount_minor=discount, tax=tax)
    assert sum(line.discount_minor for line in priced.lines) == discount
    assert all(0 <= line.discount_minor <= line.subtotal_minor for line in priced.lines)
    gross = sum(line.gross_minor for line in priced.lines) + priced.shipping.gross_minor
    assert priced.totals.total_minor == gross
    if tax.is_inclusive:
        assert gross == goods - discount + shipping


@given(lines=LINES, coupon=GIVES, tax=RULES, data=st.data())
def test_refunds_piece_by_piece_pay_back_what_was_paid_and_no_more(
    lines: list[tuple[int, int]], coupon: Coupon, tax: TaxRule, data: st.DataObject
) -> None:
    """However a discounted line is refunded in parts, the parts sum to the line: net, tax and discount."""
    goods = sum(quantity * price for quantity, price in lines)
    priced = price_order(lines, shipping_minor=0, discount_minor=coupon.discount_on(goods), tax=tax)
    index = data.draw(st.integers(0, len(lines) - 1))
    quantity, line = lines[index][0], priced.lines[index]
    cuts = sorted(data.draw(st.lists(st.integers(0, quantity), max_size=5)))
    bounds = [0, *cuts, quantity]
    parts = [part_of_line(line, quantity, a, b) for a, b in itertools.pairwise(bounds)]
    for name in ("subtotal_minor", "discount_minor", "net_minor", "tax_minor"):
        assert sum(getattr(part, name) for part in parts) == getattr(line, name)
    assert all(part.gross_minor >= 0 for part in parts)


LIMITED = Coupon(
    "LIMITED",
    CouponKind.PERCENT,
    "EUR",
    rate_ppm=100_000,
    minimum_minor=5000,
    max_uses=10,
    max_uses_per_customer=1,
    starts_at=NOW - timedelta(days=1),
    ends_at=NOW + timedelta(days=1),
    used=9,
)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({}, None),
        ({"goods_minor": 4999}, CouponProblem.BELOW_MINIMUM),
        ({"currency": "USD"}, CouponProblem.OTHER_CURRENCY),
        ({"now": NOW - timedelta(days=1, microseconds=1)}, CouponProblem.NOT_YET),
        ({"now": NOW - timedelta(days=1)}, None),
        ({"now": NOW + timedelta(days=1)}, CouponProblem.OVER),
        ({"now": NOW + timedelta(days=1) - timedelta(microseconds=1)}, None),
        ({"used_by_customer": 1}, CouponProblem.USED_BY_CUSTOMER),
    ],
)
def test_a_coupon_counts_inside_its_limits_and_at_their_edges(
    change: dict[str, object], problem: CouponProblem | None
) -> None:
    """Each limit refuses for its own reason; its edge still counts."""
    asked = {"goods_minor": 5000, "currency": "EUR", "now": NOW, "used_by_customer": 0, **change}
    if problem is None:
        LIMITED.check(**asked)  # type: ignore[arg-type]
        return
    with pytest.raises(CouponRefused) as refused:
        LIMITED.check(**asked)  # type: ignore[arg-type]
    assert refused.value.problem is problem


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": "no"},
        {"code": "lower-case"},
        {"rate_ppm": 0},
        {"rate_ppm": RATE_SCALE + 1},
        {"kind": CouponKind.FIXED},
        {"minimum_minor": -1},
        {"ends_at": NOW, "starts_at": NOW},
    ],
)
def test_a_coupon_that_cannot_be_is_not_made(wrong: dict[str, object]) -> None:
    """The domain refuses it, whoever asks."""
    fields = {"code": "TEN", "kind": CouponKind.PERCENT, "currency": "EUR", "rate_ppm": 100_000, **wrong}
    with pytest.raises(ValueError, match="coupon"):
        Coupon(**fields)  # type: ignore[arg-type]


def test_codes_and_inboxes_are_compared_as_people_mean_them() -> None:
    """Spaces and case do not matter; a +tag is the same inbox."""
    assert tidy_code("  sum mer-10 ") == "SUMMER-10"
    assert same_inbox("Ada+shop@Example.com") == same_inbox("ada@example.com") == "ada@example.com"
