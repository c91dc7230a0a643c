"""What there is to see: queues, workers, quarantined messages. Reads only; never takes a message to look at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, func, select

from orders.adapters.rds.base import table_of
from orders.adapters.rds.engine import database_errors
from orders.adapters.rds.job_models import QueueControl, ScheduledJob, WorkerRow
from orders.adapters.rds.models import Outbox, QuarantinedMessage
from worker.source import Source

_WORKERS, _CONTROLS, _SCHEDULED = table_of(WorkerRow), table_of(QueueControl), table_of(ScheduledJob)
_QUARANTINE, _OUTBOX = table_of(QuarantinedMessage), table_of(Outbox)


def queues(engine: Engine, sources: Mapping[str, Source], dead: Mapping[str, Source]) -> list[dict[str, Any]]:
    """Depth and state of every queue, and how late its messages were when a worker took them last."""
    with database_errors("the queue controls"), engine.connect() as connection:
        states = {row.queue: row.state for row in connection.execute(select(_CONTROLS))}
        reports = [row.queues for row in connection.execute(select(_WORKERS.c.queues))]
    found = []
    for name, source in sources.items():
        depth = source.depth()
        lags = [report[name]["lag_seconds"] for report in reports if name in report]
        found.append(
            {
                "queue": name,
                "state": states.get(name, "open"),
                "waiting": depth.visible,
                "in_flight": depth.in_flight,
                "delayed": depth.delayed,
                "dead": dead[name].depth().visible if name in dead else 0,
                "lag_seconds": max(lags, default=0.0),
                "workers": len(lags),
            }
        )
    return found


def workers(engine: Engine) -> list[dict[str, Any]]:
    """Every worker that reports."""
    with database_errors("the workers"), engine.connect() as connection:
        rows = connection.execute(select(_WORKERS).order_by(_WORKERS.c.name)).mappings()
        return [_plain(row) for row in rows]


def backlog(engine: Engine) -> dict[str, int]:
    """What lies in the database: effects that wait, jobs for later, open quarantine."""
    statements = {
        "outbox": select(func.count()).select_from(_OUTBOX),
        "scheduled": select(func.count()).select_from(_SCHEDULED),
        "quarantined": select(func.count())
        .select_from(_QUARANTINE)
        .where(_QUARANTINE.c.resolved_at.is_(None)),
    }
    with database_errors("the book"), engine.connect() as connection:
        return {name: int(connection.scalar(statement) or 0) for name, statement in statements.items()}


def quarantined(engine: Engine, *, is_all: bool = False, limit: int = 200) -> list[dict[str, Any]]:
    """Failed messages, newest first, without their bodies and tracebacks."""
    columns = [column for column in _QUARANTINE.c if column.name not in {"body", "traceback"}]
    statement = select(*columns).order_by(_QUARANTINE.c.failed_at.desc()).limit(limit)
    if not is_all:
        statement = statement.where(_QUARANTINE.c.resolved_at.is_(None))
    with database_errors("the quarantine"), engine.connect() as connection:
        return [_plain(row) for row in connection.execute(statement).mappings()]


def quarantined_message(engine: Engine, message_id: str) -> dict[str, Any] | None:
    """One failed message with everything that is known."""
    statement = select(_QUARANTINE).where(_QUARANTINE.c.id == message_id)
    with database_errors("the quarantine"), engine.connect() as connection:
        row = connection.execute(statement).mappings().first()
    return _plain(row) if row is not None else None


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        str(name): value.isoformat(timespec="seconds") if isinstance(value, datetime) else value
        for name, value in row.items()
    }


def as_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Rows for a terminal: one line each, columns as wide as they must be."""
    cells = [[column.replace("_", " ") for column in columns]]
    cells += [[str(row.get(column, "")) for column in columns] for row in rows]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )
