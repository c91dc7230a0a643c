"""Looking, and looking again: what may be an order in flight counts only when it stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orders.doctor.checks import CHECKS, Finding, keys
from orders.doctor.snapshot import Snapshot

LOOK_EVERY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the doctor found: the last look, and the findings of each check by its name."""

    look: Snapshot
    findings: dict[str, list[Finding]]

    @property
    def is_healthy(self) -> bool:
        """Whether every promise holds."""
        return not any(self.findings.values())

    @property
    def all(self) -> list[Finding]:
        """The findings of all checks."""
        return [finding for found in self.findings.values() for finding in found]


def _examine(look: Snapshot) -> dict[str, list[Finding]]:
    return {check.__name__: list(check(look)) for check in CHECKS}


def diagnose(
    look: Callable[[], Snapshot], *, settle_seconds: float, wait: Callable[[float], None]
) -> Diagnosis:
    """Look until nothing may be in flight any more, at most for `settle_seconds`.

    A finding that may settle is kept only when every look showed it, so a busy shop is not called sick for orders
    that are just on their way.
    """
    diagnosis = Diagnosis(snapshot := look(), _examine(snapshot))
    waited = 0.0
    suspicious = keys([finding for finding in diagnosis.all if finding.is_settling])
    while suspicious and waited < settle_seconds:
        wait(LOOK_EVERY_SECONDS)
        waited += LOOK_EVERY_SECONDS
        diagnosis = Diagnosis(snapshot := look(), _examine(snapshot))
        suspicious &= keys([finding for finding in diagnosis.all if finding.is_settling])
    return Diagnosis(
        diagnosis.look,
        {
            name: [finding for finding in found if not finding.is_settling or keys([finding]) <= suspicious]
            for name, found in diagnosis.findings.items()
        },
    )
