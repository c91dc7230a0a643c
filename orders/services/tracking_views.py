"""The tracking view of an order, and its form in an outbox row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from orders.domain.events import EventType, OrderEvent
from orders.domain.ids import OrderId, order_number
from orders.domain.order import stage_of
from orders.ports import OrderRecord, TrackingView

SHOWN = frozenset(EventType) - {
    EventType.NOTE_ADDED,
    EventType.LINES_HELD,
    EventType.LINES_RELEASED,
    EventType.TRACKING_ADDED,
    EventType.PARCEL_DELIVERED,
    EventType.PICKING_STOPPED,
    EventType.PAYMENT_VOIDED,
    EventType.ORDER_RELEASED,
}
"""The events that a shopper sees on the tracking page; the rest is for the staff."""


def view_of(record: OrderRecord, history: Iterable[OrderEvent], updated_at: datetime) -> TrackingView:
    """What the tracking page shows of an order with this history."""
    state = record.state
    return TrackingView(
        order_id=record.order_id,
        number=order_number(record.order_id),
        version=state.version,
        stage=stage_of(state),
        order_status=state.order,
        payment_status=state.payment,
        fulfilment_status=state.fulfilment,
        updated_at=updated_at,
        events=tuple((str(event.type), event.at) for event in history if event.type in SHOWN),
        expected_at=expected_at_of(record.request.client),
        correlation_id=record.correlation_id,
    )


def expected_at_of(client: Mapping[str, Any]) -> datetime | None:
    """The delivery estimate that the shop made at checkout, if it made one."""
    try:
        return datetime.fromisoformat(str(client.get("expected_at", "")))
    except ValueError:
        return None


def to_payload(view: TrackingView) -> dict[str, Any]:
    """A view as JSON data."""
    return {
        "order_id": view.order_id,
        "number": view.number,
        "version": view.version,
        "stage": str(view.stage),
        "order_status": str(view.order_status),
        "payment_status": str(view.payment_status),
        "fulfilment_status": str(view.fulfilment_status),
        "updated_at": view.updated_at.isoformat(),
        "events": [[event, at.isoformat()] for event, at in view.events],
        "expected_at": view.expected_at.isoformat() if view.expected_at else None,
        "correlation_id": view.correlation_id,
    }


def from_payload(payload: Mapping[str, Any]) -> TrackingView:
    """A view from JSON data."""
    expected_at = payload.get("expected_at")
    return TrackingView(
        **{
            **payload,
            "order_id": OrderId(payload["order_id"]),
            "updated_at": datetime.fromisoformat(payload["updated_at"]),
            "events": tuple((event, datetime.fromisoformat(at)) for event, at in payload["events"]),
            "expected_at": datetime.fromisoformat(expected_at) if expected_at else None,
        }
    )
