"""export_orders: the orders of a search as CSV, a part at a time, whole however often the worker is killed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select, update

from orders.adapters.order_csv import csv_text
from orders.adapters.rds.base import table_of
from orders.adapters.rds.bulk_job_models import BulkJob
from orders.adapters.rds.engine import database_errors
from orders.adapters.rds.job_files import add_part, finish_file, last_part
from orders.adapters.rds.order_finding import count_of_orders, page_of_orders
from orders.adapters.rds.order_search import OrderSearch, Words
from orders.domain.errors import Poison
from orders.messages import encode_job
from orders.ports import JobMessage
from worker.context import JobContext
from worker.registry import job
from worker.retry import Retry

PART = 10_000
"""Orders per message: about a second of work and 250 KB of packed text."""
_JOBS = table_of(BulkJob)


@job("low", timeout=120, retry=Retry(max_attempts=10, first_seconds=2, factor=2))
def export_orders(context: JobContext, message: JobMessage) -> None:
    """Write the next part of an export. A part is there whole or not at all; written twice, it is written once."""
    if context.engine is None:
        raise Poison("an export needs the database")
    export_id = UUID(str(message.payload["bulk_id"]))
    with database_errors("the export"), context.engine.begin() as connection:
        work = connection.execute(select(_JOBS).where(_JOBS.c.id == export_id)).mappings().first()
        if work is None:
            raise Poison(f"no export {export_id}")
        if work["finished_at"] is not None:
            return
        is_whole = _write_part(connection, work, context)
    if not is_whole:
        context.queues.send(encode_job(_next(message, context)), queue="low")


def _write_part(connection: Connection, work: Any, context: JobContext) -> bool:
    """One part in one transaction. Returns whether the file is whole."""
    now, zone = context.desk.clock.now(), context.desk.settings.zone
    search = OrderSearch.parse(Words(str(work["options"].get("search", ""))), zone)
    last = last_part(connection, work["id"])
    if last is None:
        total = count_of_orders(connection, search)
        connection.execute(update(_JOBS).where(_JOBS.c.id == work["id"]).values(total=total))
    if last is None or last.cursor:
        part = last.part + 1 if last else 0
        rows, cursor = page_of_orders(connection, search, last.cursor if last else "", PART)
        text = csv_text(rows, zone, has_header=part == 0)
        add_part(connection, work["id"], part, text.encode(), rows=len(rows), cursor=cursor, at=now)
        if cursor:
            return False
    finish_file(connection, work["id"], now)
    return True


def _next(message: JobMessage, context: JobContext) -> JobMessage:
    part = int(message.payload.get("part", 0)) + 1
    name = f"{message.job}:{message.payload['bulk_id']}:{message.payload['round']}:{part}"
    return replace(
        message, id=name, payload={**message.payload, "part": part}, enqueued_at=context.desk.clock.now()
    )
