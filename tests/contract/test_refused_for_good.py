"""An attempt of which a request may still be on its way is refused such that it cannot be accepted any more (ADR 0019)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from orders.domain.errors import LineRefusal, OrderRefused, RefusalReason
from orders.ports import InventoryStore
from tests.contract.test_inventory import MUG, numbers, refusals, reserve, stock
from tests.order_samples import reservation


def test_a_late_request_of_the_attempt_is_refused_in_the_same_words(inventory: InventoryStore) -> None:
    stock(inventory, pieces=1)
    wanted = reservation([(MUG, 2, 1250)])
    refused = refusals(inventory, wanted)
    assert inventory.refuse_for_good(wanted, list(refused.values())) is None
    inventory.restock(MUG, 5, "came too late")
    with pytest.raises(OrderRefused) as again:
        reserve(inventory, wanted)
    assert again.value.is_final
    assert again.value.lines == tuple(refused.values())
    assert numbers(inventory) == (6, 0, 0, 6)


def test_the_next_attempt_of_the_same_order_may_succeed(inventory: InventoryStore) -> None:
    stock(inventory)
    first = reservation([(MUG, 2, 1250)])
    inventory.refuse_for_good(first, [LineRefusal(MUG, RefusalReason.OUT_OF_STOCK, 2, 1, 1250)])
    second = replace(first, attempt=2, fingerprint="another body")
    assert reserve(inventory, second) == second
    assert reserve(inventory, first).fingerprint == "another body", (
        "the late one finds the order that is there"
    )
    assert numbers(inventory) == (8, 2, 0, 10)


def test_what_was_accepted_before_stands(inventory: InventoryStore) -> None:
    stock(inventory)
    placed = reserve(inventory, reservation([(MUG, 2, 1250)]))
    assert inventory.refuse_for_good(placed, []) == placed
    assert inventory.find_reservation(placed.order_id) == placed
    assert numbers(inventory) == (8, 2, 0, 10)


def test_it_is_no_order_to_anybody(inventory: InventoryStore) -> None:
    stock(inventory)
    wanted = reservation()
    for _ in range(2):
        assert inventory.refuse_for_good(wanted, []) is None
    assert inventory.find_reservation(wanted.order_id) is None
    assert inventory.find_reservations([wanted.order_id]) == {}
    assert list(inventory.all_reservations()) == []
    assert list(inventory.unsent(wanted.expires_at + timedelta(days=1), 10)) == []
    assert list(inventory.overdue(wanted.expires_at + timedelta(days=1), 10)) == []


def test_an_earlier_attempt_does_not_reach_behind_a_later_one(inventory: InventoryStore) -> None:
    stock(inventory)
    first = reservation([(MUG, 2, 1250)])
    second = replace(first, attempt=2)
    assert inventory.refuse_for_good(second, []) is None
    assert inventory.refuse_for_good(first, []) is None
    with pytest.raises(OrderRefused):
        reserve(inventory, second)
