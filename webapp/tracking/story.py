"""An order's state as a story for its shopper: one sentence, the stages with their times, and what happened so far."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from orders.domain.events import EventType
from orders.domain.order import PaymentStatus, Stage
from orders.ports import TrackingView
from webapp.formats import day, moment

_SAID = {
    Stage.PLACED: ("We have your order", "It is being written into our books; that takes a moment."),
    Stage.CONFIRMED: ("Your order is confirmed", "We will start to pack it soon."),
    Stage.ON_HOLD: ("Your order is on hold", "Somebody is looking at it. We will write to you."),
    Stage.PREPARING: ("Your order is being packed", "It leaves our house soon."),
    Stage.PARTLY_SHIPPED: ("Part of your order is on its way", "The rest follows."),
    Stage.SHIPPED: ("Your order is on its way", "The parcel service has it."),
    Stage.DELIVERED: ("Your order has arrived", "We hope that you like it."),
    Stage.CANCELLED: ("Your order is cancelled", "Nothing will be sent."),
    Stage.EXPIRED: (
        "Your order was not completed",
        "The goods went back on the shelf and nothing is charged.",
    ),
}
_PATH = (
    ("placed", "Placed", EventType.ORDER_PLACED),
    ("confirmed", "Confirmed", EventType.ORDER_CONFIRMED),
    ("preparing", "Packing", EventType.PICKING_STARTED),
    ("shipped", "On its way", EventType.ORDER_SHIPPED),
    ("delivered", "Delivered", EventType.ORDER_DELIVERED),
)
_RANK = {
    Stage.PLACED: 0,
    Stage.CONFIRMED: 1,
    Stage.ON_HOLD: 1,
    Stage.PREPARING: 2,
    Stage.PARTLY_SHIPPED: 3,
    Stage.SHIPPED: 3,
    Stage.DELIVERED: 4,
}
_ENDED = frozenset({Stage.CANCELLED, Stage.EXPIRED})
_PAYMENT = {
    PaymentStatus.AUTHORISED: "Reserved on your card",
    PaymentStatus.CAPTURED: "Paid",
    PaymentStatus.PARTLY_REFUNDED: "Partly refunded",
    PaymentStatus.REFUNDED: "Refunded",
    PaymentStatus.VOIDED: "Not charged",
    PaymentStatus.FAILED: "The payment failed; we will write to you",
}
_HAPPENED = {
    EventType.ORDER_PLACED: "Order placed",
    EventType.ORDER_CONFIRMED: "Order confirmed",
    EventType.ORDER_HELD: "Put on hold",
    EventType.ORDER_RELEASED: "Released from hold",
    EventType.PAYMENT_CAPTURED: "Payment taken",
    EventType.PAYMENT_FAILED: "Payment failed",
    EventType.PAYMENT_VOIDED: "Reserved money released",
    EventType.PAYMENT_PARTLY_REFUNDED: "Part of the money refunded",
    EventType.PAYMENT_REFUNDED: "Money refunded",
    EventType.PICKING_STARTED: "Packing started",
    EventType.ORDER_PARTLY_SHIPPED: "Part of it handed to the parcel service",
    EventType.ORDER_SHIPPED: "Handed to the parcel service",
    EventType.ORDER_DELIVERED: "Delivered",
    EventType.ORDER_CANCELLED: "Order cancelled",
    EventType.ORDER_EXPIRED: "Order expired",
    EventType.RETURN_REQUESTED: "Return requested",
    EventType.RETURN_APPROVED: "Return approved",
    EventType.RETURN_REJECTED: "Return not accepted",
    EventType.RETURN_RECEIVED: "Return received",
    EventType.ADDRESS_CHANGED: "Address changed",
    EventType.ORDER_EDITED: "Order changed",
}
"""Events that a shopper reads of; what is not here is the shop's own business."""


def story(view: TrackingView) -> dict[str, Any]:
    """The view in the shopper's words, as plain data: the template draws it, the live page receives it."""
    stage = Stage(view.stage)
    title, text = _SAID[stage]
    times = dict(reversed(view.events))
    return {
        "version": view.version,
        "stage": str(stage),
        "title": title,
        "text": text,
        "is_ended": stage in _ENDED,
        "steps": _steps(stage, times),
        "expected": _expected(stage, view.expected_at),
        "payment": _PAYMENT.get(PaymentStatus(view.payment_status), ""),
        "happened": [
            {"text": _HAPPENED[EventType(event)], "at": at.isoformat(), "said": moment(at)}
            for event, at in reversed(view.events)
            if event in _HAPPENED
        ],
        "updated": moment(view.updated_at),
    }


def _expected(stage: Stage, at: datetime | None) -> str:
    """Until when it should have arrived, as long as that is not over or known better."""
    if at is None or stage in _ENDED or stage in {Stage.DELIVERED, Stage.ON_HOLD}:
        return ""
    return f"Expected by {day(at)}"


def _steps(stage: Stage, times: Mapping[str, datetime]) -> list[dict[str, str]]:
    reached = _RANK.get(stage, -1)
    steps = []
    for rank, (key, title, event) in enumerate(_PATH):
        at = times.get(event)
        if stage in _ENDED:
            state = "done" if at else "todo"
        elif rank == reached and stage is not Stage.DELIVERED:
            state = "current"
        else:
            state = "done" if rank <= reached else "todo"
        steps.append(
            {
                "key": key,
                "title": title,
                "state": state,
                "at": at.isoformat() if at else "",
                "said": moment(at) if at else "",
            }
        )
    return steps
