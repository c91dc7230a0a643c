"""Where messages go that failed for good: a row that tells why, and the dead-letter queue with the reason attached."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine, func
from sqlalchemy.dialects.postgresql import insert

from orders.adapters.rds.base import table_of
from orders.adapters.rds.engine import database_errors
from orders.adapters.rds.models import QuarantinedMessage
from orders.ports import Clock
from worker.delivery import Delivery
from worker.source import Source

_TABLE = table_of(QuarantinedMessage)
LONGEST_TRACEBACK = 20_000


class Quarantine:
    """Writes the row first: a message is in the dead-letter queue only when somebody can find out why."""

    def __init__(self, engine: Engine, dead: Mapping[str, Source], clock: Clock, release: str) -> None:
        self._engine = engine
        self._dead = dead
        self._clock = clock
        self._release = release

    def take(self, delivery: Delivery, error: BaseException) -> None:
        """Record a message and send it to its dead-letter queue. Raises Unavailable; a repeat records it once."""
        row = self._row(delivery, error)
        changes = {name: row[name] for name in ("error", "traceback", "attempts", "release", "failed_at")}
        statement = insert(_TABLE).values(**row)
        statement = statement.on_conflict_do_update(
            index_elements=["id"], set_={**changes, "resolved_at": None, "resolution": ""}
        )
        with database_errors("the quarantine"), self._engine.begin() as connection:
            connection.execute(statement)
        if delivery.queue in self._dead:
            self._dead[delivery.queue].send(
                delivery.received.body,
                attributes={
                    "reason": row["error"][:250] or "unknown",
                    "quarantine_id": delivery.message.id,
                    "attempts": str(delivery.attempt),
                },
            )

    def _row(self, delivery: Delivery, error: BaseException) -> dict[str, Any]:
        told = "".join(traceback.format_exception(error))
        return {
            "id": delivery.message.id,
            "queue": delivery.queue,
            "job": delivery.message.job[:60],
            "order_id": delivery.message.order_id[:36],
            "body": delivery.received.body.replace("\x00", ""),
            "error": f"{type(error).__name__}: {error}"[:2_000].replace("\x00", ""),
            "traceback": told[-LONGEST_TRACEBACK:].replace("\x00", ""),
            "attempts": delivery.attempt,
            "release": self._release,
            "failed_at": self._clock.now(),
        }


def resolve(engine: Engine, message_id: str, resolution: str) -> None:
    """Note that a quarantined message was replayed or dropped."""
    statement = _TABLE.update().where(_TABLE.c.id == message_id, _TABLE.c.resolved_at.is_(None))
    with database_errors("the quarantine"), engine.begin() as connection:
        connection.execute(statement.values(resolved_at=func.now(), resolution=resolution))
