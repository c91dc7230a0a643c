"""What an operator may do: pause, drain and resume queues, stop workers, replay what failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from orders.adapters.rds.base import table_of
from orders.adapters.rds.engine import database_errors
from orders.adapters.rds.job_models import QueueControl, WorkerRow
from orders.adapters.rds.models import QuarantinedMessage
from orders.domain.errors import NotFound
from worker.quarantine import resolve
from worker.source import Source

_WORKERS, _CONTROLS, _QUARANTINE = table_of(WorkerRow), table_of(QueueControl), table_of(QuarantinedMessage)
_DLQ_LEASE_SECONDS = 30
GONE_AFTER_SECONDS = 30.0
"""A worker that has not reported for this long is dead; its row is removed by whoever notices."""


def set_state(engine: Engine, queue: str, state: str, by: str) -> None:
    """`paused`: nothing of this queue runs; `draining`: nothing more is taken, what is held is finished."""
    values = {"queue": queue, "state": state, "changed_by": by}
    statement = insert(_CONTROLS).values(**values)
    with database_errors("the queue controls"), engine.begin() as connection:
        connection.execute(statement.on_conflict_do_update(index_elements=["queue"], set_=values))


def not_at_rest(engine: Engine, queue: str, now: datetime) -> list[str]:
    """The living workers that have not read yet that a queue is paused, or are still at a job of it.

    A worker reads the controls every two seconds and writes its row at once when they changed; one that has not
    reported for longer than a worker may be silent is dead, and nobody waits for it.
    """
    alive = _WORKERS.c.seen_at >= now - timedelta(seconds=GONE_AFTER_SECONDS)
    with database_errors("the workers"), engine.connect() as connection:
        rows = connection.execute(select(_WORKERS.c.name, _WORKERS.c.queues).where(alive)).all()
    serving = [(row.name, row.queues[queue]) for row in rows if queue in row.queues]
    return sorted(name for name, its in serving if not its.get("is_paused") or its.get("held"))


def resume(engine: Engine, queue: str) -> None:
    """Take from this queue again."""
    with database_errors("the queue controls"), engine.begin() as connection:
        connection.execute(delete(_CONTROLS).where(_CONTROLS.c.queue == queue))


def stop_worker(engine: Engine, name: str) -> int:
    """Ask a worker, or every child of a master of that name, to stop. Returns how many were asked."""
    is_named = (_WORKERS.c.name == name) | _WORKERS.c.name.startswith(f"{name}.", autoescape=True)
    with database_errors("the workers"), engine.begin() as connection:
        return connection.execute(update(_WORKERS).where(is_named).values(stop_requested=True)).rowcount


@dataclass(frozen=True, slots=True)
class Replay:
    """One message that was sent again, and to which queue."""

    message_id: str
    queue: str


def requeue(
    engine: Engine,
    sources: Mapping[str, Source],
    dead: Mapping[str, Source],
    message_id: str,
    to_queue: str = "",
) -> Replay:
    """Send a quarantined message again, then note it and take it out of the dead-letter queue. Raises NotFound.

    Receive, send, delete: neither every account nor the local AWS has SQS's own message moving. When this is cut
    short the message may be sent twice, and the inbox applies it once.
    """
    with database_errors("the quarantine"), engine.connect() as connection:
        row = connection.execute(select(_QUARANTINE).where(_QUARANTINE.c.id == message_id)).mappings().first()
    if row is None or row["resolved_at"] is not None:
        raise NotFound(f"no message {message_id} is in quarantine")
    queue = to_queue or row["queue"]
    sources[queue].send(row["body"])
    resolve(engine, message_id, "requeued")
    if row["queue"] in dead:
        remove_from_dlq(dead[row["queue"]], {message_id: row["body"]})
    return Replay(message_id, queue)


def requeue_all(
    engine: Engine, sources: Mapping[str, Source], dead: Mapping[str, Source], queue: str = ""
) -> list[Replay]:
    """Replay everything in quarantine, of one queue if given, oldest first."""
    statement = select(_QUARANTINE.c.id, _QUARANTINE.c.queue).where(_QUARANTINE.c.resolved_at.is_(None))
    with database_errors("the quarantine"), engine.connect() as connection:
        rows = connection.execute(statement.order_by(_QUARANTINE.c.failed_at)).all()
    wanted = [row.id for row in rows if row.queue in sources and (not queue or row.queue == queue)]
    return [requeue(engine, sources, dead, message_id) for message_id in wanted]


def remove_from_dlq(source: Source, bodies: Mapping[str, str], rounds: int = 100) -> int:
    """Delete these messages from a dead-letter queue and give the others back. Returns how many were found."""
    wanted = set(bodies.values())
    removed = 0
    others: list[str] = []
    for _ in range(rounds):
        received = source.receive(10, 0, _DLQ_LEASE_SECONDS)
        if not received:
            break
        mine = [message.handle for message in received if message.body in wanted]
        others += [message.handle for message in received if message.body not in wanted]
        source.delete_many(mine)
        removed += len(mine)
        if removed >= len(bodies):
            break
    if others:
        source.change_visibility_many(others, 0)
    return removed
