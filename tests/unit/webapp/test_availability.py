"""Stock as pages show it: asked rarely where nothing can have become untrue, and never claimed while the store is away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from orders.adapters.memory.inventory import MemoryInventory
from orders.adapters.memory.tracking import MemoryTracking
from orders.domain.errors import Unavailable
from orders.domain.ids import Sku
from orders.domain.inventory import StockLevel
from webapp.catalog import availability as module
from webapp.catalog.availability import SHARED_FOR_SECONDS, Availability


class CountingInventory(MemoryInventory):
    """Remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(MemoryTracking())
        self.asked: list[list[str]] = []
        self.away = False

    def levels(self, skus: Iterable[Sku]) -> Mapping[Sku, StockLevel]:
        """See InventoryStore."""
        wanted = list(skus)
        self.asked.append([str(sku) for sku in wanted])
        if self.away:
            raise Unavailable("down")
        return super().levels(wanted)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in a list so that a test can move it."""
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def inventory() -> CountingInventory:
    """Few of one, many of the other."""
    inventory = CountingInventory()
    for sku, pieces in (("FEW", 3), ("MANY", 500)):
        inventory.set_up_sku(Sku(sku), 100, "EUR")
        inventory.restock(Sku(sku), pieces, sku)
    return inventory


def test_few_pieces_are_looked_at_again_soon_and_many_later(
    clock: list[float], inventory: CountingInventory
) -> None:
    """How long a look is kept follows from how much would have to be sold to make it untrue."""
    availability = Availability(inventory)
    availability.levels(["FEW", "MANY"])
    clock[0] += 2
    availability.levels(["FEW", "MANY"])
    clock[0] += 25
    availability.levels(["FEW", "MANY", "NEITHER"])
    assert inventory.asked == [["FEW", "MANY"], ["FEW"], ["FEW", "MANY", "NEITHER"]]


def test_before_paying_a_look_is_shared_for_a_second_where_there_is_plenty(
    clock: list[float], inventory: CountingInventory
) -> None:
    """Who is about to pay asks anew where few are left, and where the look is older: it would be for the reservation alone
    to find out."""
    availability = Availability(inventory)
    availability.levels(["FEW", "MANY"])
    clock[0] += SHARED_FOR_SECONDS
    availability.levels(["FEW", "MANY"], fresh=True)
    clock[0] += 0.01
    availability.levels(["MANY"], fresh=True)
    assert inventory.asked == [["FEW", "MANY"], ["FEW"], ["MANY"]]


def test_before_paying_nothing_older_counts(clock: list[float], inventory: CountingInventory) -> None:
    """`fresh` asks where a look is older than a second, and what it learns is remembered."""
    availability = Availability(inventory)
    availability.levels(["MANY"])
    inventory.adjust(Sku("MANY"), -498, "sold")
    clock[0] += SHARED_FOR_SECONDS + 0.01
    fresh = availability.levels(["MANY"], fresh=True)
    again = availability.levels(["MANY"])
    assert fresh is not None
    assert again is not None
    assert fresh["MANY"].available == again["MANY"].available == 2


def test_while_the_store_is_away_nothing_is_claimed_and_it_is_left_alone(
    clock: list[float], inventory: CountingInventory
) -> None:
    """One page in three seconds waits for a store that is down; afterwards it is asked again."""
    availability = Availability(inventory)
    inventory.away = True
    assert availability.levels(["FEW"]) is None
    assert availability.levels(["FEW"]) is None
    assert len(inventory.asked) == 1
    inventory.away = False
    clock[0] += 4
    levels = availability.levels(["FEW"])
    assert levels is not None
    assert levels["FEW"].available == 3


def test_a_glance_at_plenty_waits_for_nobody_and_is_renewed_together(
    clock: list[float], inventory: CountingInventory
) -> None:
    """Products of which there are many are looked at anew in one request, not page by page; of few, at once."""
    inventory.set_up_sku(Sku("LOTS"), 100, "EUR")
    inventory.restock(Sku("LOTS"), 900, "LOTS")
    availability = Availability(inventory)
    availability.levels(["MANY", "LOTS", "FEW"], is_glance=True)
    inventory.asked.clear()
    clock[0] += 30
    assert availability.levels(["MANY"], is_glance=True) is not None
    assert availability.levels(["LOTS"], is_glance=True) is not None
    assert inventory.asked == []
    clock[0] += module.GATHER_SECONDS
    assert set(availability.levels(["MANY"], is_glance=True) or {}) == {"MANY"}
    assert inventory.asked == [["MANY", "LOTS"]]
    availability.levels(["LOTS"], is_glance=True)
    availability.levels(["FEW"], is_glance=True)
    assert inventory.asked == [["MANY", "LOTS"], ["FEW"]]


def test_a_glance_shows_nothing_that_is_very_old_and_an_order_nothing_that_is_due(
    clock: list[float], inventory: CountingInventory
) -> None:
    """After a minute even plenty is asked for before it is shown; a cart asks as soon as it is due."""
    availability = Availability(inventory)
    availability.levels(["MANY"], is_glance=True)
    inventory.adjust(Sku("MANY"), -500, "sold")
    clock[0] += module.LONGEST_FRESH_SECONDS + 1
    cart = availability.levels(["MANY"])
    assert cart is not None
    assert cart["MANY"].available == 0
    inventory.adjust(Sku("MANY"), 500, "found")
    clock[0] += 2
    availability.levels(["MANY"], is_glance=True)
    inventory.adjust(Sku("MANY"), -500, "gone")
    clock[0] += module.USABLE_FOR_SECONDS + 1
    late = availability.levels(["MANY"], is_glance=True)
    assert late is not None
    assert late["MANY"].available == 0


def test_plenty_that_is_due_is_shown_while_the_store_is_away(
    clock: list[float], inventory: CountingInventory
) -> None:
    """A look that is still good enough needs no store; a page waits once at most."""
    availability = Availability(inventory)
    availability.levels(["MANY"], is_glance=True)
    inventory.away = True
    clock[0] += 30
    for _ in range(3):
        levels = availability.levels(["MANY"], is_glance=True)
        assert levels is not None
        assert levels["MANY"].available == 500
        clock[0] += 1
    assert len(inventory.asked) == 2
