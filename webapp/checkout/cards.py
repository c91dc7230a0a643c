"""Card numbers, for as long as it takes to turn one into the provider's token: checked, never kept, never logged."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from webapp.languages import N_, _


class CardError(ValueError):
    """What was typed cannot be a card; the text tells the shopper what to do, and is one of the catalogues'."""


@dataclass(frozen=True, slots=True)
class CardToken:
    """What is kept of a card: the provider's one-time name of it, and what its owner recognises."""

    token: str
    label: str


_BRANDS = (
    (r"4[0-9]{12,18}", "Visa"),
    (r"(5[1-5]|2[2-7])[0-9]{14}", "Mastercard"),
    (r"3[47][0-9]{13}", "American Express"),
)

CARD = N_("Card")
_BETWEEN = " ending in "


def card_digits(typed: str) -> str:
    """The digits of a card number. Raises CardError when it is not one (ISO/IEC 7812: 12 to 19 digits, Luhn)."""
    digits = re.sub(r"[\s-]", "", typed)
    if not re.fullmatch(r"[0-9]{12,19}", digits):
        raise CardError(N_("Enter the 12 to 19 digits of the card number."))
    doubled = (int(d) * (2 if index % 2 else 1) for index, d in enumerate(reversed(digits)))
    if sum(n - 9 if n > 9 else n for n in doubled) % 10:
        raise CardError(N_("This is not a card number; check it for a typing error."))
    return digits


def expiry_month(typed: str) -> date:
    """The first day of the month in which a card expires, from `12/27`, `1227` or `12 / 2027`. Raises CardError."""
    match = re.fullmatch(r"\s*(0?[1-9]|1[0-2])\s*[/ -]?\s*(?:20)?([0-9]{2})\s*", typed)
    if match is None:
        raise CardError(N_("Enter month and year as on the card, such as 09 / 28."))
    return date(2000 + int(match[2]), int(match[1]), 1)


def brand_of(digits: str) -> str:
    """The card's brand, or `Card`."""
    return next((name for pattern, name in _BRANDS if re.fullmatch(pattern, digits)), CARD)


def label_of(digits: str) -> str:
    """Brand and last four digits: as much as a receipt may show (PCI DSS 3.4). In English, as it is kept."""
    return f"{brand_of(digits)}{_BETWEEN}{digits[-4:]}"


def label_in_words(label: str) -> str:
    """A label as it is kept, in the words of the page's language."""
    brand, between, digits = label.partition(_BETWEEN)
    if not between:
        return _(label) if label else ""
    return _("%(brand)s ending in %(digits)s", brand=_(brand) if brand == CARD else brand, digits=digits)
