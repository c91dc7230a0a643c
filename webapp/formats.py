"""How amounts, dates and small words are written on pages: the Jinja filters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from flask import Flask

from orders.domain.money import decimal_places
from webapp.checkout.tariffs import tariffs

_SYMBOLS = {"EUR": "€", "GBP": "£", "USD": "$", "JPY": "¥", "CHF": "CHF ", "SEK": "SEK ", "DKK": "DKK "}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
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


def options_label(options: Mapping[str, str]) -> str:
    """A variant's options as one line: `Size: M, Colour: Oat`."""
    return ", ".join(f"{name}: {value}" for name, value in options.items())


def pieces(count: int) -> str:
    """`1 item`, `2 items`."""
    return f"{count} item{'' if count == 1 else 's'}"


def country_name(code: str) -> str:
    """A country's name, or its code when the shop does not serve it (any more)."""
    country = tariffs().countries.get(code)
    return country.name if country else code


def given(attributes: Mapping[str, object]) -> dict[str, object]:
    """The attributes that have a value: for an element whose attributes depend on its state."""
    return {name: value for name, value in attributes.items() if value is not None}


def register_formats(app: Flask) -> None:
    """Make the filters known to the templates."""
    app.jinja_env.filters.update(
        money=money,
        percent=percent,
        day=day,
        moment=moment,
        options_label=options_label,
        pieces=pieces,
        given=given,
        country_name=country_name,
    )
