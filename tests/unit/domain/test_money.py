"""Exact money: one rounding rule, and nothing appears or vanishes."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.domain.money import (
    Currency,
    Money,
    allocate,
    apply_rate,
    divide_half_up,
    format_plain,
    included_part,
    total_of,
)

amounts = st.integers(-(10**11), 10**11)
rates = st.integers(0, 1_000_000)
EUR = Currency("EUR")


@given(amounts, st.integers(1, 10**9))
def test_division_rounds_to_the_nearest_and_halves_away_from_zero(numerator: int, denominator: int) -> None:
    """The result is never further than a half from the exact quotient, and a half goes away from zero."""
    exact = Fraction(numerator, denominator)
    rounded = divide_half_up(numerator, denominator)
    assert abs(rounded - exact) <= Fraction(1, 2)
    if abs(rounded - exact) == Fraction(1, 2):
        assert abs(rounded) > abs(exact)


@given(amounts, st.lists(st.integers(0, 10**6), min_size=1, max_size=98))
def test_allocation_sums_to_the_whole(amount: int, weights: list[int]) -> None:
    """A discount spread over lines is exactly the discount, and no part is off by more than one minor unit."""
    parts = allocate(amount, weights)
    assert sum(parts) == amount
    if sum(weights):
        for part, weight in zip(parts, weights, strict=True):
            assert abs(part - Fraction(amount * weight, sum(weights))) < 1


@given(st.integers(0, 10**11), rates)
def test_the_tax_inside_a_gross_amount_is_the_tax_on_its_net(gross: int, rate: int) -> None:
    """Inclusive and exclusive tax agree to one minor unit."""
    tax = included_part(gross, rate)
    assert 0 <= tax <= gross
    assert abs(apply_rate(gross - tax, rate) - tax) <= 1


def test_money_refuses_float() -> None:
    """A float would hide a rounding, so it is refused at the door."""
    with pytest.raises(TypeError):
        Money(19.9, EUR)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        total_of([1, 2.0])  # type: ignore[list-item]


def test_money_refuses_to_mix_currencies() -> None:
    """Euros and dollars do not add up."""
    with pytest.raises(ValueError, match="cannot mix"):
        Money(1, EUR) + Money(1, Currency("USD"))


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(1990, "EUR", "19.90"), (-5, "EUR", "-0.05"), (300, "JPY", "300"), (12345, "KWD", "12.345")],
)
def test_amounts_are_written_with_the_currency_s_own_places(minor: int, currency: str, text: str) -> None:
    """ISO 4217 says how many decimal places a currency has."""
    assert format_plain(minor, currency) == text


def test_allocation_refuses_nonsense() -> None:
    """No weights or a negative one is a bug of the caller."""
    with pytest.raises(ValueError, match="weight"):
        allocate(1, [])
    with pytest.raises(ValueError, match="weight"):
        allocate(1, [1, -1])
