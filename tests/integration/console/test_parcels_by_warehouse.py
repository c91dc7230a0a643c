"""Orders that leave from several warehouses: picked, packed, labelled and shipped part by part."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from orders.adapters.carriers.post import EmbeddedPost
from orders.adapters.memory.inventory import MemoryInventory
from orders.adapters.memory.queue import MemoryOrders
from orders.adapters.papers.order_papers import draw_slip
from orders.adapters.papers.paper import Paper
from orders.adapters.rds.label_models import PostParcel
from orders.domain.ids import OrderId, order_number
from orders.domain.inventory import ReservationState, ReservedLine
from orders.domain.order import FulfilmentStatus
from orders.domain.warehouses import Warehouse
from orders.ports import Reservation, Shipment, TrackingView
from orders.services.ship_order import start_picking
from tests.integration.console.low_queue import LowQueue, job_of
from tests.integration.console.shop import BOWL, MUG, PRICES, STAFF, AsRole, Shop
from webapp.console.permissions import Role
from webapp.console.wiring import ConsoleWiring
from webapp.extensions import db
from worker.context import JobContext

PAGE = re.compile(rb"/Type /Page\b")


@pytest.fixture
def places(shelves: MemoryInventory) -> MemoryInventory:
    """Ten mugs and one bowl in the main warehouse, two bowls in Hamburg."""
    shelves.set_warehouses([*shelves.warehouses(), Warehouse("north", "Hamburg")])
    shelves.transfer(BOWL, 1, "some", origin="main", destination="north")
    shelves.restock(BOWL, 1, "more", "north")
    return shelves


def reserve(shop: Shop, order_id: OrderId) -> None:
    """What submitting the order did to the stock."""
    now, request = shop.desk.clock.now(), shop.read(order_id).request
    lines = tuple(ReservedLine(line.sku, line.quantity, PRICES[line.sku]) for line in request.lines)
    shop.inventory.set_price(BOWL, PRICES[BOWL])
    wanted = Reservation(
        order_id,
        "f" * 32,
        lines,
        ReservationState.RESERVED,
        "",
        now,
        now + timedelta(hours=1),
        currency="EUR",
    )
    view = TrackingView(
        order_id, order_number(order_id), 1, "placed", "authorised", "unfulfilled", "placed", now
    )
    shop.inventory.reserve(wanted, view)
    shop.inventory.confirm(order_id)


@pytest.fixture
def order_id(shop: Shop, places: MemoryInventory) -> OrderId:
    """Two mugs from the main warehouse and three bowls: one from there, two from Hamburg."""
    found = shop.place({MUG: 2, BOWL: 3})
    reserve(shop, found)
    start_picking(shop.desk, found, command_id="p", actor=STAFF)
    return found


def parcels(shop: Shop, order_id: OrderId) -> list[Shipment]:
    """The order's parcels, oldest first."""
    with shop.desk.book.transaction() as tx:
        return list(tx.shipments(order_id))


def test_a_pick_list_has_a_walk_for_each_warehouse(as_role: AsRole, shop: Shop, order_id: OrderId) -> None:
    """Each place has its own lines and its own orders; one of them can be shown alone."""
    near = shop.place({MUG: 1})
    client = as_role(Role.WAREHOUSE)
    page = client.get("/console/picking/list", query_string={"order": [order_id, near]}).text
    walks = re.findall(r'(?s)<section class="walk".*?</section>', page)
    found = [re.findall(r"<code>([^<]+)</code>.*?<strong>(\d+)</strong>", walk) for walk in walks]
    assert found == [[(BOWL, "1"), (MUG, "3")], [(BOWL, "2")]]
    assert "the rest lies in Hamburg" in walks[0]
    assert order_number(near) not in walks[1]
    query = {"order": [order_id, near], "warehouse": "north"}
    alone = client.get("/console/picking/list", query_string=query).text
    assert alone.count('class="walk"') == 1
    assert MUG not in alone


def test_each_warehouse_packs_its_own_part(as_role: AsRole, shop: Shop, order_id: OrderId) -> None:
    """The first place is chosen; the other has its own form; what was said is what is shipped, and told."""
    client = as_role(Role.WAREHOUSE)
    first = client.get(f"/console/orders/{order_id}/pack").text
    assert "Only what lies in Main warehouse" in first
    assert re.findall(r'name="ship:([^"]+)" min="0" max="(\d+)"', first) == [(MUG, "2"), (BOWL, "1")]
    scanned = client.get(f"/console/orders/{order_id}/pack", query_string={"warehouse": "north", "scan": MUG})
    assert "does not belong" in scanned.text
    form = client.get(f"/console/orders/{order_id}/pack?warehouse=north").text
    hidden = dict(re.findall(r'type="hidden" name="(command_id|version|warehouse)" value="([^"]+)"', form))
    data = {**hidden, f"ship:{BOWL}": "2"}
    shown = client.post(f"/console/orders/{order_id}/ship", data=data).text
    assert "leave Hamburg and are sold" in shown
    done = client.post(f"/console/orders/{order_id}/ship", data={**data, "confirmed": "1"})
    assert done.status_code == 302, done.text
    assert [(one.warehouse, dict(one.lines)) for one in parcels(shop, order_id)] == [("north", {BOWL: 2})]
    page = client.get(f"/console/orders/{order_id}").text
    assert "from Hamburg" in page
    assert "<td>Hamburg</td>" in page
    rest = client.get(f"/console/orders/{order_id}/ship").text
    assert re.findall(r'name="ship:([^"]+)" min="0" max="(\d+)"', rest) == [(MUG, "2"), (BOWL, "1")]


def test_what_was_brought_together_leaves_in_one_parcel(
    as_role: AsRole, shop: Shop, order_id: OrderId
) -> None:
    """The form of all places has every piece; an unknown place is refused, and nothing is shipped."""
    client = as_role(Role.WAREHOUSE)
    form = client.get(f"/console/orders/{order_id}/ship?warehouse=*").text
    hidden = dict(re.findall(r'type="hidden" name="(command_id|version|warehouse)" value="([^"]+)"', form))
    pieces = dict(re.findall(r'name="(ship:[^"]+)" min="0" max="(\d+)"', form))
    assert pieces == {f"ship:{MUG}": "2", f"ship:{BOWL}": "3"}
    data = {**hidden, **pieces, "confirmed": "1"}
    wrong = client.post(f"/console/orders/{order_id}/ship", data={**data, "warehouse": "moon"})
    assert wrong.status_code == 422
    assert not parcels(shop, order_id)
    assert client.post(f"/console/orders/{order_id}/ship", data=data).status_code == 302
    assert [one.warehouse for one in parcels(shop, order_id)] == [""]


def test_an_order_of_the_main_warehouse_is_packed_as_ever(
    as_role: AsRole, shop: Shop, places: MemoryInventory
) -> None:
    """No tabs, no field, no place on its page."""
    order_id = shop.place({MUG: 1})
    reserve(shop, order_id)
    client = as_role(Role.WAREHOUSE)
    for path in ("", "/pack", "/ship"):
        page = client.get(f"/console/orders/{order_id}{path}").text
        assert "Main warehouse" not in page
        assert 'name="warehouse"' not in page


def test_bulk_work_ships_a_spread_order_from_each_place_once(
    as_role: AsRole, shop: Shop, order_id: OrderId, low_queue: LowQueue
) -> None:
    """One order, two parcels; done again it is done already."""
    client = as_role(Role.MANAGER)
    page = client.post("/console/orders/bulk", data={"action": "ship", "order": [order_id]}).text
    assert "one parcel from each" in page
    job = re.search(r'name="job_id" value="([^"]+)"', page)
    assert job
    form = {"action": "ship", "order": [order_id], "job_id": job[1], "confirmed": "1"}
    assert job_of(client.post("/console/orders/bulk", data=form)) == job[1]
    assert low_queue.run() == 1
    assert shop.read(order_id).state.fulfilment is FulfilmentStatus.SHIPPED
    sent = [(one.warehouse, dict(one.lines)) for one in parcels(shop, order_id)]
    assert sent == [("main", {MUG: 2, BOWL: 1}), ("north", {BOWL: 2})]


def test_slip_and_label_name_the_place(
    app: Flask, as_role: AsRole, shop: Shop, order_id: OrderId, places: MemoryInventory, queue: MemoryOrders
) -> None:
    """A slip has a page for each place; the label's sender is the place that packs; the packing goes on there."""
    with app.app_context():
        post = EmbeddedPost(db.engine, app.extensions["cartwright"].settings)
    app.extensions["cartwright-console"] = ConsoleWiring(places, queue, {}, {post.name: post})
    client = as_role(Role.WAREHOUSE)
    slip = client.get(f"/console/orders/{order_id}/slip.pdf").data
    assert len(PAGE.findall(slip)) == 2
    for one in ("north", "*"):
        part = client.get(f"/console/orders/{order_id}/slip.pdf?warehouse={one}").data
        assert len(PAGE.findall(part)) == 1
    form = client.get(f"/console/orders/{order_id}/pack?warehouse=north").text
    hidden = dict(re.findall(r'type="hidden" name="(command_id|warehouse)" value="([^"]+)"', form))
    answer = client.post(f"/console/orders/{order_id}/label", data={**hidden, "label_from": post.name})
    with app.app_context():
        assert db.session.scalars(select(PostParcel.sender)).one().endswith(", Hamburg")
    packing = client.get(answer.headers["Location"]).text
    assert "Only what lies in Hamburg" in packing
    assert "Print the label" in packing


def test_printed_in_bulk_each_place_has_its_slip(
    app: Flask, shop: Shop, order_id: OrderId, job_context: JobContext
) -> None:
    """A spread order has a slip for each place, any other one; each says which place it is for."""
    from worker.jobs.print_papers import parcels_of

    near = shop.place({MUG: 1})
    reserve(shop, near)
    with app.app_context():
        found = parcels_of(job_context, [shop.read(order_id), shop.read(near)])
    assert found == {order_id: [("Main warehouse", {MUG: 2, BOWL: 1}), ("Hamburg", {BOWL: 2})]}
    said: list[str] = []

    class ReadAloud(Paper):
        """Paper that remembers what is written on it."""

        def multi_cell(self, *given: Any, **named: Any) -> Any:
            """Note the text, then draw it."""
            said.append(str(named["text"] if "text" in named else given[2]))
            return super().multi_cell(*given, **named)

    paper = ReadAloud("Cartwright", "Papers")
    for contents in found[order_id]:
        draw_slip(paper, shop.read(order_id), contents)
    paper.output()
    assert [text.partition("From ")[2] for text in said if "From " in text] == ["Main warehouse", "Hamburg"]


def test_a_file_of_numbers_names_the_warehouse_of_each_parcel(
    as_role: AsRole, shop: Shop, order_id: OrderId, low_queue: LowQueue
) -> None:
    """One number cannot be two parcels': the dry run says so; a row for each warehouse sends a parcel from each."""
    client = as_role(Role.WAREHOUSE)
    assert "a column <code>warehouse</code> (main, north)" in client.get("/console/tracking-import").text
    number, near = order_number(order_id), order_number(shop.place({MUG: 1}))
    head = "order,warehouse,carrier,tracking_number"

    def dry_run(*rows: str) -> str:
        form = {"text": "\n".join([head, *rows])}
        return client.post("/console/tracking-import", data=form).text

    for rows, said in (
        (
            [f"{number},,DHL,A1"],
            "it lies in Main warehouse and Hamburg: give each parcel&#39;s number with its",
        ),
        ([f"{number},south,DHL,A1"], "no warehouse has the code south"),
        ([f"{near},north,DHL,A1"], "nothing of it is left to ship in Hamburg"),
        ([f"{near},main,DHL,A1"], "all that is left is shipped with the number"),
        ([f"{number},main,DHL,A1", f"{number},main,DHL,B2"], "this order is in the file twice"),
        ([f"{number},main,DHL,A1", f"{number},,DHL,B2"], "this order is in the file twice"),
    ):
        assert said in dry_run(*rows), said
    rows = [f"{number},main,DHL,A1", f"{number},north,DPD,B2"]
    page = dry_run(*rows)
    assert "2 of 2 rows can be" in page
    assert "what lies in Hamburg is shipped with the number" in page
    job_id = re.search(r'name="job_id" value="([^"]+)"', page)
    assert job_id
    form = {"text": "\n".join([head, *rows]), "job_id": job_id[1], "confirmed": "1"}
    assert client.post("/console/tracking-import", data=form).status_code == 302
    low_queue.run()
    sent = [(each.warehouse, each.tracking_number, dict(each.lines)) for each in parcels(shop, order_id)]
    assert sent == [("main", "A1", {MUG: 2, BOWL: 1}), ("north", "B2", {BOWL: 2})]
    assert "every parcel has a number" in dry_run(*rows)
