"""Asking the worker for a job from the console: promised in the database, delivered by the worker's relay."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from orders.adapters.rds.base import table_of
from orders.adapters.rds.job_models import JobRecord
from orders.adapters.rds.models import Outbox
from orders.messages import encode_job
from orders.observability import correlation_id, traceparent
from orders.ports import Effect, JobMessage


def ask_for(
    session: Session,
    job: str,
    payload: Mapping[str, Any],
    *,
    key: str,
    now: datetime,
    is_recorded: bool = False,
) -> str:
    """Promise a job on the low queue, once per `key`; the caller commits. Returns the job's id.

    `is_recorded` shows it as queued at once; the worker keeps the record from there on.
    """
    message = JobMessage(
        id=f"{job}:{key}"[:80],
        job=job,
        payload=dict(payload),
        correlation_id=correlation_id.get(),
        traceparent=traceparent(correlation_id.get()),
        enqueued_at=now,
    )
    row = {
        "key": message.id,
        "effect": str(Effect.JOB),
        # The relay keeps the rows of one order in order; these belong to none and wait for nobody.
        "order_id": uuid.uuid5(uuid.NAMESPACE_OID, message.id),
        "payload": {"queue": "low", "body": encode_job(message)},
        "correlation_id": message.correlation_id,
    }
    session.execute(insert(table_of(Outbox)).on_conflict_do_nothing(index_elements=["key"]).values(**row))
    if is_recorded:
        record = {"id": message.id, "job": job, "queue": "low", "status": "queued"}
        session.execute(
            insert(table_of(JobRecord)).on_conflict_do_nothing(index_elements=["id"]).values(**record)
        )
    return message.id
