"""Where messages go that failed for good: a row that tells why, and the dead-letter queue with the reason attached."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, func
from sqlalchemy.dialects.postgresql import insert

from orders.adapters.rds.base import table_of
from orders.adapters.rds.engine import database_errors
from orders.adapters.rds.models import QuarantinedMessage
from orders.ports import Clock, JobMessage
from worker.delivery import Delivery
from worker.source import Source

_TABLE = table_of(QuarantinedMessage)
LONGEST_TRACEBACK = 20_000


@dataclass(frozen=True, slots=True)
class Failure:
    """What is kept of a message: itself, why it failed, after how many tries, in which release and when."""

    queue: str
    message: JobMessage
    body: str
    error: BaseException
    attempts: int
    release: str
    failed_at: datetime

    @property
    def reason(self) -> str:
        """The error in one line."""
        return f"{type(self.error).__name__}: {self.error}"[:2_000].replace("\x00", "")


def record(connection: Connection, failure: Failure) -> None:
    """Write the row. A repeat keeps one row, and opens one again that was resolved."""
    row = _row(failure)
    changes = {name: row[name] for name in ("error", "traceback", "attempts", "release", "failed_at")}
    statement = insert(_TABLE).values(**row)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["id"], set_={**changes, "resolved_at": None, "resolution": ""}
        )
    )


def _row(failure: Failure) -> dict[str, Any]:
    told = "".join(traceback.format_exception(failure.error))
    return {
        "id": failure.message.id,
        "queue": failure.queue,
        "job": failure.message.job[:60],
        "order_id": failure.message.order_id[:36],
        "body": failure.body.replace("\x00", ""),
        "error": failure.reason,
        "traceback": told[-LONGEST_TRACEBACK:].replace("\x00", ""),
        "attempts": failure.attempts,
        "release": failure.release,
        "failed_at": failure.failed_at,
    }


class Quarantine:
    """Writes the row first: a message is in the dead-letter queue only when somebody can find out why."""

    def __init__(self, engine: Engine, dead: Mapping[str, Source], clock: Clock, release: str) -> None:
        self._engine = engine
        self._dead = dead
        self._clock = clock
        self._release = release

    def take(self, delivery: Delivery, error: BaseException) -> None:
        """Record a message and send it to its dead-letter queue. Raises Unavailable; a repeat records it once."""
        body, attempts = delivery.received.body, delivery.attempt
        failure = Failure(
            delivery.queue, delivery.message, body, error, attempts, self._release, self._clock.now()
        )
        with database_errors("the quarantine"), self._engine.begin() as connection:
            record(connection, failure)
        if delivery.queue in self._dead:
            self._dead[delivery.queue].send(
                body,
                attributes={
                    "reason": failure.reason[:250] or "unknown",
                    "quarantine_id": delivery.message.id,
                    "attempts": str(attempts),
                },
            )


def resolve(engine: Engine, message_id: str, resolution: str) -> None:
    """Note that a quarantined message was replayed or dropped."""
    statement = _TABLE.update().where(_TABLE.c.id == message_id, _TABLE.c.resolved_at.is_(None))
    with database_errors("the quarantine"), engine.begin() as connection:
        connection.execute(statement.values(resolved_at=func.now(), resolution=resolution))
