"""How amounts, rates and times are written for people: on pages, papers and labels alike."""

from __future__ import annotations

import re
from datetime import date, datetime

from orders.domain.money import decimal_places

_SYMBOLS = {"EUR": "€", "GBP": "£", "USD": "$", "JPY": "¥", "CHF": "CHF ", "SEK": "SEK ", "DKK": "DKK "}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CARRIER_CODE = re.compile(r"[a-z]+(?:-[a-z]+)+")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def money(amount_minor: int, currency: str) -> str:
    """An amount as a shopper reads it: `€1,234.50`, `-€2.00`; a currency without symbol keeps its code."""
    places = decimal_places(currency)
    whole, part = divmod(abs(amount_minor), 10**places)
    text = f"{whole:,}.{part:0{places}d}" if places else f"{whole:,}"
    return f"{'-' if amount_minor < 0 else ''}{_SYMBOLS.get(currency, currency + ' ')}{text}"


def percent(rate_ppm: int) -> str:
    """A rate in parts per million as `19 %` or `25.5 %`."""
    whole, rest = divmod(rate_ppm, 10_000)
    return f"{whole}.{rest:04d}".rstrip("0").rstrip(".") + " %"


def day(value: date | datetime) -> str:
    """A day as `Tue 24 Nov`: short, and the same in every locale of the machine."""
    return f"{_DAYS[value.weekday()]} {value.day} {_MONTHS[value.month - 1]}"


def moment(value: datetime) -> str:
    """A moment as `24 Nov 2026, 14:05 UTC`."""
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}, {value:%H:%M} UTC"


def carrier_name(carrier: str) -> str:
    """A carrier's code (`cartwright-post`) as a name; a name that staff typed is one already."""
    return carrier.replace("-", " ").title() if _CARRIER_CODE.fullmatch(carrier) else carrier
