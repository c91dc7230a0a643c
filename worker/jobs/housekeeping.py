"""prune: what is long over need not be kept."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete

from orders.adapters.rds.base import table_of
from orders.adapters.rds.engine import database_errors
from orders.adapters.rds.job_files import drop_old_files
from orders.adapters.rds.job_models import JobRecord, UniqueJob
from orders.adapters.rds.models import InboxMessage
from orders.ports import JobMessage
from worker.context import JobContext
from worker.registry import job

INBOX_DAYS = 21
"""SQS keeps a message for at most 14 days, and a quarantined one may be replayed a week later still."""
RESULT_DAYS = 7


@job("low", timeout=60, every=3600)
def prune(context: JobContext, message: JobMessage) -> None:
    """Delete inbox rows, results, claims and files that nothing can ask for any more."""
    if context.engine is None:
        return
    now = context.desk.clock.now()
    inbox, records, unique = table_of(InboxMessage), table_of(JobRecord), table_of(UniqueJob)
    with database_errors("pruning"), context.engine.begin() as connection:
        connection.execute(delete(inbox).where(inbox.c.applied_at < now - timedelta(days=INBOX_DAYS)))
        connection.execute(delete(records).where(records.c.updated_at < now - timedelta(days=RESULT_DAYS)))
        connection.execute(delete(unique).where(unique.c.expires_at < now))
        drop_old_files(connection, now)
