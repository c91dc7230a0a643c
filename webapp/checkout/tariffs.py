"""Countries, tax rates and shipping rates: data files read once, and the questions that checkout asks of them."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

from orders.delivery_methods import DeliveryMethod, delivery_methods
from orders.domain.pricing import TaxRule

_DATA = Path(__file__).parent / "data"
LAST_HANDOVER_HOUR_UTC = 12
"""A parcel of an order placed later than this leaves the house on the next working day."""
LIGHTEST_FREIGHT_GRAMS = 31_500
"""Below this weight a parcel service carries it, and the two-person delivery is not offered."""


@dataclass(frozen=True, slots=True)
class Country:
    """A country that the shop delivers to. `postal_pattern` is a full-match regular expression in capitals."""

    code: str
    name: str
    zone: str
    postal_pattern: str
    postal_example: str
    dial: str

    def accepts_postal_code(self, text: str) -> bool:
        """Whether a text has the form of this country's postal codes."""
        return re.fullmatch(self.postal_pattern, text.upper()) is not None


@dataclass(frozen=True, slots=True)
class TaxRate:
    """The tax of one country from one day on, and where the figure comes from."""

    country: str
    rule: TaxRule
    valid_from: date
    source: str


@dataclass(frozen=True, slots=True)
class ShippingOffer:
    """One way to get an order to its country, in English: what it costs and between which days it arrives."""

    code: str
    name: str
    note: str
    price_minor: int
    earliest: date
    latest: date


@dataclass(frozen=True, slots=True)
class _Rate:
    method: str
    zone: str
    max_weight_grams: int
    price_minor: int
    free_from_minor: int | None
    min_working_days: int
    max_working_days: int


@dataclass(frozen=True, slots=True)
class Tariffs:
    """All of them together."""

    countries: Mapping[str, Country]
    taxes: Sequence[TaxRate]
    methods: Sequence[DeliveryMethod]
    rates: Sequence[_Rate]

    def tax_rule(self, country: str, on: date) -> TaxRule:
        """The rule that holds in a country on a day. Raises KeyError for a country that is not served."""
        valid = [tax for tax in self.taxes if tax.country == country and tax.valid_from <= on]
        if not valid:
            raise KeyError(country)
        return max(valid, key=lambda tax: tax.valid_from).rule

    def shipping_offers(
        self, country: str, weight_grams: int, goods_minor: int, now: datetime
    ) -> list[ShippingOffer]:
        """Every way to send this weight to a country, cheapest first; empty when there is none."""
        zone = self.countries[country].zone
        offers = []
        for method in self.methods:
            if method.code == "freight" and weight_grams <= LIGHTEST_FREIGHT_GRAMS:
                continue
            rate = self._rate(method.code, zone, weight_grams)
            if rate is not None:
                offers.append(_offer(method, rate, goods_minor, now))
        return sorted(offers, key=lambda offer: (offer.price_minor, offer.latest))

    def free_shipping_from(self, country: str, weight_grams: int) -> int | None:
        """The value of goods from which the standard delivery costs nothing, or None where there is no such value."""
        rate = self._rate("standard", self.countries[country].zone, weight_grams)
        return rate.free_from_minor if rate else None

    def _rate(self, method: str, zone: str, weight_grams: int) -> _Rate | None:
        fitting = [
            rate
            for rate in self.rates
            if rate.method == method and rate.zone == zone and weight_grams <= rate.max_weight_grams
        ]
        return min(fitting, key=lambda rate: rate.max_weight_grams, default=None)


def _offer(method: DeliveryMethod, rate: _Rate, goods_minor: int, now: datetime) -> ShippingOffer:
    is_free = rate.free_from_minor is not None and goods_minor >= rate.free_from_minor
    leaves = now.date() if now.hour < LAST_HANDOVER_HOUR_UTC else now.date() + timedelta(days=1)
    while leaves.weekday() >= 5:
        leaves += timedelta(days=1)
    return ShippingOffer(
        code=method.code,
        name=method.name,
        note=method.note,
        price_minor=0 if is_free else rate.price_minor,
        earliest=after_working_days(leaves, rate.min_working_days),
        latest=after_working_days(leaves, rate.max_working_days),
    )


def after_working_days(start: date, days: int) -> date:
    """The day `days` working days (Monday to Friday) after `start`."""
    result = start
    while days > 0:
        result += timedelta(days=1)
        days -= result.weekday() < 5
    return result


def _rows(name: str) -> list[dict[str, str]]:
    with (_DATA / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@cache
def tariffs() -> Tariffs:
    """The tariffs of this release, read once per process."""
    return Tariffs(
        countries={row["code"]: Country(**row) for row in _rows("countries.csv")},
        taxes=[
            TaxRate(
                row["country"],
                TaxRule(row["code"], int(row["rate_ppm"]), row["is_inclusive"] == "true"),
                date.fromisoformat(row["valid_from"]),
                row["source"],
            )
            for row in _rows("tax_rates.csv")
        ],
        methods=delivery_methods(),
        rates=[
            _Rate(
                row["method"],
                row["zone"],
                int(row["max_weight_grams"]),
                int(row["price_minor"]),
                int(row["free_from_minor"]) if row["free_from_minor"] else None,
                int(row["min_working_days"]),
                int(row["max_working_days"]),
            )
            for row in _rows("shipping_rates.csv")
        ],
    )
