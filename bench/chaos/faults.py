"""How each fault of the schedule is done to a stage, and undone."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress

import psutil

from bench.chaos.proxy import Mode
from bench.chaos.schedule import Planned
from bench.chaos.stage import Stage

CLOCK_JUMP_SECONDS = 120

Doing = Callable[[Stage, Planned], AbstractContextManager[str]]
"""Begins a fault and says what was hit; ends it when the block ends."""


class NoVictim(Exception):
    """There was no process to hit; the text names what was looked for."""


def inflict(stage: Stage, planned: Planned) -> AbstractContextManager[str]:
    """Begin a planned fault. Raises NoVictim when it enters and there is nothing to hit."""
    return DOINGS[planned.name](stage, planned)


def _victim(stage: Stage, root: str, planned: Planned, *, child: bool = False) -> psutil.Process:
    """The process to hit: the program's first, or one of those that it forked."""
    found = stage.processes(root)
    found = found[1:] if child else found[:1]
    if not found:
        raise NoVictim(f"no process of {root}")
    return found[min(int(planned.victim * len(found)), len(found) - 1)]


def _sent(number: signal.Signals, root: str, *, child: bool = False) -> Doing:
    @contextmanager
    def doing(stage: Stage, planned: Planned) -> Iterator[str]:
        victim = _victim(stage, root, planned, child=child)
        victim.send_signal(number)
        yield f"{number.name} to process {victim.pid}"

    return doing


def _frozen(root: str, *, child: bool = False) -> Doing:
    @contextmanager
    def doing(stage: Stage, planned: Planned) -> Iterator[str]:
        victims = [_victim(stage, root, planned, child=True)] if child else stage.processes(root)
        if not victims:
            raise NoVictim(f"no process of {root}")
        for victim in victims:
            with suppress(psutil.NoSuchProcess):
                victim.suspend()
        try:
            yield f"{len(victims)} processes stopped"
        finally:
            for victim in victims:
                with suppress(psutil.NoSuchProcess):
                    victim.resume()

    return doing


def _connections(which: str, mode: Mode, delay_seconds: float | None = None) -> Doing:
    @contextmanager
    def doing(stage: Stage, planned: Planned) -> Iterator[str]:
        stage.proxies[which].set_mode(mode, delay_seconds)
        try:
            yield f"proxy: {mode}"
        finally:
            stage.proxies[which].set_mode(Mode.PASS)

    return doing


def _aws(**shares: float) -> Doing:
    @contextmanager
    def doing(stage: Stage, planned: Planned) -> Iterator[str]:
        stage.set_aws_faults(**shares)
        try:
            yield ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
        finally:
            stage.set_aws_faults()

    return doing


@contextmanager
def _disk_full(stage: Stage, planned: Planned) -> Iterator[str]:
    taken = stage.fill_disk()
    try:
        yield f"{taken / 1e6:.0f} MB taken"
    finally:
        stage.free_disk()


def _clock(offset_seconds: int) -> Doing:
    @contextmanager
    def doing(stage: Stage, planned: Planned) -> Iterator[str]:
        stage.set_clock(offset_seconds)
        try:
            yield f"clock {offset_seconds:+d} s"
        finally:
            stage.set_clock(0)

    return doing


DOINGS: Mapping[str, Doing] = {
    "web-killed": _sent(signal.SIGKILL, "web"),
    "web-child-killed": _sent(signal.SIGKILL, "web", child=True),
    "web-frozen": _frozen("web", child=True),
    "web-restarted": _sent(signal.SIGTERM, "web"),
    "worker-killed": _sent(signal.SIGKILL, "worker"),
    "worker-frozen": _frozen("worker"),
    "worker-restarted": _sent(signal.SIGTERM, "worker"),
    "lambda-killed": _sent(signal.SIGKILL, "aws", child=True),
    "lambda-frozen": _frozen("aws", child=True),
    "postgres-killed": _sent(signal.SIGKILL, "postgres"),
    "postgres-backend-killed": _sent(signal.SIGKILL, "postgres", child=True),
    "postgres-frozen": _frozen("postgres"),
    "postgres-restarted": _sent(signal.SIGINT, "postgres"),
    "postgres-cut": _connections("postgres", Mode.RESET),
    "postgres-slow": _connections("postgres", Mode.DELAY, 0.15),
    "postgres-silent": _connections("postgres", Mode.BLACKHOLE),
    "postgres-replies-lost": _connections("postgres", Mode.LOSE_REPLIES),
    "aws-cut": _connections("aws", Mode.RESET),
    "aws-slow": _connections("aws", Mode.DELAY, 0.3),
    "aws-silent": _connections("aws", Mode.BLACKHOLE),
    "aws-replies-lost": _connections("aws", Mode.LOSE_REPLIES),
    "calls-refused": _aws(refused=0.3),
    "calls-throttled": _aws(throttled=0.3),
    "calls-failed": _aws(failed_before=0.15, failed_after=0.15),
    "calls-unanswered": _aws(reply_lost=0.2),
    "messages-duplicated": _aws(duplicated=0.5),
    "messages-disordered": _aws(delayed=1.0),
    "messages-undeleted": _aws(undeleted=0.5),
    "disk-full": _disk_full,
    "clock-forward": _clock(CLOCK_JUMP_SECONDS),
    "clock-back": _clock(-CLOCK_JUMP_SECONDS),
}
