"""Where an order's pieces lie, also while the stock has not heard of a parcel yet; and all of it sent, a parcel per place."""

from __future__ import annotations

import pytest

from orders.domain.errors import InvalidRequest
from orders.domain.events import Actor
from orders.domain.ids import OrderId, Sku
from orders.domain.order import FulfilmentStatus
from orders.domain.warehouses import ONLY_MAIN, Warehouse
from orders.services.bulk_actions import Task, perform
from orders.services.ship_order import Parcel, left_to_ship, ship_order
from orders.services.whereabouts import Whereabouts, is_elsewhere, lying, places_of
from tests.shop_in_memory import MemoryShop

STAFF = Actor("staff", "grace")
MUG = Sku("MUG-RED")


def spread() -> tuple[MemoryShop, OrderId]:
    """Three mugs in the main warehouse and two in the north, all in one order."""
    shop = MemoryShop()
    shop.stock("MUG-RED", 3)
    shop.inventory.set_warehouses([*ONLY_MAIN, Warehouse("north", "Hamburg", ("SE",))])
    shop.inventory.restock(MUG, 2, "pallet", "north")
    order_id = shop.place(("MUG-RED", 5, 1250)).order_id
    shop.run_until_idle()
    return shop, order_id


def where(shop: MemoryShop, order_id: OrderId) -> Whereabouts:
    """What is left of the order, by place."""
    with shop.book.transaction() as tx:
        record, shipments = tx.get_order(order_id), tx.shipments(order_id)
    assert record is not None
    return lying(record, shop.inventory.find_reservation(order_id), shipments, left_to_ship(record))


@pytest.mark.parametrize("is_heard", [False, True])
def test_what_left_is_not_there_any_more(is_heard: bool) -> None:
    """The stock hears of a parcel later than the book: between the two the pieces are told as afterwards."""
    shop, order_id = spread()
    assert where(shop, order_id) == {"main": {MUG: 3}, "north": {MUG: 2}}
    steps = [("north", 1, (3, 1)), ("main", 2, (1, 1)), ("", 1, (0, 1))]
    for number, (place, pieces, left) in enumerate(steps):
        parcel = Parcel({MUG: pieces}, warehouse=place)
        ship_order(shop.desk, order_id, parcel, shipment_id=f"s{number}", actor=STAFF)
        if is_heard:
            shop.run_until_idle()
        found = where(shop, order_id)
        assert tuple(found.get(place, {}).get(MUG, 0) for place in ("main", "north")) == left


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (5, {"main": {MUG: 3}, "north": {MUG: 2}}),
        (2, {"north": {MUG: 2}}),
        (7, {"main": {MUG: 5}, "north": {MUG: 2}}),
        (0, {}),
    ],
)
def test_the_book_has_the_last_word_about_how_many_there_are(left: int, expected: Whereabouts) -> None:
    """Pieces that were taken off the order go where the stock will take them; none is told twice and none is forgotten."""
    shop, order_id = spread()
    with shop.book.transaction() as tx:
        record = tx.get_order(order_id)
    assert record is not None
    assert lying(record, shop.inventory.find_reservation(order_id), (), {MUG: left}) == expected


def test_an_order_of_one_place_asks_for_no_place() -> None:
    """Most orders, and those without a reservation, lie in the main warehouse."""
    shop = MemoryShop()
    shop.stock("MUG-RED", 3)
    order_id = shop.place(("MUG-RED", 2, 1250)).order_id
    shop.run_until_idle()
    assert not is_elsewhere(shop.inventory.find_reservation(order_id))
    assert where(shop, order_id) == {"main": {MUG: 2}}
    assert places_of(None) == ("main",)


def test_all_that_is_left_leaves_in_a_parcel_from_each_place_once() -> None:
    """Broken off after the first parcel and begun again, the second parcel follows, and then nothing more."""
    shop, order_id = spread()
    reservation = shop.inventory.find_reservation(order_id)
    task = Task(order_id, f"bulk:{order_id}:{order_id}", STAFF, {"carrier": "DHL"}, reservation)

    class Killed(BaseException):
        """kill -9, as far as the code can tell."""

    real, calls = shop.book.transaction, [0]

    def dies() -> object:
        calls[0] += 1
        if calls[0] == 3:
            raise Killed
        return real()

    shop.book.transaction = dies  # type: ignore[assignment, method-assign]
    with pytest.raises(Killed):
        perform(shop.desk, "ship", task)
    shop.book.transaction = real  # type: ignore[method-assign]
    for _ in range(2):
        record = perform(shop.desk, "ship", task)
        assert record.state.fulfilment is FulfilmentStatus.SHIPPED
    shop.run_until_idle()
    assert perform(shop.desk, "ship", task).state.fulfilment is FulfilmentStatus.SHIPPED
    with shop.book.transaction() as tx:
        sent = [(parcel.warehouse, parcel.lines[MUG]) for parcel in tx.shipments(order_id)]
    assert sent == [("main", 3), ("north", 2)]
    assert shop.findings() == []


def test_nothing_left_is_said_and_not_passed_over() -> None:
    """A parcel by hand took everything: the bulk job's row tells why it did nothing."""
    shop, order_id = spread()
    reservation = shop.inventory.find_reservation(order_id)
    ship_order(shop.desk, order_id, Parcel({}), shipment_id="by hand", actor=STAFF)
    with pytest.raises(InvalidRequest, match="left to ship"):
        perform(shop.desk, "ship", Task(order_id, "bulk:1", STAFF, {}, reservation))


def test_each_place_gets_its_own_number_once() -> None:
    """What left without a number gets it, what lies there is sent with it; the repeat of a broken-off row does no more."""
    shop, order_id = spread()
    reservation = shop.inventory.find_reservation(order_id)
    ship_order(shop.desk, order_id, Parcel({MUG: 3}, warehouse="main"), shipment_id="s1", actor=STAFF)
    said = [
        {"carrier": "DHL", "tracking_number": number, "warehouse": place}
        for place, number in (("north", "N1"), ("main", "M1"))
    ]
    for _ in range(2):
        perform(shop.desk, "track", Task(order_id, "bulk:1", STAFF, {"parcels": said}, reservation))
    with shop.book.transaction() as tx:
        sent = [(one.warehouse, one.tracking_number, one.lines[MUG]) for one in tx.shipments(order_id)]
    assert sent == [("main", "M1", 3), ("north", "N1", 2)]
    more = {"parcels": [{"carrier": "DHL", "tracking_number": "N2", "warehouse": "north"}]}
    with pytest.raises(InvalidRequest, match="nothing of this order is left to ship in north"):
        perform(shop.desk, "track", Task(order_id, "bulk:2", STAFF, more, reservation))
    shop.run_until_idle()
    assert shop.findings() == []


@pytest.mark.parametrize("place", ["", "main"])
def test_a_number_for_an_order_of_one_place_names_no_place(place: str) -> None:
    """The parcel is as any other's, whether or not the file names the warehouse; a job of the release before had no parcels."""
    shop = MemoryShop()
    shop.stock("MUG-RED", 3)
    order_id = shop.place(("MUG-RED", 2, 1250)).order_id
    shop.run_until_idle()
    options = {"carrier": "DHL", "tracking_number": "A1", **({"warehouse": place} if place else {})}
    perform(shop.desk, "track", Task(order_id, "bulk:1", STAFF, options))
    with shop.book.transaction() as tx:
        (parcel,) = tx.shipments(order_id)
    assert (parcel.tracking_number, parcel.warehouse) == ("A1", "")
