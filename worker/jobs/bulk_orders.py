"""bulk_orders: one action on many orders, a part at a time, with a result per order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from orders.adapters.rds.bulk_jobs import JOB, QUEUE, BulkBook, BulkWork
from orders.domain.errors import Poison, Refused
from orders.domain.events import Actor
from orders.domain.ids import OrderId
from orders.messages import encode_job
from orders.ports import JobMessage, Reservation
from orders.services.bulk_actions import LEAVING, OWN_OPTIONS, Task, perform
from worker.context import JobContext
from worker.registry import job
from worker.retry import Retry

PART = 100
"""Orders per message: a part ends well within its time, and other low jobs get their turn between two parts."""


@job(QUEUE, timeout=120, retry=Retry(max_attempts=10, first_seconds=2, factor=2))
def bulk_orders(context: JobContext, message: JobMessage) -> None:
    """Do the next part of a bulk job. A part that breaks off goes on where it stopped: done rows are not pending."""
    if context.engine is None:
        raise Poison("bulk work needs the database")
    book, bulk_id = BulkBook(context.engine), UUID(str(message.payload["bulk_id"]))
    work = book.find(bulk_id)
    if work is None:
        raise Poison(f"no bulk job {bulk_id}")
    part = book.pending(bulk_id, PART)
    reservations = _reservations(context, work, part)
    for order_id in part:
        problem = _one(context, work, order_id, reservations.get(order_id))
        book.finish_row(bulk_id, order_id, problem=problem, at=context.desk.clock.now())
    if book.pending(bulk_id, 1):
        context.queues.send(encode_job(_next_part(message, context)), queue=QUEUE)
    else:
        book.finish(bulk_id, context.desk.clock.now())


def _reservations(
    context: JobContext, work: BulkWork, order_ids: Sequence[OrderId]
) -> Mapping[OrderId, Reservation]:
    """Where the pieces lie that are to leave. A shop with one warehouse knows without asking."""
    if work.action not in LEAVING or len(context.inventory.warehouses()) < 2:
        return {}
    return context.inventory.find_reservations(order_ids)


def _one(context: JobContext, work: BulkWork, order_id: OrderId, reservation: Reservation | None) -> str:
    """Do one order; returns why it could not be done, or nothing. What may be tried again is raised."""
    kind, _, who = work.asked_by.partition(":")
    assert context.engine is not None  # noqa: S101  (bulk_orders asked)
    own = BulkBook(context.engine).options_of(work.id, order_id) if work.action in OWN_OPTIONS else {}
    task = Task(
        order_id, f"bulk:{work.id}:{order_id}"[:80], Actor(kind, who), {**work.options, **own}, reservation
    )
    try:
        perform(context.desk, work.action, task)
    except Refused as refused:
        return str(refused)
    return ""


def _next_part(message: JobMessage, context: JobContext) -> JobMessage:
    part = int(message.payload.get("part", 0)) + 1
    return replace(
        message,
        id=f"{JOB}:{message.payload['bulk_id']}:{message.payload['round']}:{part}",
        payload={**message.payload, "part": part},
        enqueued_at=context.desk.clock.now(),
    )
