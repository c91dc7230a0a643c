"""What ports.InventoryStore promises, held against every adapter of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from orders.domain.errors import InvalidRequest, LineRefusal, NotFound, OrderRefused, RefusalReason, Refused
from orders.domain.ids import OrderId, Sku
from orders.domain.inventory import ReservationState
from orders.ports import InventoryStore, Reservation, TrackingStore
from tests.contract.conftest import Stores
from tests.order_samples import NOON, reservation, view

MUG, BOWL = Sku("MUG-RED"), Sku("BOWL")
UNKNOWN = OrderId("01890a5d-ac96-774b-bcce-b302099a8057")


def stock(
    inventory: InventoryStore, sku: str = MUG, pieces: int = 10, price: int = 1250, counters: int = 1
) -> None:
    inventory.set_up_sku(Sku(sku), price, "EUR", counters)
    inventory.restock(Sku(sku), pieces, f"first-{sku}")


def numbers(inventory: InventoryStore, sku: str = MUG) -> tuple[int, int, int, int]:
    """Available, reserved, sold, received; checks promise I1 on the way."""
    level = inventory.levels([Sku(sku)])[Sku(sku)]
    assert level.is_conserved, level
    return level.available, level.reserved, level.sold, level.received


def reserve(inventory: InventoryStore, wanted: Reservation) -> Reservation:
    return inventory.reserve(wanted, view(wanted.order_id, at=wanted.accepted_at))


def refusals(inventory: InventoryStore, wanted: Reservation) -> dict[str, LineRefusal]:
    with pytest.raises(OrderRefused) as refused:
        reserve(inventory, wanted)
    return {line.sku: line for line in refused.value.lines}


class TestSkus:
    def test_a_new_sku_has_a_price_and_no_stock(self, inventory: InventoryStore) -> None:
        inventory.set_up_sku(MUG, 1250, "EUR")
        level = inventory.levels([MUG])[MUG]
        assert (level.price_minor, level.currency, level.counters) == (1250, "EUR", 1)
        assert numbers(inventory) == (0, 0, 0, 0)

    def test_a_known_sku_keeps_its_stock_and_gets_the_price(self, inventory: InventoryStore) -> None:
        stock(inventory)
        inventory.set_up_sku(MUG, 999, "EUR")
        assert numbers(inventory) == (10, 0, 0, 10)
        assert inventory.levels([MUG])[MUG].price_minor == 999

    def test_a_sku_may_be_split_later_and_keeps_its_stock(self, inventory: InventoryStore) -> None:
        stock(inventory)
        inventory.set_up_sku(MUG, 1250, "EUR", counters=4)
        inventory.set_up_sku(MUG, 1250, "EUR", counters=1)
        assert inventory.levels([MUG])[MUG].counters == 4
        assert numbers(inventory) == (10, 0, 0, 10)

    def test_pieces_lie_evenly_after_a_split(self, inventory: InventoryStore) -> None:
        """Else every order would first try the counters that have nothing."""
        stock(inventory, pieces=41)
        held = reserve(inventory, reservation([(MUG, 1, 1250)]))
        inventory.set_up_sku(MUG, 1250, "EUR", counters=4)
        placed = [reserve(inventory, reservation([(MUG, 10, 1250)])) for _ in range(4)]
        assert sorted(line.counter for each in placed for line in each.lines) == [0, 1, 2, 3]
        inventory.release(held.order_id)
        assert numbers(inventory) == (1, 40, 0, 41)

    def test_unknown_skus_have_no_level(self, inventory: InventoryStore) -> None:
        stock(inventory)
        assert set(inventory.levels([MUG, Sku("NOBODY")])) == {MUG}

    def test_a_hundred_and_twenty_skus_are_read_and_scanned(self, inventory: InventoryStore) -> None:
        """More than DynamoDB reads in one batch."""
        skus = [Sku(f"S-{n}") for n in range(120)]
        for sku in skus:
            inventory.set_up_sku(sku, 100, "EUR", counters=2)
        assert set(inventory.levels(skus)) == set(skus)
        assert {level.sku: level.counters for level in inventory.all_levels()} == dict.fromkeys(skus, 2)

    def test_a_restock_is_applied_once_per_movement(self, inventory: InventoryStore) -> None:
        stock(inventory, counters=3)
        inventory.restock(MUG, 5, "again")
        inventory.restock(MUG, 5, "again")
        assert numbers(inventory) == (15, 0, 0, 15)

    @pytest.mark.parametrize("counters", [1, 3])
    def test_an_adjustment_goes_both_ways_once_and_never_below_zero(
        self, inventory: InventoryStore, counters: int
    ) -> None:
        stock(inventory, counters=counters)
        inventory.adjust(MUG, -8, "broken")
        inventory.adjust(MUG, -8, "broken")
        inventory.adjust(MUG, 3, "found")
        inventory.adjust(MUG, 0, "nothing")
        assert numbers(inventory) == (5, 0, 0, 5)
        with pytest.raises(Refused):
            inventory.adjust(MUG, -6, "too-many")
        assert numbers(inventory) == (5, 0, 0, 5)

    def test_each_movement_that_changed_a_level_can_be_read_again(self, inventory: InventoryStore) -> None:
        """Split counters or not, a repeat or not: one movement with its sum; what was refused is none."""
        stock(inventory, counters=3)
        for _ in range(2):
            inventory.restock(MUG, 5, "console:a#1")
            inventory.adjust(MUG, -8, "sheet:b:MUG-RED")
        with pytest.raises(Refused):
            inventory.adjust(MUG, -100, "too-many")
        reserve(inventory, reservation([(MUG, 1, 1250)]))
        found = {each.id: (each.sku, each.pieces) for each in inventory.all_movements()}
        assert found.pop("console:a#1") == (MUG, 5)
        assert found.pop("sheet:b:MUG-RED") == (MUG, -8)
        assert list(found.values()) == [(MUG, 10)], "the first pieces, and nothing for the order"

    def test_unknown_skus_cannot_be_moved(self, inventory: InventoryStore) -> None:
        for change in (
            lambda: inventory.restock(Sku("NOBODY"), 1, "a"),
            lambda: inventory.adjust(Sku("NOBODY"), -1, "b"),
            lambda: inventory.adjust(Sku("NOBODY"), 1, "c"),
            lambda: inventory.set_price(Sku("NOBODY"), 1),
        ):
            with pytest.raises(NotFound):
                change()

    def test_a_restock_of_nothing_is_refused(self, inventory: InventoryStore) -> None:
        stock(inventory)
        with pytest.raises(Refused):
            inventory.restock(MUG, 0, "none")


class TestReserve:
    def test_it_moves_the_pieces_and_stores_the_order(
        self, inventory: InventoryStore, tracking: TrackingStore
    ) -> None:
        stock(inventory)
        stock(inventory, BOWL, price=400)
        wanted = reservation([(MUG, 2, 1250), (BOWL, 1, 400)])
        placed = reserve(inventory, wanted)
        assert numbers(inventory) == (8, 2, 0, 10)
        assert numbers(inventory, BOWL) == (9, 1, 0, 10)
        assert placed == wanted == inventory.find_reservation(wanted.order_id)
        assert tracking.get(wanted.order_id) == view(wanted.order_id)

    def test_a_repeat_returns_what_is_stored_and_takes_nothing_more(self, inventory: InventoryStore) -> None:
        """Also when the repeat is later, differs, and the stock has gone meanwhile."""
        stock(inventory, pieces=2)
        first = reserve(inventory, reservation([(MUG, 2, 1250)]))
        later = replace(first, fingerprint="another", accepted_at=NOON + timedelta(hours=1), message="{}")
        assert reserve(inventory, later) == first
        assert numbers(inventory) == (0, 2, 0, 2)

    def test_a_refusal_names_every_line_and_leaves_nothing(
        self, inventory: InventoryStore, tracking: TrackingStore
    ) -> None:
        stock(inventory, pieces=3)
        stock(inventory, BOWL, price=400)
        stock(inventory, "FINE", price=100)
        wanted = reservation([(MUG, 4, 1250), (BOWL, 1, 399), ("NOBODY", 1, 5), ("FINE", 1, 100)])
        assert refusals(inventory, wanted) == {
            MUG: LineRefusal(MUG, RefusalReason.OUT_OF_STOCK, 4, 3, 1250),
            BOWL: LineRefusal(BOWL, RefusalReason.PRICE_CHANGED, 1, 10, 400),
            "NOBODY": LineRefusal("NOBODY", RefusalReason.UNKNOWN_SKU, 1),
        }
        assert numbers(inventory) == (3, 0, 0, 3)
        assert numbers(inventory, "FINE") == (10, 0, 0, 10)
        assert inventory.find_reservation(wanted.order_id) is None
        assert tracking.get(wanted.order_id) is None

    def test_another_currency_is_refused_by_name(self, inventory: InventoryStore) -> None:
        stock(inventory)
        with pytest.raises(InvalidRequest) as refused:
            reserve(inventory, replace(reservation(), currency="USD"))
        assert refused.value.problems[0].pointer == "/currency"
        assert numbers(inventory) == (10, 0, 0, 10)

    def test_ninety_eight_lines_fit(self, inventory: InventoryStore) -> None:
        """The most that one DynamoDB transaction holds beside the order and its tracking."""
        for n in range(98):
            stock(inventory, f"S-{n}", pieces=1, price=100)
        reserve(inventory, reservation([(f"S-{n}", 1, 100) for n in range(98)]))
        assert all(level.reserved == 1 for level in inventory.all_levels())

    def test_a_changed_price_is_what_orders_must_name(self, inventory: InventoryStore) -> None:
        stock(inventory, counters=3)
        inventory.set_price(MUG, 1300)
        assert refusals(inventory, reservation())[MUG].price_minor == 1300
        reserve(inventory, reservation([(MUG, 1, 1300)]))


class TestSplitCounters:
    def test_every_piece_can_be_sold_whichever_counter_it_lies_on(self, inventory: InventoryStore) -> None:
        stock(inventory, pieces=8, counters=4)
        for _ in range(8):
            reserve(inventory, reservation())
        assert numbers(inventory) == (0, 8, 0, 8)
        assert refusals(inventory, reservation())[MUG].available == 0

    def test_an_order_larger_than_any_counter_is_spread_over_several(self, inventory: InventoryStore) -> None:
        stock(inventory, pieces=8, counters=4)
        placed = reserve(inventory, reservation([(MUG, 7, 1250)]))
        assert sum(line.quantity for line in placed.lines) == 7
        assert len({line.counter for line in placed.lines}) == len(placed.lines) >= 4
        assert numbers(inventory) == (1, 7, 0, 8)
        assert inventory.find_reservation(placed.order_id) == placed
        inventory.release(placed.order_id)
        assert numbers(inventory) == (8, 0, 0, 8)

    def test_a_refusal_counts_what_is_left_on_all_counters(self, inventory: InventoryStore) -> None:
        stock(inventory, pieces=8, counters=4)
        assert refusals(inventory, reservation([(MUG, 9, 1250)]))[MUG].available == 8

    def test_whoever_remembers_too_few_counters_still_finds_all_the_stock(
        self, stores: Stores, another_inventory: InventoryStore
    ) -> None:
        """Another process splits the SKU: this one has its number of counters in memory for a while."""
        stock(stores.inventory, pieces=4)
        reserve(stores.inventory, reservation())
        another_inventory.set_up_sku(MUG, 1250, "EUR", counters=3)
        for _ in range(3):
            reserve(stores.inventory, reservation())
        assert numbers(stores.inventory) == (0, 4, 0, 4)
        another_inventory.restock(MUG, 3, "more")
        stores.inventory.adjust(MUG, -3, "broken")
        assert numbers(stores.inventory) == (0, 4, 0, 4)

    def test_orders_spread_over_the_counters(self, inventory: InventoryStore) -> None:
        """One hot SKU must not be one hot partition."""
        stock(inventory, pieces=400, counters=4)
        counters = {reserve(inventory, reservation()).lines[0].counter for _ in range(40)}
        assert counters == {0, 1, 2, 3}


class TestOutbox:
    def test_an_order_is_unsent_until_it_is_marked(self, inventory: InventoryStore) -> None:
        stock(inventory)
        first = reserve(inventory, reservation(at=NOON))
        second = reserve(inventory, reservation(at=NOON - timedelta(minutes=1)))
        assert [r.order_id for r in inventory.unsent(NOON + timedelta(seconds=1), 10)] == [
            second.order_id,
            first.order_id,
        ]
        assert [r.order_id for r in inventory.unsent(NOON, 10)] == [second.order_id]
        assert [r.order_id for r in inventory.unsent(NOON + timedelta(seconds=1), 1)] == [second.order_id]
        inventory.mark_sent(second.order_id)
        inventory.mark_sent(second.order_id)
        inventory.mark_sent(UNKNOWN)
        assert [r.order_id for r in inventory.unsent(NOON + timedelta(hours=1), 10)] == [first.order_id]
        sent = inventory.find_reservation(second.order_id)
        assert sent is not None
        assert sent.is_sent
        assert sent.message == second.message

    def test_a_late_mark_does_not_swallow_the_expiry(self, inventory: InventoryStore) -> None:
        """A Lambda that slept through the expiry of its order marks its own message, not the newer one."""
        stock(inventory)
        placed = reserve(inventory, reservation(ttl_seconds=60))
        expire(inventory, placed)
        inventory.mark_sent(placed.order_id, ReservationState.RESERVED)
        (waiting,) = inventory.unsent(NOON + timedelta(days=1), 10)
        assert waiting.message == "expired"
        inventory.mark_sent(placed.order_id, ReservationState.EXPIRED)
        assert not inventory.unsent(NOON + timedelta(days=1), 10)


def expire(inventory: InventoryStore, placed: Reservation) -> bool:
    at = placed.expires_at + timedelta(seconds=1)
    return inventory.expire(placed.order_id, "expired", view(placed.order_id, 2, at=at, stage="expired"))


class TestTheEndOfAReservation:
    def test_an_overdue_reservation_expires_once(
        self, inventory: InventoryStore, tracking: TrackingStore
    ) -> None:
        stock(inventory)
        placed = reserve(inventory, reservation([(MUG, 2, 1250)], ttl_seconds=60))
        inventory.mark_sent(placed.order_id)
        assert not inventory.overdue(NOON + timedelta(seconds=60), 10)
        late = NOON + timedelta(seconds=61)
        assert [r.order_id for r in inventory.overdue(late, 10)] == [placed.order_id]
        assert expire(inventory, placed)
        assert not expire(inventory, placed)
        assert not inventory.overdue(late, 10)
        assert numbers(inventory) == (10, 0, 0, 10)
        found = inventory.find_reservation(placed.order_id)
        assert found is not None
        assert (found.state, found.message, found.is_sent) == (ReservationState.EXPIRED, "expired", False)
        shown = tracking.get(placed.order_id)
        assert shown is not None
        assert shown.stage == "expired"

    def test_an_expiry_does_not_overwrite_a_newer_view(
        self, inventory: InventoryStore, tracking: TrackingStore
    ) -> None:
        stock(inventory)
        placed = reserve(inventory, reservation())
        tracking.project(view(placed.order_id, 5, stage="confirmed"))
        assert expire(inventory, placed)
        shown = tracking.get(placed.order_id)
        assert shown is not None
        assert shown.stage == "confirmed"
        assert numbers(inventory) == (10, 0, 0, 10)

    def test_a_confirmed_reservation_neither_expires_nor_keeps_its_message(
        self, inventory: InventoryStore
    ) -> None:
        """The message holds personal data: once the book has the order it is forgotten."""
        stock(inventory)
        placed = reserve(inventory, reservation())
        assert inventory.confirm(placed.order_id) is ReservationState.CONFIRMED
        assert inventory.confirm(placed.order_id) is ReservationState.CONFIRMED
        assert not inventory.overdue(NOON + timedelta(days=9), 10)
        assert not inventory.unsent(NOON + timedelta(days=9), 10)
        assert not expire(inventory, placed)
        found = inventory.find_reservation(placed.order_id)
        assert found is not None
        assert (found.message, found.is_sent) == ("", True)
        assert numbers(inventory) == (9, 1, 0, 10)

    def test_a_confirmation_that_comes_too_late_says_so(self, inventory: InventoryStore) -> None:
        stock(inventory)
        gone, released = reserve(inventory, reservation()), reserve(inventory, reservation())
        expire(inventory, gone)
        inventory.release(released.order_id)
        assert inventory.confirm(gone.order_id) is ReservationState.EXPIRED
        assert inventory.confirm(released.order_id) is ReservationState.RELEASED
        assert numbers(inventory) == (10, 0, 0, 10)

    def test_a_release_gives_everything_back_once(self, inventory: InventoryStore) -> None:
        stock(inventory)
        placed = reserve(inventory, reservation([(MUG, 3, 1250)]))
        inventory.confirm(placed.order_id)
        inventory.release(placed.order_id)
        inventory.release(placed.order_id)
        assert numbers(inventory) == (10, 0, 0, 10)
        found = inventory.find_reservation(placed.order_id)
        assert found is not None
        assert found.state is ReservationState.RELEASED

    def test_a_release_after_expiry_forgets_the_message_and_moves_nothing(
        self, inventory: InventoryStore
    ) -> None:
        stock(inventory)
        placed = reserve(inventory, reservation())
        expire(inventory, placed)
        inventory.release(placed.order_id)
        found = inventory.find_reservation(placed.order_id)
        assert found is not None
        assert (found.state, found.message) == (ReservationState.EXPIRED, "")
        assert not inventory.unsent(NOON + timedelta(days=9), 10)
        assert numbers(inventory) == (10, 0, 0, 10)

    def test_unknown_orders_are_not_found(self, inventory: InventoryStore) -> None:
        assert inventory.find_reservation(UNKNOWN) is None
        for change in (
            lambda: inventory.confirm(UNKNOWN),
            lambda: inventory.release(UNKNOWN),
            lambda: inventory.ship(UNKNOWN, "s", {MUG: 1}),
            lambda: inventory.take_back(UNKNOWN, "r", {MUG: 1}),
        ):
            with pytest.raises(NotFound):
                change()
        assert not inventory.expire(UNKNOWN, "m", view(UNKNOWN, 2))


class TestShipmentsAndReturns:
    def confirmed(self, inventory: InventoryStore, counters: int = 1, pieces: int = 5) -> OrderId:
        stock(inventory, counters=counters)
        placed = reserve(inventory, reservation([(MUG, pieces, 1250)]))
        inventory.confirm(placed.order_id)
        return placed.order_id

    @pytest.mark.parametrize("counters", [1, 5])
    def test_pieces_leave_and_come_back_once_per_id(self, inventory: InventoryStore, counters: int) -> None:
        order_id = self.confirmed(inventory, counters)
        for _ in range(2):
            inventory.ship(order_id, "shipment-1", {MUG: 2})
        assert numbers(inventory) == (5, 3, 2, 10)
        for _ in range(2):
            inventory.ship(order_id, "shipment-2", {MUG: 3})
        assert numbers(inventory) == (5, 0, 5, 10)
        for _ in range(2):
            inventory.take_back(order_id, "return-1", {MUG: 4})
        assert numbers(inventory) == (9, 0, 1, 10)

    def test_a_release_gives_back_only_what_did_not_leave(self, inventory: InventoryStore) -> None:
        order_id = self.confirmed(inventory)
        inventory.ship(order_id, "shipment-1", {MUG: 2})
        inventory.release(order_id)
        assert numbers(inventory) == (8, 0, 2, 10)
        inventory.take_back(order_id, "return-1", {MUG: 2})
        assert numbers(inventory) == (10, 0, 0, 10)

    def test_more_than_is_there_cannot_move(self, inventory: InventoryStore) -> None:
        order_id = self.confirmed(inventory)
        inventory.ship(order_id, "shipment-1", {MUG: 2})
        for change in (
            lambda: inventory.ship(order_id, "shipment-2", {MUG: 4}),
            lambda: inventory.ship(order_id, "shipment-2", {BOWL: 1}),
            lambda: inventory.ship(order_id, "shipment-2", {MUG: 0}),
            lambda: inventory.take_back(order_id, "return-1", {MUG: 3}),
        ):
            with pytest.raises(Refused):
                change()
        assert numbers(inventory) == (5, 3, 2, 10)

    def test_a_repeated_shipment_is_recognised_after_a_release(self, inventory: InventoryStore) -> None:
        order_id = self.confirmed(inventory)
        inventory.ship(order_id, "shipment-1", {MUG: 2})
        inventory.release(order_id)
        inventory.ship(order_id, "shipment-1", {MUG: 2})
        with pytest.raises(Refused):
            inventory.ship(order_id, "shipment-2", {MUG: 1})
        assert numbers(inventory) == (8, 0, 2, 10)

    def test_the_scan_shows_what_each_order_still_holds(self, inventory: InventoryStore) -> None:
        """The doctor adds these up and compares them with the counters."""
        order_id = self.confirmed(inventory)
        inventory.ship(order_id, "shipment-1", {MUG: 2})
        reserve(inventory, reservation([(MUG, 1, 1250)]))
        held = sum(line.held for r in inventory.all_reservations() if r.holds_stock for line in r.lines)
        sold = sum(line.shipped - line.returned for r in inventory.all_reservations() for line in r.lines)
        assert numbers(inventory)[1:3] == (held, sold) == (4, 2)
