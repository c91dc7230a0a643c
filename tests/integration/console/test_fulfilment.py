"""Pick lists, packing and papers, each against the real database."""

from __future__ import annotations

import re

from orders.domain.ids import order_number
from orders.domain.order import FulfilmentStatus
from orders.services.ship_order import start_picking
from tests.integration.console.shop import BOWL, MUG, STAFF, AsRole, Shop
from webapp.console.permissions import Role


def test_a_batch_becomes_one_pick_list_and_leaves_out_what_was_held(as_role: AsRole, shop: Shop) -> None:
    """The list adds the pieces up by SKU; an order that cannot be picked is named and left out."""
    ids = [shop.place({MUG: 2}), shop.place({MUG: 1, BOWL: 1})]
    held = shop.place({MUG: 5})
    from orders.services.hold_order import hold_order

    hold_order(shop.desk, held, command_id="h", actor=STAFF, hold_reason="manual")
    client = as_role(Role.WAREHOUSE)
    assert order_number(held) not in client.get("/console/picking").text
    answer = client.post(
        "/console/picking", data={"batch_id": "b1", "order": [*ids, held]}, follow_redirects=True
    )
    assert f"{order_number(held)} is left out" in answer.text
    assert re.search(rf"{MUG}</code>.*?<strong>3</strong>", answer.text, re.S)
    assert {shop.read(one).state.fulfilment for one in ids} == {FulfilmentStatus.PICKING}


def test_packing_counts_scans_without_scripts_too(as_role: AsRole, shop: Shop) -> None:
    """A scan counts up to what the order has, a foreign SKU is refused."""
    order_id = shop.place({MUG: 2})
    start_picking(shop.desk, order_id, command_id="p", actor=STAFF)
    client, address = as_role(Role.WAREHOUSE), f"/console/orders/{order_id}/pack"
    page = client.get(address, query_string={"scan": "mug-blue", f"ship:{MUG}": "1"}).text
    assert "MUG-BLUE: 2 of 2" in page
    assert "are in already" in client.get(address, query_string={"scan": MUG, f"ship:{MUG}": "2"}).text
    assert "does not belong" in client.get(address, query_string={"scan": BOWL}).text


def test_the_papers_are_pdfs_for_names_of_all_of_europe(as_role: AsRole, shop: Shop) -> None:
    """Łódź, Čapek and Ωνάσης can be written; a slip names no price."""
    order_id = shop.place({MUG: 2}, name="Žofie Čapková-Ωνάση Łukasz Ягода")
    client = as_role(Role.WAREHOUSE)
    for name in ("slip", "invoice"):
        answer = client.get(f"/console/orders/{order_id}/{name}.pdf")
        assert answer.mimetype == "application/pdf"
        assert answer.data.startswith(b"%PDF-")
        assert answer.data.rstrip().endswith(b"%%EOF")
