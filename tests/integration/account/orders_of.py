"""Orders in the book for the account's tests, recorded by the core's own use case."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete

from orders import links
from orders.adapters.rds.models import Outbox
from orders.domain.events import SYSTEM
from orders.domain.ids import OrderId
from orders.messages import decode_order_request
from orders.services.record_order import AcceptedOrder, record_orders
from orders.services.ship_order import start_picking
from tests.integration.webapp.conftest import ShopUnderTest
from tests.order_samples import order_body
from webapp.account.wiring import desk
from webapp.extensions import db

CONTACT = {"name": "Ada Lovelace", "phone": "", "wants_sms": False}


def recorded(
    shop: ShopUnderTest,
    customer_id: str = "",
    email: str = "ada@example.com",
    name: str = "Mug MUG-RED",
    quantity: int = 2,
    locale: str = "en",
) -> OrderId:
    """Record an order of a customer, or of a guest."""
    contact = {**CONTACT, "email": email, "customer_id": customer_id, "locale": locale}
    body = order_body([("MUG-RED", quantity, 1250)])
    lines = [{**line, "name": name} for line in body["lines"]]
    request = decode_order_request({**body, "contact": contact, "lines": lines})
    with shop.app.app_context():
        record_orders(
            desk(), [AcceptedOrder(f"record:{request.order_id}", request, shop.clock.now(), "test")]
        )
    return request.order_id


def pack(shop: ShopUnderTest, order_id: OrderId) -> None:
    """Begin to pack an order: the shopper's time to change it is over. The worker's relay has done its part before."""
    with shop.app.app_context():
        db.session.execute(delete(Outbox).where(Outbox.order_id == UUID(order_id)))
        db.session.commit()
        start_picking(desk(), order_id, command_id=f"pick:{order_id}", actor=SYSTEM)


def link_to(shop: ShopUnderTest, order_id: OrderId) -> str:
    """The path of an order's page by signed link."""
    keys = links.keys_of(shop.app.config["CARTWRIGHT_SETTINGS"])
    return f"/orders/{links.sign(order_id, keys)}"
