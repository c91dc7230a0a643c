"""Orders to test with: a valid request as JSON data, as the domain's object, and as a reservation with its view."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from orders.domain.ids import OrderId, Sku, new_order_id, order_number
from orders.domain.inventory import ReservationState, ReservedLine
from orders.domain.request import OrderRequest
from orders.messages import decode_order_request
from orders.ports import Reservation, TrackingView

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def order_body(
    lines: Sequence[tuple[str, int, int]] = (("MUG-RED", 2, 1250),), order_id: str = "", **changes: Any
) -> dict[str, Any]:
    """The body of POST /orders for (SKU, quantity, unit price) lines, its sums right, with any field replaced."""
    subtotal = sum(quantity * price for _, quantity, price in lines)
    total = subtotal + 490
    address = {
        "name": "Ada Lovelace",
        "line1": "Hauptstr. 1",
        "line2": "",
        "postal_code": "10115",
        "city": "Berlin",
        "region": "",
        "country": "DE",
    }
    body = {
        "schema_version": 1,
        "order_id": order_id or new_order_id(datetime.now(UTC)),
        "currency": "EUR",
        "lines": [
            {"sku": sku, "quantity": quantity, "unit_price_minor": price, "name": f"Mug {sku}"}
            for sku, quantity, price in lines
        ],
        "contact": {
            "name": "Ada Lovelace",
            "email": "ada@example.org",
            "phone": "+4930123456",
            "wants_sms": True,
            "locale": "en",
        },
        "shipping_address": address,
        "billing_address": address,
        "shipping": {"code": "standard", "name": "Standard", "price_minor": 490},
        "tax": {"code": "DE", "rate_ppm": 190_000, "is_inclusive": True},
        "payment": {"provider": "test", "reference": "pay_1", "amount_minor": total},
        "total_minor": total,
    }
    return {**body, **changes}


def order_request(
    lines: Sequence[tuple[str, int, int]] = (("MUG-RED", 2, 1250),), **changes: Any
) -> OrderRequest:
    """The same as the domain's object."""
    return decode_order_request(order_body(lines, **changes))


def reservation(
    lines: Sequence[tuple[str, int, int]] = (("MUG-RED", 1, 1250),),
    *,
    order_id: str = "",
    at: datetime = NOON,
    ttl_seconds: int = 3600,
    fingerprint: str = "fingerprint",
    message: str = '{"id":"record_order"}',
) -> Reservation:
    """What a caller asks the store to reserve."""
    return Reservation(
        order_id=OrderId(order_id or new_order_id(datetime.now(UTC))),
        fingerprint=fingerprint,
        lines=tuple(ReservedLine(Sku(sku), quantity, price) for sku, quantity, price in lines),
        state=ReservationState.RESERVED,
        message=message,
        accepted_at=at,
        expires_at=at + timedelta(seconds=ttl_seconds),
        correlation_id="c" * 32,
        currency="EUR",
    )


def view(order_id: str, version: int = 1, *, at: datetime = NOON, stage: str = "placed") -> TrackingView:
    """A tracking view of an order."""
    return TrackingView(
        order_id=OrderId(order_id),
        number=order_number(order_id),
        version=version,
        stage=stage,
        order_status="placed",
        payment_status="authorised",
        fulfilment_status="unfulfilled",
        updated_at=at,
        events=(("order_placed", at),),
        correlation_id="c" * 32,
    )
