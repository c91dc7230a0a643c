"""Labels, and what the carrier says of its parcels."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from orders.adapters.carriers.post import SIGNATURE_HEADER, EmbeddedPost, tracking_number
from orders.adapters.memory.inventory import MemoryInventory
from orders.adapters.memory.queue import MemoryOrders
from orders.domain.ids import OrderId
from orders.domain.order import FulfilmentStatus
from orders.services.ship_order import Parcel, ship_order
from tests.integration.console.shop import MUG, STAFF, AsRole, Shop
from webapp.console.permissions import Role
from webapp.console.wiring import ConsoleWiring
from webapp.extensions import db


@pytest.fixture
def post(app: Flask, inventory: MemoryInventory, queue: MemoryOrders) -> EmbeddedPost:
    """The embedded carrier, behind the console."""
    with app.app_context():
        carrier = EmbeddedPost(db.engine, app.extensions["cartwright"].settings)
    wired = ConsoleWiring(inventory, queue, {}, {carrier.name: carrier})
    app.extensions["cartwright-console"] = wired
    return carrier


def _labelled(client: FlaskClient, order_id: OrderId) -> dict[str, str]:
    """Make a label while packing; returns what the pack form has then."""
    page = client.get(f"/console/orders/{order_id}/pack").text
    command = re.search(r'name="command_id" value="([^"]+)"', page)
    assert command
    data = {"command_id": command[1], "label_from": "cartwright-post", f"ship:{MUG}": "1"}
    for _ in range(2):
        answer = client.post(f"/console/orders/{order_id}/label", data=data)
        assert answer.status_code == 302
    page = client.get(answer.headers["Location"]).text
    assert f'name="ship:{MUG}"' in page
    fields = ("carrier", "tracking_number", "tracking_url")
    return {
        name: found[1]
        for name in fields
        if (found := re.search(rf'name="{name}"[^>]* value="([^"]*)"', page))
    }


def test_a_label_is_made_once_and_the_carriers_message_completes_the_order(
    app: Flask, as_role: AsRole, shop: Shop, post: EmbeddedPost
) -> None:
    """Pressed twice it is one label; the PDF prints; a signed message delivers, told twice it delivers once."""
    order_id, packer = shop.place({MUG: 1}), as_role(Role.WAREHOUSE)
    label = _labelled(packer, order_id)
    assert re.fullmatch(r"CW\d{9}XX", label["tracking_number"])
    page = packer.get(f"/console/orders/{order_id}/pack?label=label:none").text
    assert "Make a label" in page
    ship_order(
        shop.desk, order_id, Parcel({}, label["carrier"], label["tracking_number"], label["tracking_url"]),
        shipment_id="s1", actor=STAFF,
    )  # fmt: skip
    printed = re.search(r'href="(/console/labels/[^"]+)"', packer.get(f"/console/orders/{order_id}").text)
    assert printed
    assert packer.get(printed[1]).data.startswith(b"%PDF")
    body, signature = post.deliver(label["tracking_number"], datetime.now(UTC))
    carrier = app.test_client()
    for expected in (200, 200):
        answer = carrier.post(
            "/carriers/cartwright-post/events", data=body, headers={SIGNATURE_HEADER: signature}
        )
        assert answer.status_code == expected
    assert shop.read(order_id).state.fulfilment is FulfilmentStatus.DELIVERED


def test_only_a_fresh_message_of_the_carrier_is_believed(app: Flask, shop: Shop, post: EmbeddedPost) -> None:
    """Another body, another key, an old stamp, none at all: 400, and nothing is delivered."""
    order_id = shop.place({MUG: 1})
    label = post.make_label(
        idempotency_key="k", reference="r", sender="s", recipient=shop.read(order_id).request.shipping_address
    )
    ship_order(
        shop.desk, order_id, Parcel({}, label.carrier, label.tracking_number), shipment_id="s", actor=STAFF
    )
    now = datetime.now(UTC)
    body, signature = post.deliver(label.tracking_number, now)
    stamp = signature.partition(",")[0]
    wrong = [
        (body, ""), (body, f"{stamp},v1={'0' * 64}"), (body + b" ", signature), (body, post.sign(body, now - timedelta(hours=1))),
        (b"[]", post.sign(b"[]", now)), (body, "t=x,v1=y"),
    ]  # fmt: skip
    client = app.test_client()
    for sent, signed in wrong:
        answer = client.post(
            "/carriers/cartwright-post/events", data=sent, headers={SIGNATURE_HEADER: signed}
        )
        assert answer.status_code == 400, (sent, signed)
    unknown = json.dumps({"id": "x", "parcel": "CW1", "event": "delivered", "at": now.isoformat()}).encode()
    headers = {SIGNATURE_HEADER: post.sign(unknown, now)}
    assert client.post("/carriers/cartwright-post/events", data=unknown, headers=headers).status_code == 404
    assert client.post("/carriers/nobody/events", data=body).status_code == 404
    assert shop.read(order_id).state.fulfilment is FulfilmentStatus.SHIPPED


def test_an_order_that_may_not_leave_gets_no_label(as_role: AsRole, shop: Shop, post: EmbeddedPost) -> None:
    """Nothing is bought for a parcel that cannot go."""
    order_id = shop.place({MUG: 1})
    ship_order(shop.desk, order_id, Parcel({}), shipment_id="s", actor=STAFF)
    data = {"command_id": "console:x", "label_from": "cartwright-post"}
    answer = as_role(Role.WAREHOUSE).post(f"/console/orders/{order_id}/label", data=data)
    assert answer.status_code == 409


def test_the_number_of_a_label_carries_the_check_digit_of_the_standard() -> None:
    """UPU S10's own example: RB 47312482 9 US."""
    assert tracking_number(47_312_482) == "CW473124829XX"
