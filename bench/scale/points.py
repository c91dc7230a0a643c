"""One measured cost, how it is told on the terminal, and how processor time is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psutil

BLOCKS, MILLISECONDS = "blocks touched", "CPU ms"


@dataclass(frozen=True, slots=True)
class Point:
    """One measured cost: what was done, with how much there, and what it took."""

    part: str
    what: str
    size: int
    cost: float
    unit: str


def told(points: Sequence[Point]) -> None:
    """Print the points of the largest size, which are the newest."""
    newest = points[-1].size
    for point in points:
        if point.size == newest:
            print(
                f"{point.part:10} {point.what:28} {point.size:>9,} {point.cost:10,.2f} {point.unit}",
                flush=True,
            )


def processor_seconds(pids: Sequence[int]) -> float:
    """What these processes have used of the processors since they began."""
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return float(sum(each.user + each.system for each in times))
