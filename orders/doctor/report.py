"""The doctor's report, for a person and for a program."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from orders.doctor.checks import CHECKS, Remedy
from orders.doctor.diagnosis import Diagnosis
from orders.doctor.snapshot import Snapshot

SHOWN_PER_CHECK = 20


def looked_at(look: Snapshot) -> dict[str, int]:
    """How much of each store was read."""
    return {
        "orders": len(look.orders),
        "order_lines": sum(len(order.lines) for order in look.orders.values()),
        "postings": sum(len(order.postings) for order in look.orders.values()),
        "events": sum(len(order.events) for order in look.orders.values()),
        "skus": len(look.levels),
        "reservations": len(look.reservations),
        "tracking_views": len(look.tracking),
        "payments_at_provider": len(look.charges),
        "effects_waiting": look.outbox_waiting,
        "messages_waiting": sum(queue.waiting + queue.in_flight for queue in look.queues),
        "messages_dead": sum(queue.dead for queue in look.queues),
    }


def as_text(diagnosis: Diagnosis) -> str:
    """What was looked at, then each promise with what is wrong and what would repair it."""
    counts = ", ".join(
        f"{number} {name.replace('_', ' ')}" for name, number in looked_at(diagnosis.look).items()
    )
    lines = [f"Looked at {counts}.", ""]
    for check in CHECKS:
        found = diagnosis.findings[check.__name__]
        promise = (check.__doc__ or "").splitlines()[0]
        lines.append(f"{'ok   ' if not found else 'WRONG'} {promise}")
        for finding in found[:SHOWN_PER_CHECK]:
            lines.append(f"        {finding.subject}: {finding.problem}")
            lines.append(f"            -> {finding.remedy.value}")
        if len(found) > SHOWN_PER_CHECK:
            lines.append(f"        ... and {len(found) - SHOWN_PER_CHECK} more")
    lines.append("")
    if diagnosis.is_healthy:
        lines.append("Every promise holds.")
    else:
        kinds = Counter(finding.remedy for finding in diagnosis.all)
        mendable = sum(count for remedy, count in kinds.items() if remedy is not Remedy.NONE)
        lines.append(f"{len(diagnosis.all)} findings; `--repair` can mend {mendable} of them.")
    return "\n".join(lines)


def as_data(diagnosis: Diagnosis) -> dict[str, Any]:
    """The same for a program."""
    return {
        "healthy": diagnosis.is_healthy,
        "at": diagnosis.look.taken_at.isoformat(),
        "looked_at": looked_at(diagnosis.look),
        "findings": [
            asdict(finding) | {"check": name}
            for name, found in diagnosis.findings.items()
            for finding in found
        ],
    }
