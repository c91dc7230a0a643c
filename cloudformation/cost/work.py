"""What one order asks of each hop, in the units in which the hop is limited and paid: counted from the product's own items.

The sizes are those of real items, built by the code that writes them. How often each is written follows the order's way
(docs/order-path.md): accepted, sent, recorded, confirmed, and three later states.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from orders.adapters.dynamodb.items import encode_item, reservation_item, tracking_item
from orders.adapters.memory.clock import MemoryClock
from orders.adapters.memory.inventory import MemoryInventory
from orders.adapters.memory.queue import MemoryOrders
from orders.adapters.memory.tracking import MemoryTracking
from orders.domain.ids import OrderId, Sku
from orders.messages import decode_order_request
from orders.services.submit_order import submit_order

LINES = 2
"""Different articles in a typical order."""
WRITE_UNIT_BYTES = 1024
ITEM_OVERHEAD_BYTES = 100
"""What DynamoDB adds to each item for its index, by its documentation of item sizes."""
TRANSACTIONAL = 2
"""A write in a transaction consumes two units for each KB."""
LATER_STATES = 3
"""Confirmed, shipped, delivered: each projects the view once more."""
INDEXES = 2
"""outbox and expiry hold the whole reservation until it is sent, and confirmed."""


@dataclass(frozen=True)
class OrderWork:
    """The work of one order. Units are write units of DynamoDB, bytes are of JSON."""

    reservation_bytes: int
    tracking_bytes: int
    message_bytes: int
    inventory_write_units: int
    tracking_write_units: int
    transaction_items: int

    @property
    def write_units(self) -> int:
        """Of both tables together."""
        return self.inventory_write_units + self.tracking_write_units

    @property
    def counter_write_units(self) -> int:
        """Of one counter of one SKU, at the moment of the order: what makes a hot SKU hot."""
        return TRANSACTIONAL


def order_work() -> OrderWork:
    """Measure a typical order."""
    reservation, view = _typical()
    message = len(str(reservation["message"]).encode())
    whole, small = _units(reservation), _units({**reservation, "message": ""})
    tracked = _units(view)
    inventory = (
        TRANSACTIONAL * (whole + LINES)  # reserved: the order's item and one counter for each line
        + INDEXES * whole  # it appears in both indexes
        + whole  # marked as sent: rewritten
        + whole  # and gone from the outbox
        + whole  # confirmed, without its message: the larger of both sizes counts
        + whole  # and gone from the index of what expires
        + TRANSACTIONAL * (small + LINES)  # shipped: reserved becomes sold, once for each line
        + TRANSACTIONAL  # the movement's own mark
    )
    return OrderWork(
        reservation_bytes=_size(reservation),
        tracking_bytes=_size(view),
        message_bytes=message,
        inventory_write_units=inventory,
        tracking_write_units=TRANSACTIONAL * tracked + LATER_STATES * tracked,
        transaction_items=2 + LINES,
    )


def _units(item: Mapping[str, object]) -> int:
    return math.ceil(_size(item) / WRITE_UNIT_BYTES)


def _size(item: Mapping[str, object]) -> int:
    """An item's size as DynamoDB counts it, near enough: names and values, three bytes for each list or map."""
    return ITEM_OVERHEAD_BYTES + _weigh({"M": encode_item(item)})


def _weigh(wire: Mapping[str, object]) -> int:
    ((kind, value),) = wire.items()
    if isinstance(value, Mapping):
        return 3 + sum(len(name) + 1 + _weigh(each) for name, each in value.items())
    if isinstance(value, list):
        return 3 + sum(1 + _weigh(each) for each in value)
    if kind == "N":
        return len(str(value)) // 2 + 2
    return len(str(value).encode()) if kind == "S" else 1


def _typical() -> tuple[dict[str, object], dict[str, object]]:
    """Both items of a typical order, as the product's own use case makes them."""
    now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    clock = MemoryClock(now)
    tracking = MemoryTracking()
    inventory = MemoryInventory(tracking)
    skus = [Sku(f"CHAIR-OAK-{number:02d}") for number in range(LINES)]
    for sku in skus:
        inventory.set_up_sku(sku, 4990, "EUR")
        inventory.restock(sku, 10, f"first:{sku}")
    order_id = OrderId("01a204d1-9dab-788f-a155-3fce52aafdfb")
    submit_order(
        decode_order_request(_body(order_id, skus)),
        inventory=inventory,
        queue=MemoryOrders(clock),
        clock=clock,
        currency="EUR",
        reservation_ttl_seconds=86_400,
        correlation_id="c" * 32,
    )
    reservation, view = inventory.find_reservation(order_id), tracking.get(order_id)
    assert reservation is not None and view is not None  # noqa: S101, PT018 - it was accepted a line above.
    return reservation_item(reservation), tracking_item(view, now)


def _body(order_id: OrderId, skus: list[Sku]) -> dict[str, object]:
    address = {"name": "Ada Lovelace-Byron", "line1": "Hauptstraße 123", "line2": "Hinterhaus", "postal_code": "10115",
               "city": "Berlin", "region": "", "country": "DE"}  # fmt: skip
    total = 4990 * len(skus) + 490
    return {
        "schema_version": 1,
        "order_id": order_id,
        "currency": "EUR",
        "lines": [
            {"sku": sku, "quantity": 1, "unit_price_minor": 4990, "name": "Chair, oak, oiled, with arms"}
            for sku in skus
        ],
        "contact": {"name": "Ada Lovelace-Byron", "email": "ada.lovelace@example.org", "phone": "+4930123456",
                    "wants_sms": True, "locale": "de"},
        "shipping_address": address,
        "billing_address": address,
        "shipping": {"code": "standard", "name": "Standard delivery", "price_minor": 490},
        "tax": {"code": "DE", "rate_ppm": 190_000, "is_inclusive": True},
        "payment": {"provider": "stripe", "reference": "pi_3PqXyz2eZvKYlo2C1abcdefg", "amount_minor": total},
        "total_minor": total,
    }  # fmt: skip
