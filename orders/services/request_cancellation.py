"""Asking for a cancellation: checked against the tracking view, decided by the worker against the book."""

from __future__ import annotations

from dataclasses import dataclass

from orders.domain.errors import NotFound, TransitionRefused
from orders.domain.events import EventType
from orders.domain.ids import OrderId
from orders.domain.order import (
    SHOPPER_MAY_CANCEL_IN,
    TRANSITIONS,
    FulfilmentStatus,
    OrderStatus,
)
from orders.messages import encode_job
from orders.observability import traceparent
from orders.ports import Clock, JobMessage, OrderQueue, TrackingStore, TrackingView

JOB = "cancel_order"


@dataclass(frozen=True, slots=True)
class CancellationRequested:
    """What became of the wish: `is_done` when the order was cancelled already."""

    view: TrackingView
    is_done: bool


def request_cancellation(
    order_id: OrderId,
    *,
    tracking: TrackingStore,
    queue: OrderQueue,
    clock: Clock,
    reason: str,
    actor: str,
    correlation_id: str,
) -> CancellationRequested:
    """Queue the cancellation of an order for `actor` (`shopper:<customer id>`), ahead of ordinary work.

    A repeat before anything changed is the same message and is applied once; a repeat after the cancellation
    changes nothing. Raises NotFound, TransitionRefused when it is too late by the rules for shoppers, and
    Unavailable. The view may be a moment old: the worker decides by the same rules, and its refusal is on the timeline.
    """
    view = tracking.get(order_id)
    if view is None:
        raise NotFound(f"no order {order_id}")
    if view.order_status == OrderStatus.CANCELLED:
        return CancellationRequested(view, is_done=True)
    if not _may_still_cancel(view):
        raise TransitionRefused(
            f"order {view.number} is {view.order_status} and {view.fulfilment_status}: too late to cancel it"
        )
    now = clock.now()
    message = JobMessage(
        # The version makes a double click one message, and a new try after a change another one.
        id=f"{JOB}:{order_id}:{view.version}",
        job=JOB,
        payload={"order_id": order_id, "reason": reason, "actor": actor, "seen_version": view.version},
        order_id=order_id,
        correlation_id=correlation_id,
        traceparent=traceparent(correlation_id),
        enqueued_at=now,
    )
    queue.send(encode_job(message), queue="high")
    return CancellationRequested(view, is_done=False)


def _may_still_cancel(view: TrackingView) -> bool:
    return (
        OrderStatus(view.order_status) in TRANSITIONS[EventType.ORDER_CANCELLED].order
        and FulfilmentStatus(view.fulfilment_status) in SHOPPER_MAY_CANCEL_IN
    )
