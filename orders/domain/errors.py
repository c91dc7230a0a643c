"""Every error that the core raises, as one tree.

    CartwrightError
    |-- Refused                  the caller asked for something that cannot be; the same request fails again
    |   |-- InvalidRequest       a field is wrong; `problems` says which and how to mend it
    |   |-- OrderRefused         stock, price or SKU; `lines` says which line and why
    |   |-- NotFound             no such order, product, customer
    |   |-- TransitionRefused    the state machine does not allow it from here
    |   |-- VersionConflict      somebody changed the order since it was read
    |   |-- IdempotencyConflict  the key was used before with another body
    |   `-- PaymentDeclined      the provider said no; `code` says why
    |-- Unavailable              a dependency is down, slow or throttling; trying again may help
    |   |-- StorageAway          the database is away or cannot write; nothing is said against what was asked of it
    |   `-- OutcomeUnknown       the request was sent and the answer was lost; ask before doing it again
    `-- Poison                   a message that no retry will mend; it belongs in quarantine

Two questions are answered by type, never by text: may it be retried (`retryable`), and whose fault is it
(`Refused` is the caller's, the rest is ours). Drawn after httpx's exception tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class CartwrightError(Exception):
    """Base of every error of the core. `code` is stable and goes on the wire; the text is for people."""

    code = "error"
    retryable = False


class Refused(CartwrightError):
    """The caller's request cannot be done; repeating it changes nothing."""

    code = "refused"


@dataclass(frozen=True, slots=True)
class Problem:
    """One wrong field: `pointer` is its JSON pointer (`/lines/0/quantity`), `detail` says what to do."""

    pointer: str
    detail: str


class InvalidRequest(Refused):
    """One or more fields are wrong."""

    code = "invalid_request"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{p.pointer}: {p.detail}" for p in self.problems))


class RefusalReason(StrEnum):
    """Why one line of an order was refused."""

    OUT_OF_STOCK = "out_of_stock"
    PRICE_CHANGED = "price_changed"
    UNKNOWN_SKU = "unknown_sku"


@dataclass(frozen=True, slots=True)
class LineRefusal:
    """Why one line cannot be had: `available` pieces are left, `price_minor` is today's price."""

    sku: str
    reason: RefusalReason
    requested: int
    available: int | None = None
    price_minor: int | None = None


class OrderRefused(Refused):
    """The order was refused as a whole; nothing was reserved. `lines` names every line at fault.

    `is_final`: this attempt cannot be accepted any more, not even by a request of it that is still on its way.
    """

    code = "order_refused"

    def __init__(self, lines: Sequence[LineRefusal], *, is_final: bool = False) -> None:
        self.lines = tuple(lines)
        self.is_final = is_final
        super().__init__(", ".join(f"{line.sku}: {line.reason}" for line in self.lines))


class NotFound(Refused):
    """There is no such thing, or the caller may not know of it."""

    code = "not_found"


class TransitionRefused(Refused):
    """The state machine does not allow this event from the order's present state."""

    code = "transition_refused"


class VersionConflict(Refused):
    """The order changed since the caller read it; read it again and decide anew."""

    code = "version_conflict"


class IdempotencyConflict(Refused):
    """The idempotency key was used before with a different body."""

    code = "idempotency_conflict"


class PaymentDeclined(Refused):
    """The payment provider refused. `code` is the provider's reason in our words (see ports.DeclineCode)."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class Unavailable(CartwrightError):
    """A dependency did not do its part. Trying again may help; `retry_after_seconds` is a hint, if known."""

    code = "unavailable"
    retryable = True

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(message)


class StorageAway(Unavailable):
    """The database is away, full or not the one that writes: whatever was asked of it would have failed."""


class OutcomeUnknown(Unavailable):
    """The request may or may not have been done: only the same idempotency key makes a repeat safe."""

    code = "outcome_unknown"


class Poison(CartwrightError):
    """A message that cannot be processed however often it is tried."""

    code = "poison"
