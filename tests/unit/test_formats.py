"""Amounts, rates and times as people of each language write them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from orders import formats
from orders.countries import COUNTRY_NAMES, country_name
from orders.countries_de import GERMAN_NAMES

MOMENT = datetime(2026, 11, 24, 14, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "currency", "language", "text"),
    [
        (123450, "EUR", "en", "€1,234.50"),
        (-200, "EUR", "en", "-€2.00"),
        (1234, "CHF", "en", "CHF 12.34"),
        (1000, "JPY", "en", "¥1,000"),
        (123450, "EUR", "de", "1.234,50\u00a0€"),
        (-200, "EUR", "de", "−2,00\u00a0€"),
        (1234, "CHF", "de", "12,34\u00a0CHF"),
        (1000, "JPY", "de", "1.000\u00a0¥"),
        (1234, "BHD", "de", "1,234\u00a0BHD"),
        (100_000_000_00, "EUR", "de", "100.000.000,00\u00a0€"),
        (123450, "EUR", "fr", "€1,234.50"),
    ],
)
def test_money_is_written_as_its_language_does(amount: int, currency: str, language: str, text: str) -> None:
    assert formats.money(amount, currency, language) == text


@pytest.mark.parametrize(
    ("amount", "currency", "language", "text"),
    [
        (-500, "EUR", "en", "−€5.00"),
        (1234, "BHD", "en", "BHD\u00a01.234"),
        (-500, "EUR", "de", "−5,00\u00a0€"),
    ],
)
def test_money_in_a_letter_never_breaks(amount: int, currency: str, language: str, text: str) -> None:
    assert formats.letter_money(amount, currency, language) == text


def test_rates_are_written_with_the_languages_comma() -> None:
    assert [formats.percent(rate) for rate in (190_000, 255_000, 5_000)] == ["19 %", "25.5 %", "0.5 %"]
    assert [formats.percent(rate, "de") for rate in (190_000, 255_000)] == ["19\u00a0%", "25,5\u00a0%"]


def test_days_and_moments_are_written_as_their_language_does() -> None:
    assert formats.day(MOMENT) == "Tue 24 Nov"
    assert formats.day(MOMENT, "de") == "Di., 24. Nov."
    assert formats.moment(MOMENT) == "24 Nov 2026, 14:05 UTC"
    assert formats.moment(MOMENT, "de") == "24. Nov. 2026, 14:05 UTC"
    assert formats.long_day(date(2026, 3, 2)) == "2 March 2026"
    assert formats.long_day(date(2026, 3, 2), "de") == "2. März 2026"


def test_every_language_of_the_shop_can_be_written() -> None:
    """Days and months are complete, and what we do not know is written as English is."""
    assert set(formats.WRITINGS) == {"en", "de"}
    for writing in formats.WRITINGS.values():
        assert (len(writing.days), len(set(writing.months)), len(set(writing.long_months))) == (7, 12, 12)
    assert [formats.language_of(locale) for locale in ("de", "de-AT", "DE", "en-GB", "fr", "")] == [
        "de", "de", "de", "en", "en", "en",
    ]  # fmt: skip


def test_readers_are_called_as_their_language_calls_strangers() -> None:
    assert formats.called(" Ada  Lovelace ") == "Ada"
    assert formats.called(" Ada  Lovelace ", "de") == "Ada Lovelace"
    assert formats.called("", "de") == formats.called("") == ""


def test_every_country_has_a_german_name() -> None:
    assert set(GERMAN_NAMES) == set(COUNTRY_NAMES)
    assert (country_name("AT", "de"), country_name("AT"), country_name("AT", "fr")) == (
        "Österreich", "Austria", "Austria",
    )  # fmt: skip
    assert country_name("XX", "de") == "XX"
