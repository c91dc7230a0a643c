"""Sweeping: send accepted orders whose message a crash left unsent, and give back reservations that nobody confirmed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from orders.domain.errors import Poison
from orders.domain.events import EventType
from orders.domain.ids import order_number
from orders.domain.inventory import ReservationState
from orders.domain.order import INITIAL, apply, stage_of
from orders.failpoints import failpoint
from orders.messages import decode_job, encode_job
from orders.ports import Clock, InventoryStore, OrderQueue, Reservation, TrackingView

log = logging.getLogger(__name__)

JOB = "expire_order"
_SENT_TOGETHER = 10
"""Messages of one batch call; each is marked right after it, so that a crash re-sends few."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep did."""

    sent: int
    expired: int
    unreadable: int


def sweep(
    *,
    inventory: InventoryStore,
    queue: OrderQueue,
    clock: Clock,
    sweep_after_seconds: int,
    limit: int = 500,
) -> Swept:
    """Send what is unsent for longer than `sweep_after_seconds`, then expire what is overdue, up to `limit` of each.

    Safe to run twice at once: a message sent twice is applied once, and one of two expiries finds nothing to do.
    Raises Unavailable when a store or the queue does not answer; the next sweep goes on from there.
    """
    now = clock.now()
    unsent = inventory.unsent(now - timedelta(seconds=sweep_after_seconds), limit)
    sent = _send(unsent, inventory, queue)
    expired = unreadable = 0
    for reservation in inventory.overdue(now, limit):
        try:
            expired += _expire(reservation, now, inventory, queue)
        except Poison as error:
            # Not expired, so that it stays visible to the doctor: its order could no longer reach the book.
            unreadable += 1
            log.error(
                "reservation_unreadable", extra={"order_id": reservation.order_id, "reason": str(error)}
            )
    return Swept(sent, expired, unreadable)


def _send(reservations: Sequence[Reservation], inventory: InventoryStore, queue: OrderQueue) -> int:
    # An index may still show an order whose message was forgotten since: it is on record, there is nothing to send.
    waiting = [reservation for reservation in reservations if reservation.message]
    for start in range(0, len(waiting), _SENT_TOGETHER):
        batch = waiting[start : start + _SENT_TOGETHER]
        queue.send_many([reservation.message for reservation in batch], queue="orders")
        failpoint("sweep.after_send")
        for reservation in batch:
            inventory.mark_sent(reservation.order_id, reservation.state)
            log.info(
                "order_sent_by_sweeper",
                extra={"order_id": reservation.order_id, "correlation_id": reservation.correlation_id},
            )
    return len(waiting)


def _expire(reservation: Reservation, now: datetime, inventory: InventoryStore, queue: OrderQueue) -> bool:
    """Give one reservation back and tell the worker, with the whole order: an accepted order reaches the book (I2)."""
    message = _expiry_message(reservation, now)
    if not inventory.expire(reservation.order_id, message, _expired_view(reservation, now)):
        return False
    failpoint("sweep.after_expire")
    expired = replace(reservation, message=message, state=ReservationState.EXPIRED)
    return _send([expired], inventory, queue) == 1


def _expiry_message(reservation: Reservation, now: datetime) -> str:
    placed = decode_job(reservation.message)
    return encode_job(
        replace(
            placed,
            id=f"{JOB}:{reservation.order_id}",
            job=JOB,
            payload={**placed.payload, "expired_at": now.isoformat()},
            enqueued_at=now,
        )
    )


def _expired_view(reservation: Reservation, now: datetime) -> TrackingView:
    state = apply(INITIAL, EventType.ORDER_EXPIRED)
    return TrackingView(
        order_id=reservation.order_id,
        number=order_number(reservation.order_id),
        version=state.version,
        stage=stage_of(state),
        order_status=state.order,
        payment_status=state.payment,
        fulfilment_status=state.fulfilment,
        updated_at=now,
        events=(
            (EventType.ORDER_PLACED, reservation.accepted_at),
            (EventType.ORDER_EXPIRED, now),
        ),
        correlation_id=reservation.correlation_id,
    )
