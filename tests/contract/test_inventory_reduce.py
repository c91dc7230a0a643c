"""Taking pieces off a reservation, on both inventories."""

from __future__ import annotations

import pytest

from orders.domain.errors import Refused
from orders.domain.ids import Sku
from orders.ports import InventoryStore
from tests.order_samples import reservation, view

MUG, TEA = Sku("MUG-RED"), Sku("TEA")


def test_fewer_pieces_are_held_once_per_change(inventory: InventoryStore) -> None:
    """The rest stays reserved; the sums hold; a repeat changes nothing; more than is held is refused."""
    for sku in (MUG, TEA):
        inventory.set_up_sku(sku, 1250, "EUR", counters=2)
        inventory.restock(sku, 10, f"restock-{sku}")
    wanted = reservation((("MUG-RED", 3, 1250), ("TEA", 2, 1250)))
    inventory.reserve(wanted, view(wanted.order_id))
    inventory.confirm(wanted.order_id)
    for _ in range(2):
        inventory.reduce(wanted.order_id, "change-1", {MUG: 1, TEA: 2})
    levels = inventory.levels([MUG, TEA])
    assert [(levels[sku].available, levels[sku].reserved) for sku in (MUG, TEA)] == [(8, 2), (10, 0)]
    assert all(level.is_conserved for level in levels.values())
    with pytest.raises(Refused):
        inventory.reduce(wanted.order_id, "change-2", {MUG: 3})
    inventory.release(wanted.order_id)
    inventory.reduce(wanted.order_id, "change-3", {MUG: 1})
    assert inventory.levels([MUG])[MUG].available == 10
