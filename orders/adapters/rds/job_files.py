"""Files that bulk jobs write, part by part, in PostgreSQL: every web host can hand them out, and they go with the job.

A part is written once, in one transaction with where the next one begins, so that a job that breaks off goes on after
its last whole part. Parts are packed with gzip: text shrinks to a sixth.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, Engine, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from orders.adapters.rds.base import table_of
from orders.adapters.rds.bulk_job_models import BulkJob, BulkRow, JobFile

KEPT_DAYS = 7
"""A file holds personal data: it is there to be fetched, not to be kept."""
_JOBS, _ROWS, _FILES = table_of(BulkJob), table_of(BulkRow), table_of(JobFile)


@dataclass(frozen=True, slots=True)
class LastPart:
    """How far a file is: its last part and where the next one begins; empty when it is whole."""

    part: int
    cursor: str


def last_part(connection: Connection, job_id: UUID) -> LastPart | None:
    """The last whole part of a job's file, or None."""
    statement = select(_FILES.c.part, _FILES.c.cursor).where(_FILES.c.job_id == job_id)
    row = connection.execute(statement.order_by(_FILES.c.part.desc()).limit(1)).first()
    return LastPart(row.part, row.cursor) if row else None


def add_part(
    connection: Connection, job_id: UUID, part: int, content: bytes, *, rows: int, cursor: str, at: datetime
) -> bool:
    """Write one part. False when it was written before: somebody else did the same work."""
    values = {
        "job_id": job_id, "part": part, "content": gzip.compress(content, 6), "rows": rows, "cursor": cursor,
        "created_at": at,
    }  # fmt: skip
    statement = insert(_FILES).values(**values).on_conflict_do_nothing(index_elements=["job_id", "part"])
    return connection.execute(statement).rowcount == 1


def finish_file(connection: Connection, job_id: UUID, at: datetime) -> None:
    """The file is whole: every order of the job is done."""
    done = update(_ROWS).where(_ROWS.c.job_id == job_id, _ROWS.c.status == "pending")
    connection.execute(done.values(status="done", done_at=at))
    connection.execute(update(_JOBS).where(_JOBS.c.id == job_id).values(finished_at=at))


def rows_written(connection: Connection, job_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many orders the files of these jobs hold so far."""
    statement = select(_FILES.c.job_id, func.sum(_FILES.c.rows)).where(_FILES.c.job_id.in_(job_ids))
    return {job_id: int(rows) for job_id, rows in connection.execute(statement.group_by(_FILES.c.job_id))}


def read_parts(engine: Engine, job_id: UUID) -> Iterator[bytes]:
    """The file, part by part, with a connection of its own for each: a slow reader holds none."""
    with engine.connect() as connection:
        mine = select(_FILES.c.part).where(_FILES.c.job_id == job_id)
        parts = connection.scalars(mine.order_by(_FILES.c.part)).all()
    for part in parts:
        one = select(_FILES.c.content).where(_FILES.c.job_id == job_id, _FILES.c.part == part)
        with engine.connect() as connection:
            content = connection.scalars(one).one()
        yield gzip.decompress(content)


def drop_old_files(connection: Connection, now: datetime) -> int:
    """Forget the files of jobs that ended long ago; the jobs and their results stay."""
    old = delete(_FILES).where(_FILES.c.created_at < now - timedelta(days=KEPT_DAYS))
    return connection.execute(old).rowcount
