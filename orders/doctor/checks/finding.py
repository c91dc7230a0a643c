"""What a check finds: the broken promise, of whom, and what would repair it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from orders.domain.order import OrderStatus

GRACE = timedelta(seconds=60)
"""How long after its hour a reservation may wait for the sweeper, which runs each minute on AWS."""
FORGOTTEN_AFTER = timedelta(minutes=15)
"""How long a checkout may take between authorising the card and submitting the order, and a message to be sent."""
ENDED_EARLY = frozenset({OrderStatus.CANCELLED, OrderStatus.EXPIRED})


class Remedy(StrEnum):
    """What would repair a finding; repairs.py holds one function for each."""

    NONE = "look at it by hand"
    RESEND = "send the order's message to the queue again"
    PROJECT = "project the tracking view from the book again"
    EXPIRE = "give the reservation back and tell the book"
    RELEASE = "give the stock of the closed order back"
    CONFIRM = "confirm the reservation of the recorded order"
    VOID = "void the authorisation that belongs to no order"
    GIVE_BACK = "give the coupon's use back"
    JOURNAL = "write the movement into the journal, without a name"
    DELIVER = "start a worker: it delivers the waiting effects of the outbox"


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken promise: which, of whom, what is wrong, and what would repair it."""

    promise: str
    subject: str
    problem: str
    remedy: Remedy = Remedy.NONE
    is_settling: bool = False
