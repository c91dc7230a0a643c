"""CPU and memory of every process of the shop, and the depth of its queues, sampled while the load runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import psutil

SAMPLE_EVERY_SECONDS = 5.0
"""To find every process, and to have the kernel walk its page tables for a proportional set size, took more each second than
the load's browsers."""


@dataclass(slots=True)
class ResourceSampler:
    """Samples trees of processes by the name of their root (web, worker, postgres, aws)."""

    roots: Mapping[str, int]
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    memory: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    """Name -> (seconds, MB) over the run; proportional set size where the kernel tells it."""
    _sampled_at: float = -SAMPLE_EVERY_SECONDS
    _seen: dict[str, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))
    _before: dict[str, dict[int, float]] = field(default_factory=dict)

    def start(self) -> None:
        """Note the CPU time that was used before the run."""
        self._before = {name: _cpu(_tree(pid)) for name, pid in self.roots.items()}

    def look(self, moment: float) -> None:
        """Take a sample when the last one is old enough."""
        if moment - self._sampled_at >= SAMPLE_EVERY_SECONDS:
            self.sample(moment)

    def sample(self, moment: float) -> None:
        """Take one sample; a process that has ended keeps what it had used when it was last seen."""
        self._sampled_at = moment
        for name, pid in self.roots.items():
            tree = _tree(pid)
            self._seen[name].update(_cpu(tree))
            self.memory[name].append((moment, sum(_megabytes(process) for process in tree)))

    def finish(self) -> None:
        """Work out the CPU seconds of each tree during the run."""
        self.cpu_seconds = {
            name: sum(used - self._before[name].get(pid, 0.0) for pid, used in self._seen[name].items())
            for name in self.roots
        }


def _tree(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _cpu(tree: list[psutil.Process]) -> dict[int, float]:
    used: dict[int, float] = {}
    for process in tree:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        used[process.pid] = times.user + times.system
    return used


def _megabytes(process: psutil.Process) -> float:
    try:
        full = process.memory_full_info()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0.0
    return float(getattr(full, "pss", full.rss)) / 1e6
