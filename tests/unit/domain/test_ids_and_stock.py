"""Order ids and numbers, and the spreading of a hot SKU over counters."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.domain.ids import OrderId, Sku, is_order_id, new_order_id, normalise_order_number, order_number
from orders.domain.inventory import StockLevel, counter_order, split_evenly

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(moments)
def test_an_order_id_is_a_uuid_of_version_seven(moment: datetime) -> None:
    """RFC 9562: the version and variant bits stand where they must."""
    assert is_order_id(new_order_id(moment))


def test_ids_sort_by_time() -> None:
    """A later order has a larger id, so an index on it grows at its end."""
    ids = [new_order_id(NOON + timedelta(milliseconds=step)) for step in range(50)]
    assert ids == sorted(ids)


@given(moments)
def test_a_number_survives_the_telephone(moment: datetime) -> None:
    """Lower case, blanks and O for zero are forgiven."""
    number = order_number(new_order_id(moment))
    assert normalise_order_number(number.lower().replace("-", " ")) == number
    body, check = number[:-1], number[-1]
    assert normalise_order_number(body.replace("0", "o").replace("1", "l") + check) == number


@given(moments, st.integers(0, 9), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
def test_one_wrong_character_is_noticed(moment: datetime, position: int, wrong: str) -> None:
    """The check digit catches every single substitution."""
    number = order_number(new_order_id(moment))
    digits = list(number.replace("-", "")[2:])
    if digits[position] == wrong:
        return
    digits[position] = wrong
    assert normalise_order_number("".join(digits)) is None


@pytest.mark.parametrize("text", ["", "CW-", "hello", "CW-00000-00000-1", "9" * 40])
def test_what_is_not_a_number_is_refused(text: str) -> None:
    """Search falls back to other fields for these."""
    assert normalise_order_number(text) is None


@given(moments, st.integers(1, 64))
def test_an_order_tries_every_counter_once(moment: datetime, counters: int) -> None:
    """No counter is forgotten, so no stock is out of reach; a retry tries them in the same order."""
    order_id = OrderId(new_order_id(moment))
    tried = counter_order(order_id, Sku("CUP"), counters)
    assert sorted(tried) == list(range(counters))
    assert tried == counter_order(order_id, Sku("CUP"), counters)


@given(st.integers(0, 10**6), st.integers(1, 64))
def test_a_restock_is_spread_without_loss(quantity: int, counters: int) -> None:
    """The parts are the whole and differ by at most one."""
    parts = split_evenly(quantity, counters)
    assert sum(parts) == quantity
    assert max(parts) - min(parts) <= 1


def test_a_negative_number_is_not_conserved_stock() -> None:
    """Promise I1 includes that nothing is below zero."""
    assert not StockLevel(Sku("CUP"), -1, 1, 0, 0, 100, "EUR").is_conserved
    assert StockLevel(Sku("CUP"), 1, 1, 0, 2, 100, "EUR").is_conserved
