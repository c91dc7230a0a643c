"""The one rounding rule at the numbers where other rules differ from it."""

import pytest

from orders.domain.money import apply_rate, divide_half_up, included_part


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"),
    [(1, 2, 1), (3, 2, 2), (5, 2, 3), (-1, 2, -1), (-3, 2, -2), (25, 10, 3), (24, 10, 2), (0, 7, 0)],
)
def test_a_half_goes_away_from_zero(numerator: int, denominator: int, rounded: int) -> None:
    """Commercial rounding, not to the even neighbour as Python's own round() does it."""
    assert divide_half_up(numerator, denominator) == rounded


@pytest.mark.parametrize("whole", [90_000_000_000, 99_999_999_999])
def test_large_amounts_are_exact(whole: int) -> None:
    """A millionth below the half is down, the half itself is up: a float has no room for the difference."""
    half = (2 * whole + 1) * 500_000
    assert divide_half_up(half - 1, 1_000_000) == whole
    assert divide_half_up(half, 1_000_000) == whole + 1


def test_the_tax_of_a_half_cent_is_a_cent() -> None:
    """5 % of 0.10 is half a cent, inside or on top."""
    assert apply_rate(10, 50_000) == 1
    assert included_part(21, 50_000) == 1
