"""Exact money: integer minor units, one currency at a time, one rounding rule.

The rule is half away from zero ("commercial rounding"), applied once per order line: the amount on a line is
what the shopper sees, so the sum of the lines is the total and no cent appears or vanishes at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NewType

Currency = NewType("Currency", str)
"""An ISO 4217 code in upper case, such as "EUR"."""

RATE_SCALE = 1_000_000
"""Rates are integers in parts per million: 190000 is 19 %."""

MINOR_UNITS = {"JPY": 0, "KRW": 0, "ISK": 0, "BHD": 3, "KWD": 3, "TND": 3}
"""Decimal places that differ from the usual two (ISO 4217, list one)."""

MAX_AMOUNT_MINOR = 99_999_999_999
"""The largest amount on any order: keeps every sum inside 64 bits and every typing error visible."""


def divide_half_up(numerator: int, denominator: int) -> int:
    """The quotient rounded half away from zero, the only rounding in the code base.

    Raises ValueError for a denominator that is not positive.
    """
    if denominator <= 0:
        raise ValueError("the denominator must be positive")
    quotient, remainder = divmod(abs(numerator), denominator)
    rounded = quotient + (1 if remainder * 2 >= denominator else 0)
    return rounded if numerator >= 0 else -rounded


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (cents) of one currency. Arithmetic across currencies raises ValueError."""

    amount_minor: int
    currency: Currency

    def __post_init__(self) -> None:
        if type(self.amount_minor) is not int:
            raise TypeError("money is counted in whole minor units, never in float")

    def __add__(self, other: Money) -> Money:
        return Money(self.amount_minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount_minor - self._same(other), self.currency)

    def __mul__(self, factor: int) -> Money:
        return Money(self.amount_minor * factor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount_minor, self.currency)

    def __bool__(self) -> bool:
        return self.amount_minor != 0

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise ValueError(f"cannot mix {self.currency} with {other.currency}")
        return other.amount_minor


def total_of(amounts: Iterable[int]) -> int:
    """The exact sum of minor units; refuses a float that would hide a rounding."""
    total = 0
    for amount in amounts:
        if type(amount) is not int:
            raise TypeError("money is counted in whole minor units, never in float")
        total += amount
    return total


def apply_rate(amount_minor: int, rate_ppm: int) -> int:
    """`rate_ppm` parts per million of an amount, rounded by the one rule."""
    return divide_half_up(amount_minor * rate_ppm, RATE_SCALE)


def included_part(gross_minor: int, rate_ppm: int) -> int:
    """The tax inside a gross amount: gross x rate / (1 + rate), rounded by the one rule."""
    return divide_half_up(gross_minor * rate_ppm, RATE_SCALE + rate_ppm)


def allocate(amount_minor: int, weights: Sequence[int]) -> list[int]:
    """Split an amount in proportion to weights so that the parts sum to it exactly (largest remainder).

    With only zero weights the parts are equal. Raises ValueError for no weights or a negative one.
    """
    if not weights or min(weights) < 0:
        raise ValueError("allocate needs at least one weight and none below zero")
    total_weight = sum(weights)
    if total_weight == 0:
        return allocate(amount_minor, [1] * len(weights))
    sign = -1 if amount_minor < 0 else 1
    shares = [divmod(abs(amount_minor) * weight, total_weight) for weight in weights]
    left = abs(amount_minor) - sum(share for share, _ in shares)
    by_remainder = sorted(range(len(weights)), key=lambda i: (-shares[i][1], i))
    lucky = set(by_remainder[:left])
    return [sign * (share + (1 if i in lucky else 0)) for i, (share, _) in enumerate(shares)]


def decimal_places(currency: str) -> int:
    """How many decimal places a currency is written with."""
    return MINOR_UNITS.get(currency, 2)


def format_plain(amount_minor: int, currency: str) -> str:
    """The amount as a decimal text without symbol, such as `-12.30`: for CSV, e-mail text and logs."""
    places = decimal_places(currency)
    sign = "-" if amount_minor < 0 else ""
    whole, part = divmod(abs(amount_minor), 10**places)
    return f"{sign}{whole}.{part:0{places}d}" if places else f"{sign}{whole}"
