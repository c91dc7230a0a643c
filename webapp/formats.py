"""How amounts, dates and small words are written on pages, in the language of the page: the Jinja filters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from flask import Flask

from orders import countries, delivery_methods, formats
from orders.formats import carrier_name
from webapp.checkout.tariffs import tariffs
from webapp.languages import current_language, ngettext

_NO_BREAK = "\u00a0"


def money(amount_minor: int, currency: str) -> str:
    """An amount as the page's language writes it."""
    return formats.money(amount_minor, currency, current_language().code)


def percent(rate_ppm: int) -> str:
    """A rate in parts per million."""
    return formats.percent(rate_ppm, current_language().code)


def day(value: date | datetime) -> str:
    """A day, short, which no line break tears apart."""
    return formats.day(value, current_language().code).replace(" ", _NO_BREAK)


def moment(value: datetime) -> str:
    """A moment of a day."""
    return formats.moment(value, current_language().code)


def called(name: str) -> str:
    """How a page or a letter calls its reader."""
    return formats.called(name, current_language().code)


def options_label(options: Mapping[str, str]) -> str:
    """A variant's options as one line: `Size: M, Colour: Oat`."""
    return ", ".join(f"{name}: {value}" for name, value in options.items())


def pieces(count: int) -> str:
    """`1 item`, `2 items`."""
    return ngettext("%(num)s item", "%(num)s items", count)


def country_name(code: str) -> str:
    """A country's name, or its code when the shop does not serve it (any more)."""
    return countries.country_name(code, current_language().code) if code in tariffs().countries else code


def delivery_words(text: str) -> str:
    """The name or the note of a method of delivery, as the page's language has it."""
    return delivery_methods.delivery_words(text, current_language().code)


def given(attributes: Mapping[str, object]) -> dict[str, object]:
    """The attributes that have a value: for an element whose attributes depend on its state."""
    return {name: value for name, value in attributes.items() if value is not None}


__all__ = [
    "called",
    "carrier_name",
    "country_name",
    "day",
    "delivery_words",
    "given",
    "moment",
    "money",
    "options_label",
    "percent",
    "pieces",
    "register_formats",
]


def register_formats(app: Flask) -> None:
    """Make the filters known to the templates."""
    app.jinja_env.filters.update(
        money=money,
        percent=percent,
        day=day,
        delivery_words=delivery_words,
        moment=moment,
        called=called,
        options_label=options_label,
        pieces=pieces,
        given=given,
        country_name=country_name,
        carrier_name=carrier_name,
    )
