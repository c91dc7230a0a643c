"""Tax and shipping: dated rates, working days, and data files that fit together."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest

from webapp.checkout.tariffs import after_working_days, tariffs

SUNDAY = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
FRIDAY_EVENING = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)


def test_every_country_has_a_tax_a_zone_with_rates_and_a_postal_code_that_fits() -> None:
    """The data files name each other's keys, and every example is an example."""
    known = tariffs()
    zones = {rate.zone for rate in known.rates}
    methods = {method.code for method in known.methods}
    assert {rate.method for rate in known.rates} == methods
    for country in known.countries.values():
        assert country.zone in zones
        assert known.tax_rule(country.code, date(2026, 1, 1))
        assert re.compile(country.postal_pattern)
        assert country.accepts_postal_code(country.postal_example), country
        assert known.shipping_offers(country.code, 100, 100, SUNDAY)
        assert known.shipping_offers(country.code, 500_000, 100, SUNDAY), "freight goes everywhere"


@pytest.mark.parametrize(
    ("country", "on", "rate_ppm"),
    [
        ("FI", date(2024, 8, 31), 240_000),
        ("FI", date(2024, 9, 1), 255_000),
        ("EE", date(2025, 6, 30), 220_000),
        ("EE", date(2025, 7, 1), 240_000),
        ("DE", date(2026, 11, 22), 190_000),
        ("HU", date(2026, 11, 22), 270_000),
        ("CH", date(2026, 11, 22), 0),
    ],
)
def test_a_rate_holds_from_its_day_on(country: str, on: date, rate_ppm: int) -> None:
    """European Commission, VAT rates applied in the Member States; exports are zero-rated."""
    assert tariffs().tax_rule(country, on).rate_ppm == rate_ppm


def test_a_country_that_is_not_served_has_no_tax() -> None:
    """No silent default: a wrong country is an error of ours."""
    with pytest.raises(KeyError):
        tariffs().tax_rule("US", date(2026, 1, 1))


def test_standard_delivery_is_free_from_a_value_on() -> None:
    """At the border exactly."""
    below = tariffs().shipping_offers("DE", 1000, 7499, SUNDAY)[0]
    at = tariffs().shipping_offers("DE", 1000, 7500, SUNDAY)[0]
    assert (below.price_minor, at.price_minor) == (490, 0)


def test_weight_decides_the_rate_and_the_method() -> None:
    """Each class ends with its last gram; above a parcel's limit only freight is offered."""
    prices = [
        tariffs().shipping_offers("DE", grams, 0, SUNDAY)[0].price_minor for grams in (2000, 2001, 10_001)
    ]
    assert prices == [490, 690, 1290]
    assert {offer.code for offer in tariffs().shipping_offers("DE", 31_500, 0, SUNDAY)} == {
        "standard",
        "express",
    }
    assert {offer.code for offer in tariffs().shipping_offers("DE", 31_501, 0, SUNDAY)} == {"freight"}


def test_estimates_count_working_days_from_the_handover() -> None:
    """Friday evening and Sunday both leave on Monday."""
    for ordered in (FRIDAY_EVENING, SUNDAY):
        express = next(o for o in tariffs().shipping_offers("DE", 100, 0, ordered) if o.code == "express")
        assert express.earliest == express.latest == date(2026, 11, 24)
    assert after_working_days(date(2026, 11, 20), 1) == date(2026, 11, 23)
