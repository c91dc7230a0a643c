"""Promises I1 and I4 under real concurrency: threads racing over the same stock and the same order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from orders.domain.errors import OrderRefused, Refused
from orders.domain.ids import Sku
from orders.domain.inventory import ReservationState
from orders.ports import InventoryStore
from tests.contract.test_inventory import MUG, expire, numbers, reserve, stock
from tests.order_samples import NOON, reservation, view

T = TypeVar("T")


def race(contenders: Sequence[Callable[[], T]]) -> list[T | Refused]:
    """Run all at once and return what each returned, or the refusal it met. Anything else is raised."""
    barrier = threading.Barrier(len(contenders))

    def run(contender: Callable[[], T]) -> T | Refused:
        barrier.wait(timeout=30)
        try:
            return contender()
        except Refused as refusal:
            return refusal

    with ThreadPoolExecutor(len(contenders)) as pool:
        return list(pool.map(run, contenders))


@pytest.mark.parametrize("counters", [1, 4])
def test_sixty_four_buyers_of_fifty_pieces_get_exactly_fifty(
    inventory: InventoryStore, counters: int
) -> None:
    stock(inventory, pieces=50, counters=counters)
    wanted = [reservation() for _ in range(64)]
    outcomes = race([lambda each=each: reserve(inventory, each) for each in wanted])
    refused = [each for each in outcomes if isinstance(each, Refused)]
    assert len(refused) == 14
    assert all(isinstance(each, OrderRefused) for each in refused)
    assert numbers(inventory) == (0, 50, 0, 50)
    held = sum(line.held for each in inventory.all_reservations() for line in each.lines)
    assert held == 50


def test_buyers_of_two_skus_in_opposite_order_never_get_half(inventory: InventoryStore) -> None:
    """The transaction is all or nothing, whichever line comes first."""
    stock(inventory, pieces=10)
    stock(inventory, "BOWL", pieces=10, price=400)
    lines = [(MUG, 1, 1250), ("BOWL", 1, 400)]
    wanted = [reservation(lines if n % 2 else lines[::-1]) for n in range(24)]
    race([lambda each=each: reserve(inventory, each) for each in wanted])
    assert numbers(inventory) == numbers(inventory, Sku("BOWL")) == (0, 10, 0, 10)


def test_eight_submissions_with_the_same_key_are_one_order(inventory: InventoryStore) -> None:
    """Even when the order itself takes the last piece: its repeats must find it, and not a shortage."""
    stock(inventory, pieces=1)
    wanted = reservation()
    outcomes = race([lambda: reserve(inventory, wanted)] * 8)
    assert outcomes == [wanted] * 8
    assert numbers(inventory) == (0, 1, 0, 1)


def test_a_restock_sent_eight_times_at_once_is_applied_once(inventory: InventoryStore) -> None:
    stock(inventory, pieces=1, counters=2)
    race([lambda: inventory.restock(MUG, 5, "delivery-7")] * 8)
    assert numbers(inventory) == (6, 0, 0, 6)


def test_a_write_off_races_with_buyers_and_nothing_goes_below_zero(inventory: InventoryStore) -> None:
    stock(inventory, pieces=12, counters=3)
    buyers = [lambda each=each: reserve(inventory, each) for each in [reservation() for _ in range(12)]]
    outcomes = race([*buyers, lambda: inventory.adjust(MUG, -4, "broken")])
    bought = sum(1 for each in outcomes[:12] if not isinstance(each, Refused))
    written_off = 0 if isinstance(outcomes[12], Refused) else 4
    assert numbers(inventory) == (12 - bought - written_off, bought, 0, 12 - written_off)


def test_of_confirmation_and_expiry_exactly_one_wins(inventory: InventoryStore) -> None:
    """The worker records the order in the very moment in which the sweeper gives it up."""
    stock(inventory, pieces=20)
    for _ in range(20):
        placed = reserve(inventory, reservation())
        state, has_expired = race(
            [lambda p=placed: inventory.confirm(p.order_id), lambda p=placed: expire(inventory, p)]
        )
        assert (state, has_expired) in [
            (ReservationState.CONFIRMED, False),
            (ReservationState.EXPIRED, True),
        ]
        if has_expired:
            inventory.restock(MUG, 1, f"keep-going-{placed.order_id}")
            inventory.adjust(MUG, -1, f"keep-going-{placed.order_id}")
    confirmed = [r for r in inventory.all_reservations() if r.state is ReservationState.CONFIRMED]
    assert numbers(inventory)[1] == len(confirmed)


def test_two_sweepers_expire_an_order_once(inventory: InventoryStore) -> None:
    stock(inventory)
    placed = reserve(inventory, reservation())
    assert sorted(race([lambda: expire(inventory, placed)] * 4)) == [False, False, False, True]
    assert numbers(inventory) == (10, 0, 0, 10)


def test_shipment_and_cancellation_race_for_the_same_pieces(inventory: InventoryStore) -> None:
    """Either the parcel left first and the release gave back the rest, or the release won and nothing left."""
    stock(inventory, pieces=40)
    for number in range(8):
        placed = reserve(inventory, reservation([(MUG, 3, 1250)]))
        inventory.confirm(placed.order_id)
        shipped, _ = race(
            [
                lambda p=placed, n=number: inventory.ship(p.order_id, f"shipment-{n}", {MUG: 2}),
                lambda p=placed: inventory.release(p.order_id),
            ]
        )
        found = inventory.find_reservation(placed.order_id)
        assert found is not None
        assert found.lines[0].shipped == (0 if isinstance(shipped, Refused) else 2)
    sold = sum(line.shipped for r in inventory.all_reservations() for line in r.lines)
    assert numbers(inventory) == (40 - sold, 0, sold, 40)


def test_the_same_shipment_sent_four_times_at_once_leaves_once(inventory: InventoryStore) -> None:
    stock(inventory)
    placed = reserve(inventory, reservation([(MUG, 4, 1250)]))
    race([lambda: inventory.ship(placed.order_id, "shipment-1", {MUG: 2})] * 4)
    assert numbers(inventory) == (6, 2, 2, 10)


def test_views_only_move_forward(inventory: InventoryStore) -> None:
    """The first view is written with the reservation; a racing repeat must not write it again."""
    stock(inventory)
    placed = reservation(at=NOON)
    race([lambda: inventory.reserve(placed, view(placed.order_id))] * 4)
    assert numbers(inventory) == (9, 1, 0, 10)


def test_a_sku_is_split_while_it_is_bought(inventory: InventoryStore) -> None:
    """Promise I1 while pieces change their counters under the buyers."""
    stock(inventory, pieces=20)
    buyers = [lambda each=each: reserve(inventory, each) for each in [reservation() for _ in range(16)]]
    race([*buyers, lambda: inventory.set_up_sku(MUG, 1250, "EUR", counters=4)])
    assert numbers(inventory) == (4, 16, 0, 20)
    assert inventory.levels([MUG])[MUG].counters == 4


def test_a_lost_request_and_the_final_refusal_of_its_repeat_race(inventory: InventoryStore) -> None:
    """Either it was accepted and the repeat is told so, or it is refused for good: never a no that becomes a yes."""
    stock(inventory, pieces=100)
    for _ in range(8):
        wanted = reservation([(MUG, 1, 1250)])
        late, final = race(
            [lambda w=wanted: reserve(inventory, w), lambda w=wanted: inventory.refuse_for_good(w, [])]
        )
        found = inventory.find_reservation(wanted.order_id)
        if isinstance(late, OrderRefused):
            assert (final, found) == (None, None)
        else:
            assert late == final == found
