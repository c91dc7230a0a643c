"""One pure function per promise: a snapshot in, findings out.

A finding that may be an order in flight carries `is_settling`: it counts only when it is still there after the
doctor waited (see diagnosis.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from orders.doctor.checks.finding import Finding, Remedy
from orders.doctor.checks.of_money import (
    charged_once,
    coupons_are_counted,
    ledger_balances,
    totals_are_the_lines,
)
from orders.doctor.checks.of_orders import (
    accepted_is_recorded,
    history_is_legal,
    recorded_as_accepted,
    recorded_was_accepted,
    tracking_agrees,
)
from orders.doctor.checks.of_stock import (
    movements_are_journaled,
    reservations_end,
    sold_is_shipped,
    stock_is_conserved,
)
from orders.doctor.checks.of_work import everybody_was_told, nothing_is_stuck
from orders.doctor.snapshot import Snapshot

CHECKS: tuple[Callable[[Snapshot], Iterator[Finding]], ...] = (
    stock_is_conserved,
    sold_is_shipped,
    movements_are_journaled,
    accepted_is_recorded,
    recorded_was_accepted,
    recorded_as_accepted,
    charged_once,
    ledger_balances,
    totals_are_the_lines,
    history_is_legal,
    tracking_agrees,
    coupons_are_counted,
    reservations_end,
    nothing_is_stuck,
    everybody_was_told,
)


def examine(look: Snapshot) -> list[Finding]:
    """Every finding of every check."""
    return [finding for check in CHECKS for finding in check(look)]


def keys(findings: list[Finding]) -> set[tuple[str, str, str]]:
    """What makes a finding the same one at a second look."""
    return {(finding.promise, finding.subject, finding.problem) for finding in findings}


__all__ = [
    "CHECKS",
    "Finding",
    "Remedy",
    "charged_once",
    "examine",
    "history_is_legal",
    "keys",
    "ledger_balances",
    "stock_is_conserved",
    "totals_are_the_lines",
]
