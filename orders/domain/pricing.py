"""What an order costs: one pure function, run by the shop to quote and by the Lambda to check the quote.

Tax is worked out per line (and for shipping), rounded once there, and added up: the invoice's lines and its
total can never disagree. Prices either contain their tax (`is_inclusive`, usual for consumers in the EU) or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orders.domain.money import allocate, apply_rate, divide_half_up, included_part


@dataclass(frozen=True, slots=True)
class PricedLine:
    """One line's amounts in minor units: `net_minor` + `tax_minor` = `gross_minor`, after its discount."""

    subtotal_minor: int
    discount_minor: int
    net_minor: int
    tax_minor: int

    @property
    def gross_minor(self) -> int:
        """What the shopper pays for the line."""
        return self.net_minor + self.tax_minor


@dataclass(frozen=True, slots=True)
class TaxRule:
    """The tax of one destination: a rate in parts per million, and whether prices already contain it."""

    code: str
    rate_ppm: int
    is_inclusive: bool


@dataclass(frozen=True, slots=True)
class Totals:
    """An order's amounts in minor units. `total_minor` is what is charged, exactly.

    subtotal - discount + shipping (+ tax when prices exclude it) = total.
    """

    subtotal_minor: int
    discount_minor: int
    shipping_minor: int
    tax_minor: int
    total_minor: int


@dataclass(frozen=True, slots=True)
class PricedOrder:
    """The totals and how they spread over the lines and the shipping."""

    totals: Totals
    lines: tuple[PricedLine, ...]
    shipping: PricedLine


def _priced(subtotal_minor: int, discount_minor: int, rule: TaxRule) -> PricedLine:
    charged = subtotal_minor - discount_minor
    if rule.is_inclusive:
        tax = included_part(charged, rule.rate_ppm)
        return PricedLine(subtotal_minor, discount_minor, charged - tax, tax)
    return PricedLine(subtotal_minor, discount_minor, charged, apply_rate(charged, rule.rate_ppm))


def price_order(
    lines: Sequence[tuple[int, int]], *, shipping_minor: int, discount_minor: int, tax: TaxRule
) -> PricedOrder:
    """Price an order of (quantity, unit price) lines.

    The discount is spread over the lines by their value; shipping is taxed like the goods. Raises ValueError
    for a discount that is negative or larger than the goods, for no lines, or for negative amounts.
    """
    subtotals = [quantity * unit_price for quantity, unit_price in lines]
    if not subtotals or min(subtotals) < 0 or shipping_minor < 0:
        raise ValueError("an order needs lines, and no amount may be negative")
    subtotal = sum(subtotals)
    if not 0 <= discount_minor <= subtotal:
        raise ValueError("a discount lies between zero and the value of the goods")
    discounts = allocate(discount_minor, subtotals)
    priced = tuple(
        _priced(amount, discount, tax) for amount, discount in zip(subtotals, discounts, strict=True)
    )
    shipping = _priced(shipping_minor, 0, tax)
    everything = (*priced, shipping)
    totals = Totals(
        subtotal_minor=subtotal,
        discount_minor=discount_minor,
        shipping_minor=shipping_minor,
        tax_minor=sum(line.tax_minor for line in everything),
        total_minor=sum(line.gross_minor for line in everything),
    )
    return PricedOrder(totals, priced, shipping)


def part_of_line(line: PricedLine, quantity: int, start: int, stop: int) -> PricedLine:
    """The amounts of the pieces `start` to `stop` of a line of `quantity` pieces.

    Counted from the first piece on, so that the parts of any split add up to the line exactly.
    """
    if not 0 <= start <= stop <= quantity:
        raise ValueError(f"pieces {start} to {stop} are not in a line of {quantity}")

    def share(amount: int) -> int:
        return divide_half_up(amount * stop, quantity) - divide_half_up(amount * start, quantity)

    # One of two pieces at 19.90 costs 19.90: the price is shared out first, and what is not tax is net. Net and tax
    # rounded each by itself would make it 19.91 when both end on half a cent.
    gross, tax = share(line.gross_minor), share(line.tax_minor)
    return PricedLine(share(line.subtotal_minor), share(line.discount_minor), gross - tax, tax)
