"""How amounts, rates and times are written for people, by language: on pages, papers, labels and in letters alike.

A language is the first part of a locale, such as `de`; one that is not in WRITINGS is written as English is. Papers and
the console pass none and stay English.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from orders.domain.money import decimal_places

SOURCE_LANGUAGE = "en"
"""The language that texts are written in before they are translated."""
_SYMBOLS = {"EUR": "€", "GBP": "£", "USD": "$", "JPY": "¥"}
_NO_BREAK = "\u00a0"
_MINUS = "\u2212"
_CARRIER_CODE = re.compile(r"[a-z]+(?:-[a-z]+)+")


@dataclass(frozen=True, slots=True)
class Writing:
    """How a language writes numbers and days (Unicode CLDR 48, and DIN 5008 for German)."""

    grouping: str
    decimal: str
    is_symbol_last: bool
    days: tuple[str, ...]
    """Short, Monday first."""
    months: tuple[str, ...]
    """Short, as in a table."""
    long_months: tuple[str, ...]
    day: str
    """The form of a day without its year."""
    long_day: str
    moment: str
    percent: str
    is_formal: bool
    """Strangers are called by their full name."""


WRITINGS: Mapping[str, Writing] = {
    SOURCE_LANGUAGE: Writing(
        grouping=",",
        decimal=".",
        is_symbol_last=False,
        days=("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
        months=("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
        long_months=(
            "January", "February", "March", "April", "May", "June",
            "July", "August", "September", "October", "November", "December",
        ),
        day="{weekday} {day} {month}",
        long_day="{day} {month} {year}",
        moment="{day} {month} {year}, {clock} UTC",
        percent="{number} %",
        is_formal=False,
    ),
    "de": Writing(
        grouping=".",
        decimal=",",
        is_symbol_last=True,
        days=("Mo.", "Di.", "Mi.", "Do.", "Fr.", "Sa.", "So."),
        months=(
            "Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez.",
        ),
        long_months=(
            "Januar", "Februar", "März", "April", "Mai", "Juni",
            "Juli", "August", "September", "Oktober", "November", "Dezember",
        ),
        day="{weekday}, {day}. {month}",
        long_day="{day}. {month} {year}",
        moment="{day}. {month} {year}, {clock} UTC",
        percent="{number}\u00a0%",
        is_formal=True,
    ),
}  # fmt: skip
_ENGLISH = WRITINGS[SOURCE_LANGUAGE]


def language_of(locale: str) -> str:
    """The language to write in for a locale such as `de-AT`: `de`; English where we know no other."""
    language = locale[:2].lower()
    return language if language in WRITINGS else SOURCE_LANGUAGE


def money(amount_minor: int, currency: str, language: str = SOURCE_LANGUAGE) -> str:
    """An amount as a shopper reads it: `€1,234.50` and `-€2.00` in English, `1.234,50 €` in German.

    A currency without symbol keeps its code.
    """
    writing = WRITINGS.get(language, _ENGLISH)
    places = decimal_places(currency)
    whole, part = divmod(abs(amount_minor), 10**places)
    number = f"{whole:,}".replace(",", writing.grouping)
    if places:
        number = f"{number}{writing.decimal}{part:0{places}d}"
    symbol = _SYMBOLS.get(currency)
    if writing.is_symbol_last:
        return f"{_MINUS if amount_minor < 0 else ''}{number}{_NO_BREAK}{symbol or currency}"
    return f"{'-' if amount_minor < 0 else ''}{symbol or currency + ' '}{number}"


def letter_money(amount_minor: int, currency: str, language: str = SOURCE_LANGUAGE) -> str:
    """An amount in running text, where nothing may break inside it, and with a real minus: `−€5.00`, `CHF 5.00`."""
    written = money(abs(amount_minor), currency, language).replace(" ", _NO_BREAK)
    return f"{_MINUS}{written}" if amount_minor < 0 else written


def percent(rate_ppm: int, language: str = SOURCE_LANGUAGE) -> str:
    """A rate in parts per million as `19 %` or `25.5 %`."""
    writing = WRITINGS.get(language, _ENGLISH)
    whole, rest = divmod(rate_ppm, 10_000)
    part = f"{rest:04d}".rstrip("0")
    return writing.percent.format(number=f"{whole}{writing.decimal}{part}" if part else str(whole))


def day(value: date | datetime, language: str = SOURCE_LANGUAGE) -> str:
    """A day as `Tue 24 Nov` or `Di., 24. Nov.`: short, and the same in every locale of the machine."""
    writing = WRITINGS.get(language, _ENGLISH)
    return writing.day.format(
        weekday=writing.days[value.weekday()], day=value.day, month=writing.months[value.month - 1]
    )


def long_day(value: date | datetime, language: str = SOURCE_LANGUAGE) -> str:
    """A day as `22 November 2026` or `22. November 2026`: unmistakable on both sides of the Atlantic."""
    writing = WRITINGS.get(language, _ENGLISH)
    return writing.long_day.format(day=value.day, month=writing.long_months[value.month - 1], year=value.year)


def moment(value: datetime, language: str = SOURCE_LANGUAGE) -> str:
    """A moment as `24 Nov 2026, 14:05 UTC` or `24. Nov. 2026, 14:05 UTC`."""
    writing = WRITINGS.get(language, _ENGLISH)
    return writing.moment.format(
        day=value.day, month=writing.months[value.month - 1], year=value.year, clock=f"{value:%H:%M}"
    )


def called(name: str, language: str = SOURCE_LANGUAGE) -> str:
    """How a letter calls its reader: `Ada` in English, `Ada Lovelace` where strangers keep their distance."""
    writing = WRITINGS.get(language, _ENGLISH)
    words = name.split()
    return " ".join(words if writing.is_formal else words[:1])


def carrier_name(carrier: str) -> str:
    """A carrier's code (`cartwright-post`) as a name; a name that staff typed is one already."""
    return carrier.replace("-", " ").title() if _CARRIER_CODE.fullmatch(carrier) else carrier
