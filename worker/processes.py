"""The master of several worker processes: starts them, watches them, replaces them, and stops them in time.

    SIGTERM, SIGINT   every child finishes or hands back what it holds; a second signal ends them at once
    SIGHUP            rolling restart: each child is followed by a new one before it leaves
The master holds no connection and serves no job, so that nothing a job does can take it down.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from types import FrameType

from worker.running import LIFELINE
from worker.systemd import notify

log = logging.getLogger(__name__)

SILENT_AFTER_SECONDS = 30.0
"""A child that gave no sign of life for this long hangs, and is replaced."""
STARTS_WITHIN_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 30.0
QUICK_DEATH_SECONDS = 5.0


@dataclass
class Child:
    """One worker process and what is known of it."""

    number: int
    generation: int
    process: subprocess.Popen[bytes]
    signs: int
    started_at: float
    last_sign: float
    is_leaving: bool = False
    leave_by: float = field(default=float("inf"))


class Master:
    """Keeps `count` children alive. `run` returns the exit code."""

    def __init__(
        self,
        count: int,
        arguments: Sequence[str],
        *,
        name: str,
        memory_limit_bytes: int = 0,
        stop_within_seconds: float = 25.0,
        is_burst: bool = False,
    ) -> None:
        self._count = count
        self._arguments = list(arguments)
        self._name = name
        self._memory_limit = memory_limit_bytes
        self._stop_within = stop_within_seconds
        self._is_burst = is_burst
        self._children: list[Child] = []
        self._deaths: dict[int, int] = {}
        self._restart_at: dict[int, float] = {}
        self._generation = 0
        self._signals = 0
        self._is_stopping = False
        self._wants_restart = False

    def run(self) -> int:
        """Run until told to stop and every child has left; in a burst until every child is done."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        signal.signal(signal.SIGHUP, self._restart)
        for number in range(self._count):
            self._start(number)
        notify("READY=1")
        while self._children or self._restart_at:
            self._listen(0.5)
            self._reap()
            self._watch()
            notify("WATCHDOG=1")
        log.info("master_stopped", extra={"master": self._name})
        return 0

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1
        self._is_stopping = True

    def _restart(self, _number: int, _frame: FrameType | None) -> None:
        self._wants_restart = True

    def _start(self, number: int) -> None:
        self._restart_at.pop(number, None)
        self._generation += 1
        ours, theirs = os.pipe()
        name = f"{self._name}.{number}" + (f".{self._generation}" if self._generation > self._count else "")
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "worker", "run", "--processes", "1", "--name", name, *self._arguments],
            stdin=subprocess.PIPE,
            pass_fds=[theirs],
            env={**os.environ, LIFELINE: str(theirs), "NOTIFY_SOCKET": ""},
            # Ctrl-C reaches the master alone; it tells the children.
            start_new_session=True,
        )
        os.close(theirs)
        os.set_blocking(ours, False)
        now = monotonic()
        self._children.append(Child(number, self._generation, process, ours, now, now))
        log.info("child_started", extra={"child": name, "pid": process.pid})

    def _listen(self, seconds: float) -> None:
        """Wait for signs of life; a sign is one byte each second."""
        by_descriptor = {child.signs: child for child in self._children}
        ready, _, _ = select.select(list(by_descriptor), [], [], seconds)
        closed = 0
        for descriptor in ready:
            if os.read(descriptor, 4096):
                by_descriptor[descriptor].last_sign = monotonic()
            else:
                closed += 1
        if closed:
            # A child is just ending: give it the moment until it can be reaped.
            select.select([], [], [], 0.05)

    def _reap(self) -> None:
        for child in list(self._children):
            code = child.process.poll()
            if code is None:
                continue
            self._children.remove(child)
            os.close(child.signs)
            if child.process.stdin:
                child.process.stdin.close()
            expected = child.is_leaving or self._is_stopping or (self._is_burst and code == 0)
            log.log(
                logging.INFO if expected or code == 0 else logging.ERROR,
                "child_ended",
                extra={"child": child.number, "pid": child.process.pid, "code": code},
            )
            if not expected:
                self._plan_restart(child)

    def _plan_restart(self, child: Child) -> None:
        """At once, unless it keeps dying right after its start."""
        now = monotonic()
        is_quick = now - child.started_at < QUICK_DEATH_SECONDS and child.process.returncode != 0
        deaths = self._deaths[child.number] = self._deaths.get(child.number, 0) + 1 if is_quick else 0
        pause = min(LONGEST_PAUSE_SECONDS, 0.5 * 2**deaths) if is_quick else 0.0
        self._restart_at[child.number] = now + pause

    def _watch(self) -> None:
        now = monotonic()
        if self._is_stopping:
            self._stop_children(now)
            return
        if self._wants_restart:
            self._wants_restart = False
            log.info("rolling_restart")
            for child in [child for child in self._children if not child.is_leaving]:
                self._replace(child, "restart")
        for number, at in list(self._restart_at.items()):
            if now >= at:
                self._start(number)
        for child in list(self._children):
            self._check(child, now)

    def _check(self, child: Child, now: float) -> None:
        if child.is_leaving:
            if now > child.leave_by:
                child.process.kill()
            return
        is_starting = child.last_sign == child.started_at
        patience = STARTS_WITHIN_SECONDS if is_starting else SILENT_AFTER_SECONDS
        if now - child.last_sign > patience:
            log.error("child_silent", extra={"child": child.number, "pid": child.process.pid})
            child.process.kill()
        elif not is_starting and 0 < self._memory_limit < resident_bytes(child.process.pid):
            self._replace(child, "memory")

    def _replace(self, child: Child, reason: str) -> None:
        """Start the successor, then let the child finish what it holds."""
        log.info("child_replaced", extra={"child": child.number, "pid": child.process.pid, "reason": reason})
        self._start(child.number)
        self._let_go(child)

    def _let_go(self, child: Child) -> None:
        child.is_leaving = True
        child.leave_by = monotonic() + self._stop_within
        child.process.send_signal(signal.SIGTERM)

    def _stop_children(self, now: float) -> None:
        self._restart_at.clear()
        for child in self._children:
            if not child.is_leaving:
                notify("STOPPING=1")
                self._let_go(child)
            elif self._signals > 1 or now > child.leave_by:
                child.process.kill()


def resident_bytes(pid: int) -> int:
    """The resident memory of a process, 0 where the kernel does not tell (anything but Linux)."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
