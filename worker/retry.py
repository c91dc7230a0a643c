"""What happens to a message whose job failed, decided by the type of the error alone."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from orders.domain.errors import CartwrightError, Poison, Refused, Unavailable

LONGEST_WAIT_SECONDS = 43_200.0
"""SQS hides a message for at most 12 hours."""


class LeaseLost(CartwrightError):
    """The message belongs to somebody else by now: whatever was done for it must not be committed."""

    code = "lease_lost"


class JobTimedOut(CartwrightError):
    """The job ran longer than its limit."""

    code = "job_timed_out"
    retryable = True


class NotYet(Unavailable):
    """Something that must come first has not happened yet, such as the recording of the order."""

    code = "not_yet"


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how patiently a job is tried: `max_attempts` in all, waiting `first_seconds` x `factor`^n at most.

    The wait is drawn from zero to that limit ("full jitter": Brooker, Exponential Backoff and Jitter, AWS
    Architecture Blog, 2015), so that what failed together does not come back together.
    """

    max_attempts: int = 5
    first_seconds: float = 1.0
    factor: float = 3.0
    longest_seconds: float = 900.0

    def delay(self, attempt: int, draw: Callable[[], float] = random.random) -> float:
        """Seconds to wait after failed attempt number `attempt` (1 is the first)."""
        limit = self.first_seconds * self.factor ** (attempt - 1)
        return min(limit, self.longest_seconds, LONGEST_WAIT_SECONDS) * draw()


AWAY = Retry(max_attempts=80, first_seconds=0.4, factor=2.0, longest_seconds=3.0)
"""For a message that met a database that is away or full: nothing is wrong with the message, so it is tried again within
seconds of the end, however long that took. It stays in our hands for `max_attempts` tries, about two minutes, of which its
queue counts none; then it counts as one receive. So good messages outlast ten minutes of a full disk, and one that itself is
what the database cannot take ends in quarantine like any other.
"""


class Fate(StrEnum):
    """What becomes of a message."""

    RETRY = "retry"
    QUARANTINE = "quarantine"
    DROP = "drop"


def fate_of(error: BaseException, attempt: int, retry: Retry) -> Fate:
    """RETRY what may go better next time, QUARANTINE what will not or was tried often enough, DROP what is not ours.

    An error that is not of the core's tree is a bug or something unheard of: it is retried like a transient one, and
    the quarantine keeps its traceback.
    """
    if isinstance(error, LeaseLost):
        return Fate.DROP
    if isinstance(error, Refused | Poison):
        return Fate.QUARANTINE
    return Fate.RETRY if attempt < retry.max_attempts else Fate.QUARANTINE
