"""What was measured: one sample per request or flow, and the figures drawn from many."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sample:
    """One step of one shopper. Times are seconds since the start of the run.

    `latency` counts from the moment the step was due, not from when a busy generator got round to it, so a slow
    shop cannot hide its queue (no coordinated omission). `error` is empty for a success.
    """

    step: str
    due: float
    latency: float
    error: str = ""
    retries: int = 0
    """How often a patient shopper tried it again, because the shop had not answered or had answered with an error."""
    failed_at: float | None = None
    """When the first of these tries had failed; None: none did."""
    failed_last: float | None = None
    """When the last of them had failed; None as above."""

    @property
    def ended(self) -> float:
        """When the shopper had an answer, or gave up."""
        return self.due + self.latency


@dataclass(slots=True)
class Recorder:
    """Collects samples and marks."""

    samples: list[Sample] = field(default_factory=list)
    clicked: dict[str, float] = field(default_factory=dict)
    """Order link -> wall-clock seconds (Unix time) of the click that placed it, for every accepted order."""
    accepted: dict[str, float] = field(default_factory=dict)
    """Order link -> seconds since the start of the run at which the shopper saw that the order was taken."""
    came: dict[str, float] = field(default_factory=dict)
    """Order link -> seconds since the start of the run at which its shopper had come into the shop."""

    @property
    def retried(self) -> int:
        """How often patient shoppers tried a step again."""
        return sum(sample.retries for sample in self.samples)

    def add(
        self,
        step: str,
        due: float,
        latency: float,
        error: str = "",
        retries: int = 0,
        failed_at: float | None = None,
        failed_last: float | None = None,
    ) -> None:
        """Record one step."""
        self.samples.append(Sample(step, due, latency, error, retries, failed_at, failed_last))


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of sorted values; 0 when there are none."""
    if not sorted_values:
        return 0.0
    return sorted_values[max(0, math.ceil(share * len(sorted_values)) - 1)]


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one step; latencies in milliseconds."""

    step: str
    count: int
    errors: int
    p50: float
    p95: float
    p99: float
    worst: float


def figures(step: str, samples: Iterable[Sample]) -> Figures:
    """The figures of some samples; failed steps count as errors and not in the latencies."""
    chosen = list(samples)
    good = sorted(sample.latency * 1000 for sample in chosen if not sample.error)
    return Figures(
        step,
        len(chosen),
        len(chosen) - len(good),
        percentile(good, 0.50),
        percentile(good, 0.95),
        percentile(good, 0.99),
        good[-1] if good else 0.0,
    )


def by_step(samples: Iterable[Sample]) -> list[Figures]:
    """The figures of each step, in the order of their first appearance."""
    groups: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        groups[sample.step].append(sample)
    return [figures(step, group) for step, group in groups.items()]


def errors_by_kind(samples: Iterable[Sample]) -> dict[str, int]:
    """How often each error occurred, most frequent first."""
    counts: dict[str, int] = defaultdict(int)
    for sample in samples:
        if sample.error:
            counts[f"{sample.step}: {sample.error}"] += 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def over_time(
    samples: Iterable[Sample], share: float, bucket_seconds: float = 1.0
) -> list[tuple[float, float]]:
    """A percentile of the latency (milliseconds) per bucket of the run, for a plot."""
    buckets: dict[int, list[float]] = defaultdict(list)
    for sample in samples:
        if not sample.error:
            buckets[int(sample.due / bucket_seconds)].append(sample.latency * 1000)
    return [
        (index * bucket_seconds, percentile(sorted(values), share))
        for index, values in sorted(buckets.items())
    ]


def rate_over_time(moments: Iterable[float], bucket_seconds: float = 1.0) -> list[tuple[float, float]]:
    """How many per second, per bucket of the run, gaps included as zeros."""
    counts: dict[int, int] = defaultdict(int)
    for moment in moments:
        counts[int(moment / bucket_seconds)] += 1
    if not counts:
        return []
    return [
        (index * bucket_seconds, counts.get(index, 0) / bucket_seconds) for index in range(max(counts) + 1)
    ]
