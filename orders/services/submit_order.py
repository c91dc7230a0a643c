"""Order path 5/9: submit_order accepts an order - checks it, reserves every line in one transaction, and queues it.

From the transaction on, the order is accepted and cannot be lost: the reservation is also the idempotency record and
the outbox entry, so what a crash leaves unsent is sent by the sweeper, and a repeat finds the first answer.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from orders.domain.errors import IdempotencyConflict, InvalidRequest, OrderRefused, Problem, Unavailable
from orders.domain.events import EventType
from orders.domain.ids import order_number
from orders.domain.inventory import ReservationState, ReservedLine
from orders.domain.order import INITIAL, stage_of
from orders.domain.request import OrderRequest, check
from orders.failpoints import failpoint
from orders.messages import encode_job, fingerprint, order_request_to_dict
from orders.observability import traceparent
from orders.ports import Clock, InventoryStore, JobMessage, OrderQueue, Reservation, TrackingView
from orders.services.tracking_views import expected_at_of

log = logging.getLogger(__name__)

JOB = "record_order"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The answer to an accepted order, the same at every repeat; `is_replay` tells a repeat from the first time."""

    reservation: Reservation
    total_minor: int
    is_replay: bool


def submit_order(
    request: OrderRequest,
    *,
    inventory: InventoryStore,
    queue: OrderQueue,
    clock: Clock,
    currency: str,
    reservation_ttl_seconds: int,
    correlation_id: str,
    attempt: int = 1,
    is_answer_lost: bool = False,
) -> Accepted:
    """Accept an order, once per order id.

    `attempt` numbers the caller's tries with this id, each of which may have a body of its own until one is accepted.
    `is_answer_lost` tells that an earlier request of this attempt may still be on its way: a refusal is then made one
    for good, so that the caller need not wait until that request is surely over.

    Raises InvalidRequest for sums that do not add up or a currency that the shop does not take, OrderRefused naming
    every line that cannot be had, IdempotencyConflict when the id was used with another body, Unavailable when surely
    nothing was done and OutcomeUnknown when it may have been: then only a repeat with the same body tells. Only the store is needed: while the queue is down orders are accepted and sent later.
    """
    priced = check(request)
    if request.currency != currency:
        raise InvalidRequest([Problem("/currency", f"this shop sells in {currency}")])
    wanted = _reservation(request, _to_milliseconds(clock.now()), reservation_ttl_seconds, correlation_id)
    wanted = replace(wanted, attempt=attempt)
    failpoint("submit.before_reserve")
    stored = _reserve(request, wanted, inventory, is_answer_lost=is_answer_lost)
    if stored.fingerprint != wanted.fingerprint:
        raise IdempotencyConflict(f"order {request.order_id} was submitted before with another body")
    if not stored.is_sent:
        _send(stored, inventory, queue)
    return Accepted(stored, priced.totals.total_minor, is_replay=stored.message != wanted.message)


def _reserve(
    request: OrderRequest, wanted: Reservation, inventory: InventoryStore, *, is_answer_lost: bool
) -> Reservation:
    try:
        return inventory.reserve(wanted, _first_view(request, wanted))
    except OrderRefused as refused:
        if refused.is_final or not is_answer_lost:
            raise
        accepted = inventory.refuse_for_good(wanted, refused.lines)
        if accepted is not None:
            return accepted
        raise OrderRefused(refused.lines, is_final=True) from refused


def _send(stored: Reservation, inventory: InventoryStore, queue: OrderQueue) -> None:
    """Send the order's message and take it out of the outbox. A failure is left to the sweeper: the order stands.

    So after the reservation nothing raises Unavailable, which would tell the caller that nothing was done.
    """
    try:
        failpoint("submit.after_reserve")
        queue.send(stored.message, queue="orders")
        failpoint("submit.after_send")
        inventory.mark_sent(stored.order_id, stored.state)
        failpoint("submit.after_mark_sent")
    except Unavailable as error:
        log.warning("order_left_to_sweeper", extra={"order_id": stored.order_id, "reason": str(error)})


def _reservation(
    request: OrderRequest, now: datetime, reservation_ttl_seconds: int, correlation_id: str
) -> Reservation:
    message = JobMessage(
        id=f"{JOB}:{request.order_id}",
        job=JOB,
        payload={"order": order_request_to_dict(request), "accepted_at": now.isoformat()},
        order_id=request.order_id,
        correlation_id=correlation_id,
        traceparent=traceparent(correlation_id),
        enqueued_at=now,
    )
    return Reservation(
        order_id=request.order_id,
        fingerprint=fingerprint(request),
        lines=tuple(ReservedLine(line.sku, line.quantity, line.unit_price_minor) for line in request.lines),
        state=ReservationState.RESERVED,
        message=encode_job(message),
        accepted_at=now,
        expires_at=now + timedelta(seconds=reservation_ttl_seconds),
        correlation_id=correlation_id,
        currency=request.currency,
        destination=request.shipping_address.country,
    )


def _first_view(request: OrderRequest, reservation: Reservation) -> TrackingView:
    return TrackingView(
        order_id=request.order_id,
        number=order_number(request.order_id),
        version=INITIAL.version,
        stage=stage_of(INITIAL),
        order_status=INITIAL.order,
        payment_status=INITIAL.payment,
        fulfilment_status=INITIAL.fulfilment,
        updated_at=reservation.accepted_at,
        events=((EventType.ORDER_PLACED, reservation.accepted_at),),
        expected_at=expected_at_of(request.client),
        correlation_id=reservation.correlation_id,
    )


def _to_milliseconds(now: datetime) -> datetime:
    """The stores keep milliseconds; the first answer must not know the time better than its repeat."""
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
