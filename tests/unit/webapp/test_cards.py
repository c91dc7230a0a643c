"""Card numbers: what is one, when it ends, and how much of it may be shown."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.checkout.cards import CardError, card_digits, expiry_month, label_of


@pytest.mark.parametrize("typed", ["4242 4242 4242 4242", "4242-4242-4242-4242", " 4242424242424242 "])
def test_a_number_may_be_typed_in_groups(typed: str) -> None:
    """Spaces and hyphens are the shopper's business."""
    assert card_digits(typed.strip()) == "4242424242424242"


@given(st.integers(0, 15), st.integers(1, 9))
def test_any_single_wrong_digit_is_noticed(position: int, difference: int) -> None:
    """The check digit (ISO/IEC 7812) catches every single typing error."""
    digits = list("4242424242424242")
    digits[position] = str((int(digits[position]) + difference) % 10)
    with pytest.raises(CardError, match="typing error"):
        card_digits("".join(digits))


@pytest.mark.parametrize(
    "typed", ["", "4242", "4" * 20, "4242424242424242x", "４２４２４２４２４２４２４２４２"]
)
def test_what_is_no_number_is_told(typed: str) -> None:
    """Too short, too long, letters, and digits of other scripts."""
    with pytest.raises(CardError, match="12 to 19 digits"):
        card_digits(typed)


@pytest.mark.parametrize("typed", ["09/28", "9/28", "09 / 28", "0928", "09/2028", "09-28", "09 28"])
def test_an_expiry_may_be_typed_in_many_ways(typed: str) -> None:
    """As on the card, or as a browser fills it in."""
    assert expiry_month(typed) == date(2028, 9, 1)


@pytest.mark.parametrize("typed", ["13/28", "00/28", "28", "9", "09/1928", "soon"])
def test_what_is_no_expiry_is_told(typed: str) -> None:
    """The message shows how to write it."""
    with pytest.raises(CardError, match="such as 09 / 28"):
        expiry_month(typed)


def test_only_the_last_four_digits_are_shown() -> None:
    """PCI DSS 3.4."""
    assert label_of("4242424242424242") == "Visa ending in 4242"
    assert label_of("5555555555554444") == "Mastercard ending in 4444"
    assert label_of("378282246310005") == "American Express ending in 0005"
    assert label_of("6011111111111117") == "Card ending in 1117"
