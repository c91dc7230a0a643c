"""An order's state as a story for its shopper: one sentence, the stages with their times, and what happened so far."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from orders.domain.events import EventType
from orders.domain.order import PaymentStatus, Stage
from orders.ports import TrackingView
from webapp.formats import day, moment
from webapp.languages import N_, _

_SAID = {
    Stage.PLACED: (N_("We have your order"), N_("It is being written into our books; that takes a moment.")),
    Stage.CONFIRMED: (N_("Your order is confirmed"), N_("We will start to pack it soon.")),
    Stage.ON_HOLD: (N_("Your order is on hold"), N_("Somebody is looking at it. We will write to you.")),
    Stage.PREPARING: (N_("Your order is being packed"), N_("It leaves our house soon.")),
    Stage.PARTLY_SHIPPED: (N_("Part of your order is on its way"), N_("The rest follows.")),
    Stage.SHIPPED: (N_("Your order is on its way"), N_("The parcel service has it.")),
    Stage.DELIVERED: (N_("Your order has arrived"), N_("We hope that you like it.")),
    Stage.CANCELLED: (N_("Your order is cancelled"), N_("Nothing will be sent.")),
    Stage.EXPIRED: (
        N_("Your order was not completed"),
        N_("The goods went back on the shelf and nothing is charged."),
    ),
}
_PATH = (
    ("placed", N_("Placed"), EventType.ORDER_PLACED),
    ("confirmed", N_("Confirmed"), EventType.ORDER_CONFIRMED),
    ("preparing", N_("Packing"), EventType.PICKING_STARTED),
    ("shipped", N_("On its way"), EventType.ORDER_SHIPPED),
    ("delivered", N_("Delivered"), EventType.ORDER_DELIVERED),
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
    PaymentStatus.AUTHORISED: N_("Reserved on your card"),
    PaymentStatus.CAPTURED: N_("Paid"),
    PaymentStatus.PARTLY_REFUNDED: N_("Partly refunded"),
    PaymentStatus.REFUNDED: N_("Refunded"),
    PaymentStatus.VOIDED: N_("Not charged"),
    PaymentStatus.FAILED: N_("The payment failed; we will write to you"),
}
_HAPPENED = {
    EventType.ORDER_PLACED: N_("Order placed"),
    EventType.ORDER_CONFIRMED: N_("Order confirmed"),
    EventType.ORDER_HELD: N_("Put on hold"),
    EventType.ORDER_RELEASED: N_("Released from hold"),
    EventType.PAYMENT_CAPTURED: N_("Payment taken"),
    EventType.PAYMENT_FAILED: N_("Payment failed"),
    EventType.PAYMENT_VOIDED: N_("Reserved money released"),
    EventType.PAYMENT_PARTLY_REFUNDED: N_("Part of the money refunded"),
    EventType.PAYMENT_REFUNDED: N_("Money refunded"),
    EventType.PICKING_STARTED: N_("Packing started"),
    EventType.ORDER_PARTLY_SHIPPED: N_("Part of it handed to the parcel service"),
    EventType.ORDER_SHIPPED: N_("Handed to the parcel service"),
    EventType.ORDER_DELIVERED: N_("Delivered"),
    EventType.ORDER_CANCELLED: N_("Order cancelled"),
    EventType.ORDER_EXPIRED: N_("Order expired"),
    EventType.RETURN_REQUESTED: N_("Return requested"),
    EventType.RETURN_APPROVED: N_("Return approved"),
    EventType.RETURN_REJECTED: N_("Return not accepted"),
    EventType.RETURN_RECEIVED: N_("Return received"),
    EventType.ADDRESS_CHANGED: N_("Address changed"),
    EventType.ORDER_EDITED: N_("Order changed"),
}
"""Events that a shopper reads of; what is not here is the shop's own business."""


def story(view: TrackingView) -> dict[str, Any]:
    """The view in the shopper's words, as plain data: the template draws it, the live page receives it. In the language that is
    spoken where it is called."""
    stage = Stage(view.stage)
    title, text = (_(words) for words in _SAID[stage])
    times = dict(reversed(view.events))
    return {
        "version": view.version,
        "stage": str(stage),
        "title": title,
        "text": text,
        "is_ended": stage in _ENDED,
        "steps": _steps(stage, times),
        "expected": _expected(stage, view.expected_at),
        "payment": _(_PAYMENT[PaymentStatus(view.payment_status)]),
        "happened": [
            {"text": _(_HAPPENED[EventType(event)]), "at": at.isoformat(), "said": moment(at)}
            for event, at in reversed(view.events)
            if event in _HAPPENED
        ],
        "updated": moment(view.updated_at),
    }


def _expected(stage: Stage, at: datetime | None) -> str:
    """Until when it should have arrived, as long as that is not over or known better."""
    if at is None or stage in _ENDED or stage in {Stage.DELIVERED, Stage.ON_HOLD}:
        return ""
    return _("Expected by %(day)s", day=day(at))


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
                "title": _(title),
                "state": state,
                "at": at.isoformat() if at else "",
                "said": moment(at) if at else "",
            }
        )
    return steps
