"""I8, I11: what was promised is done or known to the staff."""

from __future__ import annotations

from collections.abc import Iterator

from orders.doctor.checks.finding import FORGOTTEN_AFTER, GRACE, Finding, Remedy
from orders.doctor.snapshot import Snapshot


def nothing_is_stuck(look: Snapshot) -> Iterator[Finding]:
    """I8: effects are delivered, dead-letter queues are empty or known to the quarantine."""
    if look.outbox_oldest is not None and look.outbox_oldest + GRACE < look.taken_at:
        yield Finding(
            "I8",
            "outbox",
            f"{look.outbox_waiting} effects wait, the oldest since {look.outbox_oldest:%H:%M:%S}",
            Remedy.DELIVER,
        )
    for queue in look.queues:
        if queue.dead > look.quarantined:
            yield Finding(
                "I8", queue.name, f"{queue.dead} messages in its dead-letter queue are not in quarantine"
            )


def everybody_was_told(look: Snapshot) -> Iterator[Finding]:
    """I11: a message whose sender died is sent by nobody else, because it may be out already; a person must know."""
    for claim in look.open_claims:
        if claim.claimed_at + FORGOTTEN_AFTER < look.taken_at:
            yield Finding(
                "I11",
                claim.order_id,
                f"nobody knows whether the {claim.channel} about {claim.event} was sent; ask the provider",
            )
