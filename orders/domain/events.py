"""The events of an order's life, in the past tense: what the timeline records and what the topic publishes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from orders.domain.ids import OrderId


class EventType(StrEnum):
    """What can happen to an order. The values go on the wire and are never renamed."""

    ORDER_PLACED = "order_placed"
    ORDER_CONFIRMED = "order_confirmed"
    ORDER_HELD = "order_held"
    ORDER_RELEASED = "order_released"
    PAYMENT_CAPTURED = "payment_captured"
    PAYMENT_FAILED = "payment_failed"
    PAYMENT_VOIDED = "payment_voided"
    PAYMENT_PARTLY_REFUNDED = "payment_partly_refunded"
    PAYMENT_REFUNDED = "payment_refunded"
    PICKING_STARTED = "picking_started"
    PICKING_STOPPED = "picking_stopped"
    ORDER_PARTLY_SHIPPED = "order_partly_shipped"
    ORDER_SHIPPED = "order_shipped"
    ORDER_DELIVERED = "order_delivered"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_EXPIRED = "order_expired"
    RETURN_REQUESTED = "return_requested"
    RETURN_APPROVED = "return_approved"
    RETURN_REJECTED = "return_rejected"
    RETURN_RECEIVED = "return_received"
    ADDRESS_CHANGED = "address_changed"
    ORDER_EDITED = "order_edited"
    NOTE_ADDED = "note_added"
    LINES_HELD = "lines_held"
    LINES_RELEASED = "lines_released"
    TRACKING_ADDED = "tracking_added"
    PARCEL_DELIVERED = "parcel_delivered"


NOTIFIED = frozenset(
    {
        EventType.ORDER_CONFIRMED,
        EventType.ORDER_HELD,
        EventType.PAYMENT_FAILED,
        EventType.PAYMENT_PARTLY_REFUNDED,
        EventType.PAYMENT_REFUNDED,
        EventType.ORDER_PARTLY_SHIPPED,
        EventType.ORDER_SHIPPED,
        EventType.ORDER_DELIVERED,
        EventType.ORDER_CANCELLED,
        EventType.ORDER_EXPIRED,
        EventType.RETURN_APPROVED,
        EventType.RETURN_REJECTED,
        EventType.RETURN_RECEIVED,
        EventType.ADDRESS_CHANGED,
        EventType.ORDER_EDITED,
    }
)
"""The events of which the shopper is told; the topic's filter policy lists the same names."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: `kind` is shopper, staff, system or provider; `id` names the person or the program."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


SYSTEM = Actor("system", "cartwright")


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """One thing that happened to one order. `version` is the order's version after it."""

    order_id: OrderId
    type: EventType
    version: int
    at: datetime
    actor: Actor = SYSTEM
    reason: str = ""
    correlation_id: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
