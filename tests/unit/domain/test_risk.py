"""Risk rules: each kind matches what it says, explains itself, and the longest hold decides."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.domain.risk import FIRST_RULES, HoldKind, RiskKind, RiskRule, hits_of, hold_until
from tests.order_samples import order_body, order_request

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LINES = (("MUG-RED", 2, 1250),)  # 25.00 and 4.90 delivery: 29.90


def rule(kind: str, **changes: Any) -> RiskRule:
    """A rule of a kind that is on."""
    return RiskRule("r", RiskKind(kind), "The rule", is_on=True, **changes)


def why(wanted: RiskRule, *, earlier: tuple[datetime, ...] = (), **changes: Any) -> str:
    """What the rule says of an order of 29.90; empty for nothing."""
    hits = hits_of(order_request(LINES, **changes), NOON, earlier, [wanted])
    return hits[0].why if hits else ""


def test_an_amount_matches_from_its_limit_on() -> None:
    """Equal is enough; one cent less is not."""
    assert why(rule("amount", limit_minor=2990)) == "29.90 EUR is 29.90 EUR or more"
    assert why(rule("amount", limit_minor=2991)) == ""


def test_velocity_counts_this_order_and_those_within_its_hours() -> None:
    """The hours are a window that ends with this order; older orders do not count."""
    earlier = tuple(NOON - timedelta(hours=hours) for hours in (1, 23, 25))
    assert why(rule("velocity", count=3, hours=24), earlier=earlier).startswith("3 orders from this e-mail")
    assert why(rule("velocity", count=4, hours=24), earlier=earlier) == ""
    assert why(rule("velocity", count=4, hours=25), earlier=earlier)


def test_a_first_order_has_none_before() -> None:
    """From the limit on only, where there is one."""
    assert why(rule("first_order"))
    assert why(rule("first_order"), earlier=(NOON - timedelta(days=900),)) == ""
    assert why(rule("first_order", limit_minor=5000)) == ""


def test_a_country_is_where_it_is_delivered() -> None:
    """The billing address decides nothing here."""
    body = order_body(LINES)
    abroad = {**body["billing_address"], "country": "FR"}
    assert why(rule("country", countries=frozenset({"DE"}))) == "delivered to DE, which is on the list"
    assert why(rule("country", countries=frozenset({"FR"})), billing_address=abroad) == ""


def test_two_addresses_are_two_places_not_two_spellings() -> None:
    """Names, spaces, dots and capitals make no difference; another street does."""
    body = order_body(LINES)
    same = {**body["billing_address"], "line1": "HAUPTSTR 1", "name": "Grace Hopper", "city": "berlin"}
    other = {**body["billing_address"], "line1": "Am Hafen 9", "postal_code": "20095", "city": "Hamburg"}
    mismatch = rule("address_mismatch", hold_kind=HoldKind.ADDRESS)
    assert why(mismatch, billing_address=same) == ""
    assert (
        why(mismatch, billing_address=other) == "billed to 20095 Hamburg, DE, delivered to 10115 Berlin, DE"
    )


@pytest.mark.parametrize("kind", list(RiskKind))
def test_a_rule_that_is_off_says_nothing(kind: RiskKind) -> None:
    """And what a new shop starts with is off."""
    assert not FIRST_RULES[kind].is_on
    off = replace(rule(kind, countries=frozenset({"DE"}), count=1, hours=1), is_on=False)
    assert why(off) == ""


def test_the_longest_hold_decides_and_one_for_a_person_never_ends() -> None:
    """Rules that only tell hold nothing."""
    request = order_request(LINES)
    short, long, tells = (
        rule("amount", limit_minor=1, hold_hours=2),
        rule("first_order", hold_hours=24),
        rule("country", countries=frozenset({"DE"}), holds=False, hold_hours=99),
    )
    hits = hits_of(request, NOON, (), [tells, short, long])
    assert [hit.kind for hit in hits] == [RiskKind.FIRST_ORDER, RiskKind.AMOUNT, RiskKind.COUNTRY]
    assert hold_until(hits) == NOON + timedelta(hours=24)
    assert hold_until(hits_of(request, NOON, (), [tells])) is None
    by_hand = rule("amount", limit_minor=1, hold_hours=0)
    hits = hits_of(request, NOON, (), [short, by_hand])
    assert (hits[0].until, hold_until(hits)) == (None, None)


@given(
    st.lists(st.integers(min_value=-2000, max_value=0)),
    st.integers(min_value=1, max_value=20),
    st.integers(min_value=1, max_value=1000),
)
def test_more_orders_never_make_a_velocity_rule_silent(hours_ago: list[int], count: int, hours: int) -> None:
    """Monotone: an order more in the window can only add to what is suspicious."""
    earlier = tuple(NOON + timedelta(hours=ago) for ago in hours_ago)
    wanted = rule("velocity", count=count, hours=hours)
    if why(wanted, earlier=earlier):
        assert why(wanted, earlier=(*earlier, NOON))
