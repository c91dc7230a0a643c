"""The highest rate of orders that a shop sustains, found by stepping, and how it behaves at seven tenths of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from bench.load.report import RunFacts
from bench.load.run import Plan, measure
from bench.load.samples import Recorder, percentile
from bench.shop import Shop

SUSTAINED_SHARE = 0.95
"""A rate is sustained when so much of it was recorded by the time the last shopper had left ..."""
LATE_SECONDS = 5.0
"""... and 99 of 100 orders were confirmed this soon after the click: a growing queue is no throughput."""
COMFORT = 0.7
STEP_SECONDS = 12.0


@dataclass(frozen=True, slots=True)
class Step:
    """One rate and what came of it."""

    rate: float
    recorded_per_second: float
    failed: int
    p99_confirmed_ms: float
    cpu_ms_per_order: dict[str, float]
    is_sustained: bool

    def __str__(self) -> str:
        """A line for the terminal."""
        cpu = ", ".join(f"{name} {value:.0f}" for name, value in self.cpu_ms_per_order.items())
        return (
            f"{self.rate:5.1f}/s offered, {self.recorded_per_second:5.1f}/s recorded, {self.failed} failed steps,"
            f" click to confirmed p99 {self.p99_confirmed_ms:,.0f} ms, CPU ms per order: {cpu}"
            f" {'' if self.is_sustained else '(not sustained)'}"
        )


def judged(facts: RunFacts, recorder: Recorder, rate: float) -> Step:
    """A run as a step of the search."""
    p99 = percentile(sorted(facts.to_confirmed), 0.99)
    failed = sum(1 for sample in recorder.samples if sample.error)
    recorded = facts.recorded / facts.seconds
    offered = facts.accepted + sum(1 for sample in recorder.samples if sample.error)
    return Step(
        rate,
        recorded,
        failed,
        p99 * 1000,
        {name: used * 1000 / max(facts.recorded, 1) for name, used in facts.cpu_seconds.items()},
        facts.recorded >= SUSTAINED_SHARE * offered and failed == 0 and p99 <= LATE_SECONDS,
    )


def find_limit(
    shop: Shop, plan: Plan, rates: list[float], say: Callable[[str], None]
) -> tuple[list[Step], RunFacts, Recorder]:
    """Offer one rate after the other until one is not sustained; then seven tenths of the highest that was, for longer.

    Returns all steps, the last being the comfortable one, with that run's facts and samples.
    """
    steps: list[Step] = []
    best = rates[0]
    for number, rate in enumerate(rates):
        step = replace(plan, rate=rate, seconds=STEP_SECONDS, seed=plan.seed + 10 * number)
        if number:
            step = replace(step, warm_up_seconds=0)
        facts, recorder = measure(shop, step, _silent)
        steps.append(judged(facts, recorder, rate))
        say(str(steps[-1]))
        if not steps[-1].is_sustained:
            break
        best = rate
    comfortable = replace(plan, rate=best * COMFORT, warm_up_seconds=0, seed=plan.seed + 9_000)
    facts, recorder = measure(shop, comfortable, _silent)
    steps.append(judged(facts, recorder, comfortable.rate))
    say(f"highest sustained {best:g}/s; at {COMFORT:.0%} of it: {steps[-1]}")
    facts.title = (
        f"Load run at {comfortable.rate:g} orders/s, {COMFORT:.0%} of the highest sustained {best:g}/s"
    )
    facts.notes += [str(step) for step in steps]
    return steps, facts, recorder


def _silent(_text: str) -> None:
    return
