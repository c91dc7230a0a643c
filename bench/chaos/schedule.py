"""What goes wrong when: a schedule drawn from a seed, and from nothing else."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

CALM_SECONDS = 12.0
"""Between the end of a fault and the next: longer than the promised recovery, so that each fault is judged alone."""
FIRST_AFTER_SECONDS = 4.0
LAST_BEFORE_SECONDS = 12.0
PROMISED_SECONDS = 10.0
PROMISED_AFTER_CRASH_OF_POSTGRES = 15.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault: how it is told, how long it lasts, and how soon after its end orders are taken again."""

    name: str
    told: str
    seconds: tuple[float, float] = (0.0, 0.0)
    """Shortest and longest; a kill has no length, its end is the kill."""
    recovers_within: float = PROMISED_SECONDS


_POSTGRES_CRASH = PROMISED_AFTER_CRASH_OF_POSTGRES
FAULTS: Sequence[Fault] = (
    Fault("web-killed", "kill -9 of the web server's master"),
    Fault("web-child-killed", "kill -9 of one web process"),
    Fault("web-frozen", "one web process stopped (SIGSTOP), then continued", (4, 8)),
    Fault("web-restarted", "SIGTERM to the web server"),
    Fault("worker-killed", "kill -9 of the worker"),
    Fault("worker-frozen", "the worker stopped (SIGSTOP), then continued", (4, 12)),
    Fault("worker-restarted", "SIGTERM to the worker"),
    Fault("lambda-killed", "kill -9 of a Lambda's process behind the gateway"),
    Fault("lambda-frozen", "a Lambda's process stopped (SIGSTOP), then continued", (4, 8)),
    Fault("postgres-killed", "kill -9 of PostgreSQL's postmaster", recovers_within=_POSTGRES_CRASH),
    Fault("postgres-backend-killed", "kill -9 of one PostgreSQL backend", recovers_within=_POSTGRES_CRASH),
    Fault("postgres-frozen", "PostgreSQL stopped (SIGSTOP), then continued", (3, 6)),
    Fault("postgres-restarted", "a fast shutdown of PostgreSQL", recovers_within=_POSTGRES_CRASH),
    Fault("postgres-cut", "every connection to PostgreSQL reset", (0.5, 2)),
    Fault("postgres-slow", "150 ms more on each way to and from PostgreSQL", (4, 8)),
    Fault("postgres-silent", "PostgreSQL takes bytes and never answers", (3, 6)),
    Fault("postgres-replies-lost", "PostgreSQL's answers lost, the statements done", (0.5, 2)),
    Fault("aws-cut", "every connection to AWS reset", (0.5, 2)),
    Fault("aws-slow", "300 ms more on each way to and from AWS", (4, 8)),
    Fault("aws-silent", "AWS takes bytes and never answers", (3, 6)),
    Fault("aws-replies-lost", "AWS's answers lost, the calls done", (0.5, 2)),
    Fault("calls-refused", "30 % of AWS calls answered 503 and not done", (4, 8)),
    Fault("calls-throttled", "30 % of AWS calls throttled", (4, 8)),
    Fault("calls-failed", "30 % of AWS calls answered 500, half of them done", (4, 8)),
    Fault("calls-unanswered", "20 % of AWS calls done, the connection broken within the answer", (4, 8)),
    Fault("messages-duplicated", "half of all messages taken twice", (6, 10)),
    Fault("messages-disordered", "each message late by 0 to 8 s, in any order", (6, 10)),
    Fault("messages-undeleted", "half of all deletions of messages forgotten", (6, 10)),
    Fault("disk-full", "the database's disk is full", (4, 7), _POSTGRES_CRASH),
    Fault("clock-forward", "the programs' clock runs two minutes ahead, then right again", (5, 10)),
    Fault("clock-back", "the programs' clock runs two minutes behind, then right again", (5, 10)),
)
BY_NAME = {fault.name: fault for fault in FAULTS}


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault with its moment (seconds since the start of the run), its length, and which of several victims it hits."""

    at: float
    name: str
    seconds: float
    victim: float
    """0 to 1: its place among the processes that could be hit."""

    @property
    def fault(self) -> Fault:
        """What kind it is."""
        return BY_NAME[self.name]


def draw(seed: int, run_seconds: float, names: Sequence[str] | None = None) -> list[Planned]:
    """The schedule of a run: the same for the same seed, length and kinds. Every kind comes before one comes twice."""
    dice = random.Random(f"cartwright chaos {seed}")
    plan: list[Planned] = []
    deck: list[Fault] = []
    at = FIRST_AFTER_SECONDS
    while True:
        if not deck:
            deck = [BY_NAME[name] for name in names] if names else list(FAULTS)
            dice.shuffle(deck)
        fault = deck.pop()
        seconds = round(dice.uniform(*fault.seconds), 2)
        if at + seconds + LAST_BEFORE_SECONDS > run_seconds:
            return plan
        plan.append(Planned(round(at, 2), fault.name, seconds, round(dice.random(), 3)))
        at += seconds + max(CALM_SECONDS, fault.recovers_within) + dice.uniform(0, 2)
