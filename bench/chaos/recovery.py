"""How the shop came out of a fault, as its shoppers and their orders saw it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.chaos.watch import Inflicted
from bench.load.samples import Sample


@dataclass(frozen=True, slots=True)
class OrderTimes:
    """The moments of one order, in seconds since the start of the run."""

    taken: float
    """When the order API took it, by the time that the order carries."""
    recorded: float | None
    """When it was first seen confirmed in the book; None: never."""
    accepted: float | None
    """When its shopper saw that it was taken; None: the shopper had given up."""
    came: float | None = None
    """When its shopper came into the shop; None as above."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """How the shop came out of a fault. Seconds from the end of the fault; None: never."""

    served_after: float | None
    """To the first recorded order of a shopper who came in after the end: the whole way, from the product's page on."""
    answered_after: float
    """Until every shopper had an answer who waited for one at the end, or whom the fault made try again; 0: nobody did."""
    waiting_shoppers: int
    """How many these were."""
    caught_up_after: float | None
    """Until every order that was taken before the end was recorded; 0 when all of them already were."""
    waiting: int
    """How many orders were taken and not yet recorded when the fault ended."""

    @property
    def recovered_after(self) -> float | None:
        """All three: newcomers can buy, nobody waits, and no order of before is owed any more."""
        if self.served_after is None or self.caught_up_after is None:
            return None
        return max(self.served_after, self.answered_after, self.caught_up_after)


def recovery(
    inflicted: Inflicted, orders: Iterable[OrderTimes], steps: Iterable[Sample], until: float = math.inf
) -> Recovery:
    """How the shop came out of a fault, by all orders and steps of the run. `until` is when the next fault began."""
    end, found = inflicted.ended, list(orders)
    served = [
        max(order.accepted, order.recorded)
        for order in found
        if order.accepted is not None
        and order.recorded is not None
        and order.came is not None
        and order.came > end
    ]
    held_up = [_answered_at(step, until) for step in steps if _is_held_up(step, inflicted, until)]
    before = [order.recorded for order in found if order.taken <= end]
    late = [moment for moment in before if moment is None or moment > end]
    return Recovery(
        served_after=min(served) - end if served else None,
        answered_after=max(held_up) - end if held_up else 0.0,
        waiting_shoppers=len(held_up),
        caught_up_after=None
        if None in late
        else max((at - end for at in late if at is not None), default=0.0),
        waiting=len(late),
    )


def recoveries(
    inflicted: Sequence[Inflicted], orders: Iterable[OrderTimes], steps: Iterable[Sample]
) -> list[Recovery]:
    """The recovery from each fault of a run; a shopper who had to try again counts for the fault before."""
    all_orders, all_steps = list(orders), list(steps)
    done = [each.began for each in inflicted if not each.skipped]
    return [
        recovery(each, all_orders, all_steps, min((at for at in done if at > each.began), default=math.inf))
        for each in inflicted
    ]


def _is_held_up(step: Sample, inflicted: Inflicted, until: float) -> bool:
    """Whether a shopper waited for this step as the fault ended, or had to try it again because of the fault.

    What failed for the first time after the next fault had begun is the next one's, whenever the step was due.
    """
    if step.ended <= inflicted.ended:
        return False
    has_failed_since = step.failed_at is not None and inflicted.began <= step.failed_at < until
    return step.due <= inflicted.ended or has_failed_since


def _answered_at(step: Sample, until: float) -> float:
    """When the shopper had an answer, as far as this fault goes: who was broken again by the next one waits for that one since then."""
    is_broken_again = step.failed_last is not None and step.failed_last >= until
    return min(step.ended, until) if is_broken_again else step.ended
