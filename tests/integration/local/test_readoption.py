"""Stock that the local AWS has forgotten is told again from the order book."""

from __future__ import annotations

import pytest

from local.readoption import readopt
from orders.domain.events import Actor
from orders.domain.ids import Sku
from orders.domain.inventory import StockLevel
from orders.domain.request import OrderRequest
from orders.services.cancel_order import cancel_order
from orders.services.rebuild import rebuild_tracking
from orders.services.return_order import decide_return, receive_return, request_return
from orders.services.ship_order import Parcel, ship_order
from tests.shop_in_memory import MemoryShop

MUG, TEA = Sku("MUG-RED"), Sku("TEA")
STAFF = Actor("staff", "grace")


@pytest.fixture
def shop() -> MemoryShop:
    shop = MemoryShop()
    fill(shop)
    return shop


def fill(shop: MemoryShop) -> None:
    shop.stock("MUG-RED", 100)
    shop.stock("TEA", 50, 333)


def placed(shop: MemoryShop, *lines: tuple[str, int, int]) -> OrderRequest:
    request = shop.place(*lines)
    shop.run_until_idle()
    return request


def levels(shop: MemoryShop) -> dict[Sku, StockLevel]:
    return {level.sku: level for level in shop.inventory.all_levels()}


def forget_everything(shop: MemoryShop) -> None:
    """What SIGKILL does to the local AWS that was started on empty tables; the shelves are filled as by a seed."""
    shop.tracking._views.clear()
    for store in (
        shop.inventory._stock,
        shop.inventory._orders,
        shop.inventory._outbox,
        shop.inventory._markers,
    ):
        store.clear()
    fill(shop)


def live_a_day(shop: MemoryShop) -> None:
    """An order that waits, one half shipped, one shipped and half returned, one cancelled."""
    placed(shop)
    half = placed(shop, ("MUG-RED", 4, 1250), ("TEA", 3, 333))
    ship_order(shop.desk, half.order_id, Parcel({MUG: 1, TEA: 3}), shipment_id="s1", actor=STAFF)
    back = placed(shop, ("MUG-RED", 3, 1250))
    ship_order(shop.desk, back.order_id, Parcel({MUG: 3}), shipment_id="s2", actor=STAFF)
    request_return(shop.desk, back.order_id, {MUG: 2}, return_id="r1", actor=STAFF, reason="broken")
    decide_return(shop.desk, back.order_id, return_id="r1", actor=STAFF, is_approved=True)
    shop.run_until_idle()
    receive_return(
        shop.desk, back.order_id, return_id="r1", actor=STAFF, restocked={MUG: 1}, written_off={MUG: 1}
    )
    gone = placed(shop)
    cancel_order(shop.desk, gone.order_id, command_id="c1", actor=STAFF)
    shop.run_until_idle()
    assert shop.findings() == []


def test_a_lost_day_is_told_again(shop: MemoryShop) -> None:
    """Every level is what it was, every promise holds, and orders go on as if nothing had happened."""
    live_a_day(shop)
    before = levels(shop)
    forget_everything(shop)
    done = readopt(shop.book, shop.inventory)
    assert (done.orders, done.problems) == (4, [])
    rebuild_tracking(shop.book, shop.tracking)
    assert levels(shop) == before
    shop.run_until_idle()
    assert shop.findings() == []


def test_telling_it_twice_changes_nothing(shop: MemoryShop) -> None:
    """A recovery that was cut short runs again from the start."""
    live_a_day(shop)
    forget_everything(shop)
    readopt(shop.book, shop.inventory)
    after_once = levels(shop)
    assert readopt(shop.book, shop.inventory).orders == 0
    assert levels(shop) == after_once


def test_a_price_that_changed_since_stays_the_new_one(shop: MemoryShop) -> None:
    """An order is reserved at the price it was placed at; the shop goes on at today's."""
    request = placed(shop)
    forget_everything(shop)
    shop.inventory.set_price(MUG, 1400)
    assert readopt(shop.book, shop.inventory).problems == []
    assert levels(shop)[MUG].price_minor == 1400
    reservation = shop.inventory.find_reservation(request.order_id)
    assert reservation is not None
    assert [line.unit_price_minor for line in reservation.lines] == [1250]


def test_pieces_that_only_the_lost_tables_knew_of_are_brought_again(shop: MemoryShop) -> None:
    """A delivery that came after the seed was sold: the promise to the shopper stands, and nothing goes below zero."""
    shop.inventory.restock(MUG, 100, "a delivery")
    placed(shop, ("MUG-RED", 150, 1250))
    forget_everything(shop)
    assert readopt(shop.book, shop.inventory).problems == []
    level = levels(shop)[MUG]
    assert (level.available, level.reserved) == (0, 150)
    assert level.is_conserved


def test_an_older_state_is_brought_up_to_date(shop: MemoryShop) -> None:
    """The tables of the last clean stop know the order, but not its parcel."""
    request = placed(shop)
    ship_order(shop.desk, request.order_id, Parcel({MUG: 2}), shipment_id="s1", actor=STAFF)
    assert levels(shop)[MUG].sold == 0
    assert readopt(shop.book, shop.inventory).orders == 1
    assert levels(shop)[MUG].sold == 2
    shop.run_until_idle()
    assert levels(shop)[MUG].sold == 2
    assert shop.findings() == []
