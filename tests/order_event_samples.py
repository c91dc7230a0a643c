"""Order events as the worker publishes them."""

from __future__ import annotations

from typing import Any

from orders.domain.events import EventType, OrderEvent
from orders.domain.ids import OrderId
from tests.order_samples import NOON

ORDER_ID = OrderId("01890a5d-ac96-774b-bcce-b302099a8057")


def order_event(event: EventType = EventType.ORDER_CONFIRMED, version: int = 2, **data: Any) -> OrderEvent:
    """One event of one order."""
    return OrderEvent(ORDER_ID, event, version, NOON, correlation_id="c" * 32, data=data)


def order_part(**changes: Any) -> dict[str, Any]:
    """The part of the order that travels with an event."""
    order = {
        "number": "CW-7K3M9-PQ4TX-5",
        "name": "Ada Lovelace",
        "email": "ada@example.org",
        "phone": "+4930123456",
        "wants_sms": True,
        "locale": "en",
        "currency": "EUR",
        "total_minor": 2990,
        "subtotal_minor": 2500,
        "shipping_minor": 490,
        "tax_minor": 477,
        "discount_minor": 0,
        "lines": [
            {
                "sku": "MUG-RED",
                "name": "Mug",
                "variant": "Red",
                "quantity": 2,
                "unit_price_minor": 1250,
                "image": "mug.svg",
            }
        ],
        "shipping_name": "Standard",
        "shipping_address": {
            "name": "Ada Lovelace",
            "line1": "Hauptstr. 1",
            "line2": "",
            "postal_code": "10115",
            "city": "Berlin",
            "region": "",
            "country": "DE",
        },
        "order_url": "https://shop.example/orders/abc",
        "shop_name": "Cartwright & Co",
        "notify": {},
    }
    return {**order, **changes}
