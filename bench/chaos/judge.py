"""After the faults: wait until nothing moves, then compare what shoppers were told with what the stores hold."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from local.postmark import MESSAGES_FILE
from orders.doctor.__main__ import open_shop
from orders.doctor.diagnosis import Diagnosis, diagnose
from orders.doctor.reading import read
from orders.domain.errors import Unavailable
from orders.settings import Settings

QUIET_SECONDS = 240.0
"""A minute more than the longest wait: a worker's effect is tried again for three minutes (docs/worker.md)."""
LOOK_EVERY_SECONDS = 1.0


@dataclass
class Verdict:
    """What the stores say about a run."""

    accepted: int
    recorded: int
    lost: list[str] = field(default_factory=list)
    """Accepted orders that are not in the book."""
    doubled: list[str] = field(default_factory=list)
    """Shoppers who have more than one order; each wanted one."""
    charged_twice: list[str] = field(default_factory=list)
    """Orders for which money was taken more than once."""
    oversold: list[str] = field(default_factory=list)
    told_twice: list[str] = field(default_factory=list)
    """Messages that a shopper got twice."""
    unseen: list[str] = field(default_factory=list)
    """Orders that the shop took although the shopper gave up before the answer came: no violation, they are told by mail."""
    findings: list[str] = field(default_factory=list)
    """What the doctor found, and what it could not settle."""
    quiet_after: float | None = None
    """Seconds from the last arrival until nothing moved; None: it never came to rest."""

    @property
    def violations(self) -> int:
        """How many promises were broken."""
        lists = (self.lost, self.doubled, self.charged_twice, self.oversold, self.told_twice, self.findings)
        return sum(map(len, lists)) + (self.quiet_after is None)

    @property
    def bound(self) -> float:
        """The rule of three: with no violation in n orders, at most 3/n of all orders are violated (95 %)."""
        return 3 / self.accepted if self.accepted else 1.0


def judge(
    settings: Settings,
    mail: Path,
    accepted: Collection[str],
    earlier: Collection[str],
    say: Callable[[str], None],
) -> Verdict:
    """Wait for quiet and examine everything.

    `accepted` are the ids of the orders that shoppers saw accepted, `earlier` those that were in the book before the run.
    """
    diagnosis, quiet_after = _come_to_rest(settings, say)
    dsn = settings.database_url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(dsn) as connection:
        emails: dict[str, str] = dict(connection.execute("SELECT id::text, email FROM orders").fetchall())
        captures: dict[str, int] = dict(
            connection.execute(
                "SELECT order_id::text, count(*) FROM payment_attempts"
                " WHERE kind = 'capture' AND status = 'succeeded' GROUP BY 1"
            ).fetchall()
        )
        charged: dict[str, int] = dict(
            connection.execute(
                "SELECT order_id, count(*) FROM test_provider_charges WHERE captured_minor > 0 GROUP BY 1"
            ).fetchall()
        )
    return Verdict(
        accepted=len(accepted),
        recorded=sum(order_id in emails for order_id in accepted),
        lost=sorted(set(accepted) - emails.keys()),
        doubled=_repeated(emails.values()),
        charged_twice=sorted({each for counts in (captures, charged) for each, n in counts.items() if n > 1}),
        oversold=_oversold(diagnosis),
        told_twice=_told_twice(mail),
        unseen=sorted(emails.keys() - set(accepted) - set(earlier)),
        findings=[f"{found.promise} {found.subject}: {found.problem}" for found in diagnosis.all],
        quiet_after=quiet_after,
    )


def _come_to_rest(settings: Settings, say: Callable[[str], None]) -> tuple[Diagnosis, float | None]:
    """Look until the queues and the outbox are empty and the doctor finds nothing, or the time is up."""
    stores, _ = open_shop(settings)
    began = time.monotonic()
    try:
        while True:
            waited = time.monotonic() - began
            try:
                diagnosis = diagnose(lambda: read(stores), settle_seconds=0.0, wait=time.sleep)
            except Unavailable as error:
                if waited > QUIET_SECONDS:
                    raise
                say(f"      the doctor cannot look: {error}")
            else:
                moving = _moving(diagnosis)
                if not moving and diagnosis.is_healthy:
                    return diagnosis, waited
                if waited > QUIET_SECONDS:
                    return diagnosis, None if moving else waited
                say(f"      {waited:3.0f} s  {_told(moving)}; {len(diagnosis.all)} findings")
            time.sleep(LOOK_EVERY_SECONDS)
    finally:
        stores.engine.dispose()


def _moving(diagnosis: Diagnosis) -> dict[str, int]:
    """What is on its way, by where it waits."""
    look = diagnosis.look
    waiting = {queue.name: queue.waiting + queue.in_flight for queue in look.queues}
    return {name: count for name, count in {**waiting, "outbox": look.outbox_waiting}.items() if count}


def _told(moving: Mapping[str, int]) -> str:
    return ", ".join(f"{count} in {name}" for name, count in moving.items()) or "nothing on its way"


def _repeated(values: Iterable[str]) -> list[str]:
    return sorted(value for value, count in Counter(values).items() if count > 1)


def _oversold(diagnosis: Diagnosis) -> list[str]:
    """SKUs of which more was ordered than ever came in. Counted from the book, not from the counters."""
    ordered: Counter[str] = Counter()
    for order in diagnosis.look.orders.values():
        for line in order.lines:
            ordered[line.sku] += line.quantity - line.cancelled - line.restocked
    levels: Mapping[str, int] = {sku: level.received for sku, level in diagnosis.look.levels.items()}
    return sorted(sku for sku, pieces in ordered.items() if pieces > levels.get(sku, 0))


def _told_twice(mail: Path) -> list[str]:
    """Read line by line: the in-box forgets the oldest. A subject names the order and what happened to it."""
    file = mail / MESSAGES_FILE
    messages = [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []
    found = Counter((each["channel"], *each["to"], each["subject"] or each["text"]) for each in messages)
    return sorted(" ".join(key) for key, count in found.items() if count > 1)
