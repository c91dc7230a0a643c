"""Stock in several warehouses: what ports.InventoryStore promises, held against every adapter of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from orders.domain.errors import NotFound, OrderRefused, Refused
from orders.domain.ids import OrderId, Sku
from orders.domain.inventory import MAIN
from orders.domain.warehouses import ONLY_MAIN, Warehouse
from orders.ports import InventoryStore, Reservation
from tests.order_samples import reservation, view

MUG, BOWL = Sku("MUG-RED"), Sku("BOWL")
PLACES = (
    Warehouse(MAIN, "Berlin"),
    Warehouse("north", "Hamburg", ("DK", "SE")),
    Warehouse("south", "Wien", ("AT",)),
)


@pytest.fixture(autouse=True)
def warehouses(inventory: InventoryStore) -> None:
    inventory.set_warehouses(PLACES)


def stock(inventory: InventoryStore, sku: Sku = MUG, **pieces: int) -> None:
    inventory.set_up_sku(sku, 1250, "EUR")
    for place, count in pieces.items():
        inventory.restock(sku, count, f"first-{sku}-{place}", place)


def at(inventory: InventoryStore, sku: Sku = MUG) -> dict[str, tuple[int, int, int]]:
    """Warehouse -> available, reserved, sold; checks promise I1 on the way, in all and for each place."""
    level = inventory.levels([sku])[sku]
    assert level.is_conserved, level
    assert sum(place.received for place in level.places) == level.received
    for place in level.places:
        assert place.received == place.available + place.reserved + place.sold, place
    return {place.warehouse: (place.available, place.reserved, place.sold) for place in level.places}


def reserve(inventory: InventoryStore, *lines: tuple[Sku, int], to: str = "DE") -> Reservation:
    wanted = replace(reservation([(sku, count, 1250) for sku, count in lines]), destination=to)
    return inventory.reserve(wanted, view(wanted.order_id, at=wanted.accepted_at))


def sent_from(placed: Reservation) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for line in placed.lines:
        found[line.sku, line.warehouse] = found.get((line.sku, line.warehouse), 0) + line.quantity
    return found


class TestStock:
    def test_a_shop_that_names_no_place_has_one(self, inventory: InventoryStore) -> None:
        inventory.set_warehouses(ONLY_MAIN)
        stock(inventory, main=3)
        assert tuple(inventory.warehouses()) == ONLY_MAIN
        assert at(inventory) == {"main": (3, 0, 0)}

    def test_the_list_is_kept_in_its_order(self, inventory: InventoryStore) -> None:
        assert tuple(inventory.warehouses()) == PLACES
        inventory.set_warehouses(PLACES[::-1])
        assert tuple(inventory.warehouses()) == PLACES[::-1]
        with pytest.raises(Refused):
            inventory.set_warehouses(PLACES[1:])

    def test_pieces_lie_where_they_were_received(self, inventory: InventoryStore) -> None:
        stock(inventory, main=5, north=2)
        inventory.restock(MUG, 4, "more", "north")
        inventory.restock(MUG, 4, "more", "north")
        assert at(inventory) == {"main": (5, 0, 0), "north": (6, 0, 0)}

    def test_a_correction_is_of_one_place(self, inventory: InventoryStore) -> None:
        stock(inventory, main=5, north=2)
        for _ in range(2):
            inventory.adjust(MUG, -2, "broken", "north")
            inventory.adjust(MUG, 1, "found", "south")
        assert at(inventory) == {"main": (5, 0, 0), "north": (0, 0, 0), "south": (1, 0, 0)}
        with pytest.raises(Refused, match="in north"):
            inventory.adjust(MUG, -1, "too-many", "north")
        with pytest.raises(NotFound):
            inventory.adjust(Sku("NOBODY"), 1, "unknown", "north")

    def test_a_transfer_moves_pieces_once_and_adds_none(self, inventory: InventoryStore) -> None:
        stock(inventory, main=5)
        for _ in range(2):
            inventory.transfer(MUG, 3, "lorry", origin="main", destination="south")
        assert at(inventory) == {"main": (2, 0, 0), "south": (3, 0, 0)}
        assert {each.id: each.pieces for each in inventory.all_movements()}["lorry"] == 0
        with pytest.raises(Refused):
            inventory.transfer(MUG, 3, "too-many", origin="main", destination="south")
        with pytest.raises(Refused):
            inventory.transfer(MUG, 1, "nowhere", origin="main", destination="main")
        with pytest.raises(NotFound):
            inventory.transfer(Sku("NOBODY"), 1, "unknown", origin="main", destination="south")

    def test_a_place_may_be_split_without_moving_pieces_from_another(self, inventory: InventoryStore) -> None:
        stock(inventory, main=5, north=8)
        inventory.set_up_sku(MUG, 1250, "EUR", counters=4, warehouse="north")
        assert at(inventory) == {"main": (5, 0, 0), "north": (8, 0, 0)}
        assert inventory.levels([MUG])[MUG].counters == 5
        assert sent_from(reserve(inventory, (MUG, 8), to="SE")) == {(MUG, "north"): 8}

    def test_a_price_is_one_price_in_all_places(self, inventory: InventoryStore) -> None:
        stock(inventory, main=1, north=1)
        inventory.set_price(MUG, 990)
        inventory.restock(MUG, 1, "new place", "south")
        wanted = replace(reservation([(MUG, 3, 990)]), destination="DE")
        inventory.reserve(wanted, view(wanted.order_id))
        assert {place: numbers[0] for place, numbers in at(inventory).items()} == {
            "main": 0,
            "north": 0,
            "south": 0,
        }

    def test_another_process_finds_the_new_place(
        self, inventory: InventoryStore, another_inventory: InventoryStore
    ) -> None:
        """It remembers that the SKU has one counter, and must not call it sold out."""
        stock(inventory, main=1)
        assert sent_from(reserve(another_inventory, (MUG, 1))) == {(MUG, "main"): 1}
        inventory.restock(MUG, 1, "new place", "north")
        assert sent_from(reserve(another_inventory, (MUG, 1))) == {(MUG, "north"): 1}

    def test_many_who_open_the_same_place_at_once_lose_no_piece(self, inventory: InventoryStore) -> None:
        stock(inventory, main=1)
        with ThreadPoolExecutor(6) as pool:
            list(
                pool.map(
                    lambda n: inventory.restock(MUG, 2, f"pallet-{n}", ("north", "south")[n % 2]), range(6)
                )
            )
        assert at(inventory) == {"main": (1, 0, 0), "north": (6, 0, 0), "south": (6, 0, 0)} or at(
            inventory
        ) == {
            "main": (1, 0, 0),
            "south": (6, 0, 0),
            "north": (6, 0, 0),
        }


class TestReserve:
    def test_the_place_that_is_near_sends(self, inventory: InventoryStore) -> None:
        stock(inventory, main=5, north=5)
        assert sent_from(reserve(inventory, (MUG, 2), to="SE")) == {(MUG, "north"): 2}
        assert sent_from(reserve(inventory, (MUG, 2), to="DE")) == {(MUG, "main"): 2}
        assert at(inventory) == {"main": (3, 2, 0), "north": (3, 2, 0)}

    def test_a_place_that_has_everything_beats_two_that_are_nearer(self, inventory: InventoryStore) -> None:
        stock(inventory, main=5, south=5)
        stock(inventory, BOWL, south=5)
        placed = reserve(inventory, (MUG, 1), (BOWL, 1), to="DE")
        assert sent_from(placed) == {(MUG, "south"): 1, (BOWL, "south"): 1}

    def test_the_last_pieces_come_from_everywhere(self, inventory: InventoryStore) -> None:
        stock(inventory, main=1, north=2, south=1)
        placed = reserve(inventory, (MUG, 4))
        assert sent_from(placed) == {(MUG, "main"): 1, (MUG, "north"): 2, (MUG, "south"): 1}
        assert inventory.find_reservation(placed.order_id) == placed
        with pytest.raises(OrderRefused) as refused:
            reserve(inventory, (MUG, 1))
        assert refused.value.lines[0].available == 0

    def test_what_is_given_back_lies_where_it_lay(self, inventory: InventoryStore) -> None:
        stock(inventory, main=1, north=2)
        placed = reserve(inventory, (MUG, 3))
        inventory.confirm(placed.order_id)
        inventory.release(placed.order_id)
        assert at(inventory) == {"main": (1, 0, 0), "north": (2, 0, 0)}

    def test_many_buyers_never_take_more_than_the_places_have(self, inventory: InventoryStore) -> None:
        stock(inventory, main=3, north=3, south=3)

        def buy(n: int) -> int:
            try:
                return sum(
                    line.quantity for line in reserve(inventory, (MUG, 2), to=("DE", "SE", "AT")[n % 3]).lines
                )
            except OrderRefused:
                return 0

        with ThreadPoolExecutor(6) as pool:
            sold = sum(pool.map(buy, range(9)))
        assert sold == 8
        assert sum(numbers[0] for numbers in at(inventory).values()) == 1


class TestParcels:
    def test_a_parcel_takes_from_the_place_that_it_left(self, inventory: InventoryStore) -> None:
        stock(inventory, main=2, north=1)
        placed = reserve(inventory, (MUG, 3))
        for _ in range(2):
            inventory.ship(placed.order_id, "parcel-1", {MUG: 1}, "north")
        assert at(inventory) == {"main": (0, 2, 0), "north": (0, 0, 1)}
        inventory.ship(placed.order_id, "parcel-2", {MUG: 2})
        assert at(inventory) == {"main": (0, 0, 2), "north": (0, 0, 1)}

    def test_a_parcel_that_names_another_place_still_leaves(self, inventory: InventoryStore) -> None:
        """The book said that it left; the stock in all must agree."""
        stock(inventory, main=2, north=2)
        placed = reserve(inventory, (MUG, 2), to="DE")
        inventory.ship(placed.order_id, "parcel", {MUG: 2}, "north")
        assert at(inventory) == {"main": (0, 0, 2), "north": (2, 0, 0)}

    def test_what_comes_back_lies_where_it_was_sent_from(self, inventory: InventoryStore) -> None:
        stock(inventory, main=1, north=2)
        placed = reserve(inventory, (MUG, 2), to="SE")
        inventory.ship(placed.order_id, "parcel", {MUG: 2}, "north")
        inventory.take_back(placed.order_id, "return", {MUG: 1})
        assert at(inventory) == {"main": (1, 0, 0), "north": (1, 0, 1)}

    def test_the_reservations_of_many_orders_are_read_together(self, inventory: InventoryStore) -> None:
        stock(inventory, main=5, north=5)
        placed = [reserve(inventory, (MUG, 1), to=country) for country in ("DE", "SE")]
        unknown = OrderId("01890a5d-ac96-774b-bcce-b302099a8057")
        found = inventory.find_reservations([*(each.order_id for each in placed), unknown])
        assert found == {each.order_id: each for each in placed}
