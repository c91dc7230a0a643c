"""The orders that the sweeper looks for, be they few or more than one call may read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from orders.adapters.aws import make_client
from orders.adapters.dynamodb.inventory import DynamoInventory
from orders.adapters.memory.clock import MemoryClock
from orders.domain.ids import Sku
from orders.ports import InventoryStore
from orders.settings import Settings
from tests.order_samples import NOON, reservation, view

MUG = Sku("MUG-RED")
MANY = 8


@pytest.mark.parametrize("page", [5, MANY, MANY + 1])
def test_however_many_wait_the_earliest_come_first(
    page: int, inventory: InventoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same answer from an index that one call reads whole and from one that is asked shard by shard."""
    monkeypatch.setattr("orders.adapters.dynamodb.sparse_index._ONE_PAGE", page)
    inventory.set_up_sku(MUG, 1250, "EUR")
    inventory.restock(MUG, MANY, "first")
    placed = []
    for number in range(MANY):
        wish = reservation([(MUG, 1, 1250)], at=NOON - timedelta(seconds=number), ttl_seconds=60)
        placed.append(inventory.reserve(wish, view(wish.order_id)).order_id)
    earliest_first = placed[::-1]
    late = NOON + timedelta(hours=1)

    def found() -> list[list[str]]:
        return [
            [each.order_id for each in inventory.unsent(late, 500)],
            [each.order_id for each in inventory.unsent(late, 3)],
            [each.order_id for each in inventory.unsent(NOON - timedelta(seconds=MANY - 3), 500)],
            [each.order_id for each in inventory.overdue(NOON + timedelta(seconds=60), 500)],
        ]

    assert found() == [earliest_first, earliest_first[:3], earliest_first[:2], earliest_first[:-1]]
    for order_id in placed[:4]:
        inventory.mark_sent(order_id)
    few = earliest_first[:-4]
    assert found() == [few, few[:3], few[:2], earliest_first[:-1]]


def test_a_look_at_few_is_one_call(aws_settings: Settings) -> None:
    """The sweeper looks every minute, on a laptop every two seconds, and nearly always finds nothing."""
    client = make_client("dynamodb", aws_settings)
    calls: list[str] = []

    def note(model: Any, **_: object) -> None:
        calls.append(model.name)

    client.meta.events.register("before-call.dynamodb", note)
    inventory = DynamoInventory(client, aws_settings, MemoryClock())
    assert not inventory.unsent(NOON, 500)
    assert not inventory.overdue(NOON, 500)
    assert calls == ["Scan", "Scan"]
