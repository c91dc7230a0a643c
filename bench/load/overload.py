"""More shoppers than the shop can serve: it sheds with 503 and Retry-After, keeps what it has accepted, and recovers.

Three times as long as the plan says: shoppers at the plan's rate, then so many times as many, then the plan's rate again
without a pause between. Nobody is patient: whoever is turned away leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import gevent.pool

from bench.load.report import RunFacts
from bench.load.run import DRAIN_SECONDS, Plan, let_in, measure
from bench.load.samples import Recorder, Sample, percentile
from bench.load.shopper import NOT_TAKEN, SOLD_OUT, TURNED_AWAY
from bench.shop import Shop

RECOVERED_WITHIN_SECONDS = 10.0
CROWD = 4_000
"""Shoppers at once: more than the doors of two web processes let in and let wait."""
SELLS_ON = 0.9
"""Of what it sold per second before the rush, the shop sells at least this share during it: a door that only shuts recovers, too."""
_HONEST = frozenset({TURNED_AWAY, NOT_TAKEN, SOLD_OUT})
"""What an overloaded shop may answer: it says so, and nothing was charged."""
_BEGINNING = frozenset({"home", "product", "add to cart"})
"""The steps of shoppers who have nothing to lose yet."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of an overload."""

    shed: int
    """Shoppers who were turned away with 503 and Retry-After."""
    shed_begun: int
    """Those of them who had something in their cart."""
    not_taken: int
    """Shoppers whose click was answered that no orders are taken at this moment."""
    broken: Sequence[str]
    """Whatever else was answered wrongly, as `step: kind`: none is allowed."""
    lost: int
    """Orders that were accepted and never recorded."""
    recovered_after: float
    """Seconds from the end of the rush to the last shopper who was turned away; 0 when nobody was any more."""
    sold_before: float
    sold_during: float
    """Orders per second before the rush and during it."""
    p99_before: float
    p99_during: float
    p99_after: float
    """Milliseconds of a step that was answered, before the rush, during it, and from the recovery on."""
    served_after: int
    """Steps that were answered from the recovery on."""

    @property
    def is_kept(self) -> bool:
        """Whether it was an overload, everybody was told honestly, the shop sold on, no order was lost and it recovered in time."""
        return (
            self.shed > 0
            and not self.broken
            and self.lost == 0
            and self.sold_during >= SELLS_ON * self.sold_before
            and self.served_after > 0
            and self.recovered_after <= RECOVERED_WITHIN_SECONDS
        )

    def __str__(self) -> str:
        """Lines for the terminal."""
        kept = "kept" if self.is_kept else "no overload" if not self.shed else "NOT KEPT"
        wrong = ", ".join(self.broken) or "nothing"
        return (
            f"{self.shed:,} turned away with 503 and Retry-After, {self.shed_begun:,} of them with a cart;"
            f" {self.not_taken:,} told that no orders are taken now; wrong: {wrong}; accepted and lost: {self.lost}\n"
            f"{self.sold_before:.1f} orders per second before the rush, {self.sold_during:.1f} during it; p99 of a step"
            f" {self.p99_before:,.0f} ms before, {self.p99_during:,.0f} ms during it\n"
            f"recovered {self.recovered_after:.1f} s after the rush; p99 {self.p99_after:,.0f} ms from then on"
            f" ({self.served_after:,} steps): {kept}"
        )


def overload(
    shop: Shop, plan: Plan, times: float, say: Callable[[str], None]
) -> tuple[Verdict, RunFacts, Recorder]:
    """Offer the plan's rate, `times` as much, and the plan's rate again; says how the shop bore it."""
    plan = replace(plan, is_straight=True, buying_share=1.0, shoppers=CROWD)
    rates = (plan.rate, plan.rate * times, plan.rate)

    def visits(recorder: Recorder, clock: Callable[[], float], paths: list[str]) -> int:
        crowd, refused = gevent.pool.Pool(CROWD), 0
        for number, rate in enumerate(rates):
            say(f"{clock():4.0f} s  {rate:g} shoppers per second")
            phase = replace(plan, rate=rate, seed=plan.seed + number)
            refused += let_in(shop.url, phase, recorder, clock, paths, crowd, number * plan.seconds)
        crowd.join(timeout=DRAIN_SECONDS)
        return refused

    facts, recorder = measure(shop, plan, say, visits)
    facts.title = f"Overload: {times:g} times {plan.rate:g} shoppers per second"
    facts.seconds = len(rates) * plan.seconds
    verdict = judged(recorder.samples, plan.seconds, 2 * plan.seconds, facts.accepted - facts.recorded)
    facts.notes += str(verdict).splitlines()
    return verdict, facts, recorder


def judged(samples: Iterable[Sample], began: float, ended: float, lost: int) -> Verdict:
    """The verdict over all steps of a run whose rush lasted from `began` to `ended`."""
    every = list(samples)
    wrong = sorted(
        {f"{each.step}: {each.error}" for each in every if each.error and each.error not in _HONEST}
    )
    last_shed = max((each.ended for each in every if each.error in {TURNED_AWAY, NOT_TAKEN}), default=ended)
    over = max(ended, last_shed)
    after = [each for each in every if each.due > over and not each.error]
    return Verdict(
        shed=sum(each.error == TURNED_AWAY for each in every),
        shed_begun=sum(each.error == TURNED_AWAY and each.step not in _BEGINNING for each in every),
        not_taken=sum(each.error == NOT_TAKEN for each in every),
        broken=wrong,
        lost=max(0, lost),
        recovered_after=over - ended,
        sold_before=_sold(every, 0, began) / began,
        sold_during=_sold(every, began, ended) / (ended - began),
        p99_before=_p99(each for each in every if each.due < began and not each.error),
        p99_during=_p99(each for each in every if began <= each.due < ended and not each.error),
        p99_after=_p99(after),
        served_after=len(after),
    )


def _p99(samples: Iterable[Sample]) -> float:
    return percentile(sorted(each.latency * 1000 for each in samples), 0.99)


def _sold(samples: Iterable[Sample], began: float, ended: float) -> int:
    return sum(each.step == "place" and not each.error and began <= each.ended < ended for each in samples)
