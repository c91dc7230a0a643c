"""How amounts, dates and small words are written on pages: the Jinja filters."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask

from orders.formats import carrier_name, day, moment, money, percent
from webapp.checkout.tariffs import tariffs


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


__all__ = [
    "carrier_name",
    "country_name",
    "day",
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
        moment=moment,
        options_label=options_label,
        pieces=pieces,
        given=given,
        country_name=country_name,
        carrier_name=carrier_name,
    )
