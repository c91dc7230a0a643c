"""Amounts as people type them."""

from __future__ import annotations

from orders.domain.errors import InvalidRequest, Problem
from orders.domain.money import MAX_AMOUNT_MINOR, decimal_places


def parse_amount(text: str, currency: str, pointer: str = "/amount_minor") -> int:
    """`12`, `12.5` or `12,50` in minor units; empty is zero. Raises InvalidRequest for anything else."""
    typed = text.strip().replace(" ", "").replace(",", ".")
    places = decimal_places(currency)
    whole, _, part = typed.partition(".")
    is_number = (whole + part).isascii() and (whole + part or "0").isdigit() and len(part) <= places
    if not is_number or len(whole) > 9:
        raise InvalidRequest([Problem(pointer, f"“{text}” is not an amount in {currency}")])
    amount: int = int(whole or "0") * 10**places + int((part + "0" * places)[:places] or "0")
    if amount > MAX_AMOUNT_MINOR:
        raise InvalidRequest([Problem(pointer, "that is more than any order can have")])
    return amount
