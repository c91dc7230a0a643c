"""An order whose pieces lie in two warehouses: a parcel from each, and stock, book and doctor agree about every place."""

from __future__ import annotations

from orders.domain.events import Actor
from orders.domain.ids import Sku
from orders.domain.inventory import PlaceLevel
from orders.domain.order import FulfilmentStatus
from orders.domain.warehouses import ONLY_MAIN, Warehouse
from orders.services.cancel_order import cancel_order
from orders.services.ship_order import Parcel, ship_order
from tests.shop_in_memory import MemoryShop

STAFF = Actor("staff", "grace")
MUG = Sku("MUG-RED")


def shop_with_two_places() -> MemoryShop:
    shop = MemoryShop()
    shop.stock("MUG-RED", 3)
    shop.inventory.set_warehouses([*ONLY_MAIN, Warehouse("north", "Hamburg", ("SE",))])
    shop.inventory.restock(MUG, 2, "pallet", "north")
    return shop


def place(shop: MemoryShop, warehouse: str) -> PlaceLevel:
    return shop.inventory.levels([MUG])[MUG].at(warehouse)


def test_each_place_sends_what_it_holds() -> None:
    shop = shop_with_two_places()
    order_id = shop.place(("MUG-RED", 5, 1250)).order_id
    shop.run_until_idle()
    assert (place(shop, "main").reserved, place(shop, "north").reserved) == (3, 2)
    ship_order(shop.desk, order_id, Parcel({MUG: 2}, warehouse="north"), shipment_id="s1", actor=STAFF)
    shop.run_until_idle()
    assert (place(shop, "main").reserved, place(shop, "north").sold) == (3, 2)
    assert shop.findings() == []
    record = ship_order(shop.desk, order_id, Parcel({}, warehouse="main"), shipment_id="s2", actor=STAFF)
    shop.run_until_idle()
    assert record.state.fulfilment is FulfilmentStatus.SHIPPED
    assert (place(shop, "main").sold, place(shop, "north").sold) == (3, 2)
    with shop.book.transaction() as tx:
        assert [parcel.warehouse for parcel in tx.shipments(order_id)] == ["north", "main"]
    assert shop.findings() == []


def test_a_cancelled_order_gives_back_to_each_place() -> None:
    shop = shop_with_two_places()
    order_id = shop.place(("MUG-RED", 4, 1250)).order_id
    shop.run_until_idle()
    cancel_order(shop.desk, order_id, command_id="c1", actor=STAFF)
    shop.run_until_idle()
    assert (place(shop, "main").available, place(shop, "north").available) == (3, 2)
    assert shop.findings() == []
