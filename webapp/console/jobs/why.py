"""Why is it here? What is known of orders that do not move: their last event, what waits, who is at work, what failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from orders.adapters.rds.job_models import WorkerRow
from orders.adapters.rds.models import Outbox, PaymentAttemptRow, QuarantinedMessage, TimelineEvent
from orders.ports import AttemptStatus
from webapp.console.words import span, words

HEARD_WITHIN = timedelta(seconds=60)
"""A worker that was not heard of for longer is not at work: its lease has ended and another one has the message."""
SHOWN_OF_AN_ERROR = 120


@dataclass(slots=True)
class Why:
    """What is known of one order: sentences, the messages that failed for good, and the trace of its last event."""

    said: list[str] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    """(quarantined message, sentence)."""
    trace: str = ""


def reasons(session: Session, now: datetime, ids: Sequence[UUID]) -> Mapping[UUID, Why]:
    """Why each of these orders may be where it is. Six small questions, however many orders."""
    found: dict[UUID, Why] = {order_id: Why() for order_id in ids}
    if not ids:
        return found
    for event in _last_events(session, ids):
        why = found[event.order_id]
        reason = f": {event.reason}" if event.reason else ""
        why.said.append(f"Last: {words(event.type)} by {event.actor_id}{reason}")
        why.trace = event.correlation_id
    for told in (_waiting(session, now, ids), _at_work(session, now), _refused(session, ids)):
        for order_id, sentence in told:
            if order_id in found:
                found[order_id].said.append(sentence)
    for message in _failed(session, ids):
        sentence = f"{words(message.job)} failed for good: {message.error[:SHOWN_OF_AN_ERROR]}"
        found[UUID(message.order_id)].failed.append((message.id, sentence))
    return found


def _last_events(session: Session, ids: Sequence[UUID]) -> Sequence[TimelineEvent]:
    return session.scalars(
        select(TimelineEvent)
        .where(TimelineEvent.order_id.in_(ids))
        .ext(distinct_on(TimelineEvent.order_id))
        .order_by(TimelineEvent.order_id, TimelineEvent.version.desc(), TimelineEvent.id.desc())
    ).all()


def _waiting(session: Session, now: datetime, ids: Sequence[UUID]) -> Iterator[tuple[UUID, str]]:
    """What was promised and is still in the outbox, with its tries and when the next one is due."""
    rows = session.execute(
        select(Outbox.order_id, Outbox.effect, Outbox.key, Outbox.attempts, Outbox.due_at, Outbox.last_error)
        .where(Outbox.order_id.in_(ids))
        .order_by(Outbox.seq)
    )
    late: dict[UUID, list[str]] = {}
    for row in rows:
        what = words(row.key.partition(":")[0]) if row.effect == "job" else words(row.effect)
        if row.attempts:
            times = "once" if row.attempts == 1 else f"{row.attempts} times"
            next_try = f", again in {span(row.due_at - now)}" if row.due_at > now else ""
            what += f" (tried {times}{next_try}: {row.last_error[:SHOWN_OF_AN_ERROR]})"
        late.setdefault(row.order_id, []).append(what)
    for order_id, effects in late.items():
        yield order_id, f"Not delivered yet: {', '.join(dict.fromkeys(effects))}"


def _at_work(session: Session, now: datetime) -> Iterator[tuple[UUID, str]]:
    """The messages that workers hold a lease on at this moment, as they reported last."""
    for worker in session.scalars(select(WorkerRow).where(WorkerRow.seen_at > now - HEARD_WITHIN)):
        for run in worker.running:
            if run.get("order_id"):
                since = timedelta(seconds=float(run.get("seconds") or 0)) + (now - worker.seen_at)
                job = words(str(run.get("job", "")))
                yield UUID(str(run["order_id"])), f"{worker.name} is at it: {job}, for {span(since)}"


def _refused(session: Session, ids: Sequence[UUID]) -> Iterator[tuple[UUID, str]]:
    """The last word of the payment provider, where it was not a yes."""
    last = (
        select(PaymentAttemptRow)
        .where(PaymentAttemptRow.order_id.in_(ids))
        .ext(distinct_on(PaymentAttemptRow.order_id))
        .order_by(PaymentAttemptRow.order_id, PaymentAttemptRow.created_at.desc())
    )
    for attempt in session.scalars(last):
        if attempt.status != AttemptStatus.SUCCEEDED:
            detail = words(attempt.decline_code) or attempt.detail[:SHOWN_OF_AN_ERROR]
            ending = f": {detail}" if detail else ""
            yield attempt.order_id, f"Payment, {words(attempt.kind)}: {words(attempt.status)}{ending}"


def _failed(session: Session, ids: Sequence[UUID]) -> Sequence[QuarantinedMessage]:
    return session.scalars(
        select(QuarantinedMessage).where(
            QuarantinedMessage.order_id.in_([str(order_id) for order_id in ids]),
            QuarantinedMessage.resolved_at.is_(None),
        )
    ).all()
