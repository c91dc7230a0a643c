"""Enqueuing: at once, after a delay, at a time, again and again, or only if the same is not waiting already.

SQS delays a message by at most 15 minutes; what is due later lies in PostgreSQL until then and never circles through
redeliveries. What the book promises as part of an order goes through its outbox instead (OrderChange.promise_job).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, delete, select
from sqlalchemy.dialects.postgresql import insert

from orders.adapters.rds.base import table_of
from orders.adapters.rds.engine import database_errors
from orders.adapters.rds.job_models import JobRecord, ScheduledJob, UniqueJob
from orders.adapters.sqs import LONGEST_DELAY_SECONDS
from orders.messages import canonical_json, decode_job, encode_job
from orders.observability import correlation_id, new_correlation_id, traceparent
from orders.ports import Clock, JobMessage, OrderQueue
from worker.job import Job

_SCHEDULED, _RECORDS, _UNIQUE = table_of(ScheduledJob), table_of(JobRecord), table_of(UniqueJob)


@dataclass(frozen=True, slots=True)
class Enqueued:
    """What was asked for. `is_new` is False when the same unique job was waiting already; `id` is then that one's."""

    id: str
    is_new: bool = True


class JobQueue:
    """The sending side of jobs, for programs that hold the database."""

    def __init__(self, engine: Engine, queues: OrderQueue, clock: Clock) -> None:
        self._engine = engine
        self._queues = queues
        self._clock = clock

    def enqueue(
        self,
        job: Job,
        payload: Mapping[str, Any] | None = None,
        *,
        order_id: str = "",
        delay: float = 0.0,
        at: datetime | None = None,
        every: int = 0,
        job_id: str = "",
    ) -> Enqueued:
        """Have a job done: now, after `delay` seconds, `at` an aware time, or `every` so many seconds from then on.

        `job_id` makes the asking repeatable. Raises Unavailable.
        """
        now = self._clock.now()
        correlation = correlation_id.get() or new_correlation_id()
        message = JobMessage(
            id=job_id or _message_id(job, payload or {}, order_id),
            job=job.name,
            payload=dict(payload or {}),
            order_id=order_id,
            correlation_id=correlation,
            traceparent=traceparent(correlation),
            enqueued_at=now,
        )
        if job.unique_for_seconds and not every:
            claimed = self._claim(job, message, now)
            if claimed != message.id:
                return Enqueued(claimed, is_new=False)
        if job.keeps_result:
            self._record(job, message)
        due = at or now + timedelta(seconds=delay)
        wait = (due - now).total_seconds()
        if every or wait > LONGEST_DELAY_SECONDS:
            self._schedule(job.queue, message, due, every)
        else:
            self._queues.send(encode_job(message), queue=job.queue, delay_seconds=max(0, round(wait)))
        return Enqueued(message.id)

    def _claim(self, job: Job, message: JobMessage, now: datetime) -> str:
        key = unique_key(message)
        expires_at = now + timedelta(seconds=job.unique_for_seconds)
        with database_errors("the unique jobs"), self._engine.begin() as connection:
            connection.execute(delete(_UNIQUE).where(_UNIQUE.c.key == key, _UNIQUE.c.expires_at <= now))
            values = {"key": key, "message_id": message.id, "expires_at": expires_at}
            connection.execute(insert(_UNIQUE).on_conflict_do_nothing(index_elements=["key"]), values)
            return str(connection.scalar(select(_UNIQUE.c.message_id).where(_UNIQUE.c.key == key)))

    def _record(self, job: Job, message: JobMessage) -> None:
        values = {"id": message.id, "job": job.name, "queue": job.queue, "status": "queued"}
        with database_errors("the job records"), self._engine.begin() as connection:
            connection.execute(insert(_RECORDS).on_conflict_do_nothing(index_elements=["id"]), values)

    def _schedule(self, queue: str, message: JobMessage, due: datetime, every: int) -> None:
        values = {
            "id": message.id,
            "queue": queue,
            "message": {"body": encode_job(message)},
            "due_at": due,
            "every_seconds": every,
        }
        with database_errors("the schedule"), self._engine.begin() as connection:
            connection.execute(insert(_SCHEDULED).on_conflict_do_nothing(index_elements=["id"]), values)


def _message_id(job: Job, payload: Mapping[str, Any], order_id: str) -> str:
    """A new one, or the one that every message for the same effect has: the inbox knows it."""
    if not job.idempotent_by:
        return f"{job.name}:{uuid.uuid4().hex}"
    facts = {**payload, "order_id": order_id}
    same = canonical_json([facts[name] for name in job.idempotent_by])
    return f"{job.name}:{uuid.uuid5(uuid.NAMESPACE_OID, same).hex}"


def unique_key(message: JobMessage) -> str:
    """What makes two jobs the same: name, order and payload."""
    same = canonical_json([message.job, message.order_id, dict(message.payload)])
    return f"{message.job}:{uuid.uuid5(uuid.NAMESPACE_OID, same).hex}"


def release_unique(engine: Engine, message: JobMessage) -> None:
    """The job is over: the same may be enqueued again."""
    statement = delete(_UNIQUE).where(
        _UNIQUE.c.key == unique_key(message), _UNIQUE.c.message_id == message.id
    )
    with database_errors("the unique jobs"), engine.begin() as connection:
        connection.execute(statement)


def send_due(engine: Engine, queues: OrderQueue, now: datetime, limit: int = 100) -> int:
    """Send the scheduled jobs whose time has come. Returns how many. Any number of processes may do it at once."""
    due = (
        select(_SCHEDULED)
        .where(_SCHEDULED.c.due_at <= now)
        .order_by(_SCHEDULED.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    with database_errors("the schedule"), engine.begin() as connection:
        rows = connection.execute(due).mappings().all()
        for row in rows:
            message = decode_job(row["message"]["body"])
            mine = _SCHEDULED.c.id == row["id"]
            if row["every_seconds"]:
                # Each run is a message of its own; what was missed while nobody worked is run once, not many times.
                message = replace(message, id=f"{row['id']}:{row['due_at']:%Y%m%dT%H%M%S}"[-80:])
                next_due = max(row["due_at"], now) + timedelta(seconds=row["every_seconds"])
                change = _SCHEDULED.update().where(mine)
                connection.execute(change.values(due_at=next_due, runs=row["runs"] + 1))
            else:
                connection.execute(delete(_SCHEDULED).where(mine))
            queues.send(encode_job(replace(message, enqueued_at=now)), queue=row["queue"])
        return len(rows)
