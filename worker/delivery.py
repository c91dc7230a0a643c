"""One message in our hands: what it says, which job serves it, and until when it is ours."""

from __future__ import annotations

from dataclasses import dataclass, field

from orders.adapters.sqs import ReceivedMessage
from orders.ports import JobMessage
from worker.job import Job
from worker.retry import LeaseLost


@dataclass(eq=False, slots=True)
class Delivery:
    """A received message. `leased_until` is a monotonic time, moved on by the heartbeat; past it, another worker may have it.

    `local_attempts` were made without giving it back, the next one not before `not_before` (monotonic): retry.AWAY.
    """

    queue: str
    received: ReceivedMessage
    message: JobMessage
    job: Job
    leased_until: float
    is_lost: bool = False
    not_before: float = 0.0
    local_attempts: int = field(default=0)

    @property
    def key(self) -> str:
        """What must happen in order: the order, or else the message by itself."""
        return self.message.order_id or self.message.id

    @property
    def attempt(self) -> int:
        """Which try this is, counted by the queue."""
        return self.received.receive_count

    def check(self, now: float) -> None:
        """Raise LeaseLost when the message is not ours any more."""
        if self.is_lost or now >= self.leased_until:
            raise LeaseLost(f"message {self.message.id} was given to another worker")
