"""Bulk work in PostgreSQL: begun in one transaction with its first message, done row by row, never lost, never doubled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, Select, Uuid, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from orders.adapters.rds.base import table_of
from orders.adapters.rds.bulk_job_models import BulkJob, BulkRow
from orders.adapters.rds.engine import database_errors
from orders.adapters.rds.models import Outbox
from orders.domain.ids import OrderId
from orders.messages import encode_job
from orders.observability import traceparent
from orders.ports import Effect, JobMessage

JOB = "bulk_orders"
JOB_OF = {"print": "print_papers", "export": "export_orders"}
"""The job of an action, where it is not the one that takes order by order."""
QUEUE = "low"
MOST_ORDERS = 50_000
MOST_PAPERS = 500
"""Orders in one file of papers: about ten seconds of drawing, and what a printer takes in one go."""
_JOBS, _ROWS, _OUTBOX = table_of(BulkJob), table_of(BulkRow), table_of(Outbox)


Chosen = Select[Any] | Mapping[UUID, Mapping[str, Any]] | None
"""The orders of a bulk job: a statement that selects their ids, or the ids with what belongs to each alone."""


@dataclass(frozen=True, slots=True)
class BulkWork:
    """What is to be done to every order of a bulk job."""

    id: UUID
    action: str
    options: Mapping[str, Any]
    asked_by: str
    rounds: int


def begin_bulk(
    connection: Connection,
    *,
    job_id: UUID,
    action: str,
    options: Mapping[str, Any],
    asked_by: str,
    query: str,
    chosen: Chosen,
    correlation_id: str,
    at: datetime,
) -> int:
    """Note a bulk job over the orders that are `chosen`, and promise its first message in the same transaction.

    Returns how many orders it has; the same `job_id` again changes nothing and returns 0.
    """
    values = {
        "id": job_id, "action": action, "options": dict(options), "asked_by": asked_by, "query": query, "total": 0,
        "correlation_id": correlation_id, "created_at": at,
    }  # fmt: skip
    statement = (
        insert(_JOBS).values(**values).on_conflict_do_nothing(index_elements=["id"]).returning(_JOBS.c.id)
    )
    if connection.execute(statement).first() is None:
        return 0
    total = _add_rows(connection, job_id, chosen)
    connection.execute(update(_JOBS).where(_JOBS.c.id == job_id).values(total=total))
    promise_run(connection, job_id, correlation_id, at, round_=1, job=JOB_OF.get(action, JOB))
    return total


def _add_rows(connection: Connection, job_id: UUID, chosen: Chosen) -> int:
    """The orders of a job: what a statement selects, or a list with what belongs to each; none for an export."""
    if chosen is None:
        return 0
    if isinstance(chosen, Select):
        ids = chosen.limit(MOST_ORDERS).subquery()
        rows = select(literal(job_id, Uuid()), ids.c[0])
        connection.execute(insert(_ROWS).from_select(["job_id", "order_id"], rows))
        # Counted, not taken from the cursor: over an ORM session's connection that says -1 for INSERT ... SELECT.
        mine = select(func.count()).select_from(_ROWS).where(_ROWS.c.job_id == job_id)
        return connection.scalar(mine) or 0
    if chosen:
        rows_given = [
            {"job_id": job_id, "order_id": one, "options": dict(own)} for one, own in chosen.items()
        ]
        connection.execute(insert(_ROWS), rows_given)
    return len(chosen)


def promise_run(
    connection: Connection, job_id: UUID, correlation_id: str, at: datetime, *, round_: int, job: str = JOB
) -> None:
    """Put the message that starts the work into the outbox, once per round."""
    message = JobMessage(
        id=f"{job}:{job_id}:{round_}:0",
        job=job,
        payload={"bulk_id": str(job_id), "round": round_, "part": 0},
        correlation_id=correlation_id,
        traceparent=traceparent(correlation_id),
        enqueued_at=at,
    )
    row = {
        "key": message.id,
        "effect": str(Effect.JOB),
        "order_id": job_id,
        "payload": {"queue": QUEUE, "body": encode_job(message)},
        "correlation_id": correlation_id,
    }
    connection.execute(insert(_OUTBOX).values(**row).on_conflict_do_nothing(index_elements=["key"]))


def retry_failed(connection: Connection, job_id: UUID, at: datetime) -> int:
    """Make the failed rows pending again and promise a run. Returns how many there were."""
    job = connection.execute(select(_JOBS).where(_JOBS.c.id == job_id).with_for_update()).mappings().first()
    if job is None:
        return 0
    failed = connection.execute(
        update(_ROWS)
        .where(_ROWS.c.job_id == job_id, _ROWS.c.status == "failed")
        .values(status="pending", detail="", done_at=None)
    ).rowcount
    if failed:
        connection.execute(
            update(_JOBS).where(_JOBS.c.id == job_id).values(rounds=job["rounds"] + 1, finished_at=None)
        )
        name = JOB_OF.get(job["action"], JOB)
        promise_run(connection, job_id, job["correlation_id"], at, round_=job["rounds"] + 1, job=name)
    return int(failed)


class BulkBook:
    """The worker's side: what is still to do, and what became of it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find(self, job_id: UUID) -> BulkWork | None:
        """A bulk job, or None. Raises Unavailable."""
        with database_errors("the bulk jobs"), self._engine.connect() as connection:
            row = connection.execute(select(_JOBS).where(_JOBS.c.id == job_id)).mappings().first()
        if row is None:
            return None
        return BulkWork(row["id"], row["action"], row["options"], row["asked_by"], row["rounds"])

    def pending(self, job_id: UUID, limit: int) -> Sequence[OrderId]:
        """Orders that are still to be done, in their order."""
        statement = (
            select(_ROWS.c.order_id)
            .where(_ROWS.c.job_id == job_id, _ROWS.c.status == "pending")
            .order_by(_ROWS.c.order_id)
            .limit(limit)
        )
        with database_errors("the bulk jobs"), self._engine.connect() as connection:
            return [OrderId(str(order_id)) for order_id in connection.scalars(statement)]

    def options_of(self, job_id: UUID, order_id: OrderId) -> Mapping[str, Any]:
        """What belongs to one order of a job alone."""
        statement = select(_ROWS.c.options).where(_ROWS.c.job_id == job_id, _ROWS.c.order_id == order_id)
        with database_errors("the bulk jobs"), self._engine.connect() as connection:
            found: Mapping[str, Any] = connection.scalar(statement) or {}
            return found

    def finish_row(self, job_id: UUID, order_id: OrderId, *, problem: str, at: datetime) -> None:
        """Note what became of one order; only a pending row changes."""
        statement = (
            update(_ROWS)
            .where(_ROWS.c.job_id == job_id, _ROWS.c.order_id == order_id, _ROWS.c.status == "pending")
            .values(status="failed" if problem else "done", detail=problem[:500], done_at=at)
        )
        with database_errors("the bulk jobs"), self._engine.begin() as connection:
            connection.execute(statement)

    def finish(self, job_id: UUID, at: datetime) -> None:
        """Nothing is left to do."""
        left = select(_ROWS.c.order_id).where(_ROWS.c.job_id == job_id, _ROWS.c.status == "pending").exists()
        with database_errors("the bulk jobs"), self._engine.begin() as connection:
            connection.execute(update(_JOBS).where(_JOBS.c.id == job_id, ~left).values(finished_at=at))


def row_counts(connection: Connection, job_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """How many rows of each job are pending, done and failed."""
    statement = (
        select(_ROWS.c.job_id, _ROWS.c.status, func.count())
        .where(_ROWS.c.job_id.in_(job_ids))
        .group_by(_ROWS.c.job_id, _ROWS.c.status)
    )
    found: dict[UUID, dict[str, int]] = {}
    for job_id, status, count in connection.execute(statement):
        found.setdefault(job_id, {})[status] = count
    return found
