"""Keeps a list of children alive, starts again what dies, and stops everything in order."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from local.child import Child, locked, spawn, tail
from local.options import StartFailed

LOOK_EVERY_SECONDS = 0.1
FIRST_DELAY_SECONDS = 0.2
TRIES_TO_START = 6
LONGEST_DELAY_SECONDS = 30.0
CALM_AFTER_SECONDS = 60.0
"""A child that ran this long is taken as healthy again: its next death is restarted without delay."""


@dataclass
class _Running:
    child: Child
    process: subprocess.Popen[bytes]
    born: float
    deaths: int = 0
    restart_at: float | None = None


class Supervisor:
    """Starts children, watches them and stops them. Single-threaded: everything happens in the caller's thread.

    `say` receives one readable sentence for each thing that a person should know. `held` is a context in
    which a stop signal waits, so that no child is born without being written down here.
    `on_restart(name)` is called when a child that had died is ready again; it may start and stop others.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        held: Callable[[], AbstractContextManager[None]] = nullcontext,
        on_restart: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._say = say
        self._held = held
        self._on_restart = on_restart
        self._running: dict[str, _Running] = {}

    def launch(self, child: Child) -> None:
        """Start the child without waiting for it: several can come up side by side."""
        self._running[child.name] = self._spawn(child)

    def await_ready(self, name: str) -> None:
        """Wait until the child is ready; one that dies on the way is started again while its time lasts.

        Raises StartFailed with the end of its log when it does not get ready or dies again and again.
        """
        child = self._running[name].child
        deadline = time.monotonic() + child.ready_within_seconds
        deaths: list[int] = []
        while True:
            code = self._running[name].process.poll()
            if code is None and child.is_ready():
                return
            if code is not None:
                deaths.append(code)
            if time.monotonic() > deadline or len(deaths) == TRIES_TO_START:
                raise StartFailed(_why_not(child, deaths))
            if code is None:
                time.sleep(LOOK_EVERY_SECONDS / 2)
            else:
                # PostgreSQL for one refuses to start while a backend of its killed predecessor still lives.
                time.sleep(FIRST_DELAY_SECONDS * 2 ** (len(deaths) - 1))
                self._running[name] = self._spawn(child)

    def start(self, child: Child) -> None:
        """Start the child and wait until it is ready."""
        self.launch(child)
        self.await_ready(child.name)

    def pids(self) -> dict[str, int]:
        """The process id of every running child, by name."""
        return {name: running.process.pid for name, running in self._running.items()}

    def is_running(self, name: str) -> bool:
        """Whether the child was started and has not been stopped (it may be waiting for its restart)."""
        return name in self._running

    def watch(self, also: Callable[[], None] = lambda: None) -> None:
        """Watch for ever, and call `also` at each look; ended by an exception, such as StopRequested."""
        while True:
            time.sleep(LOOK_EVERY_SECONDS)
            self.look()
            also()

    def look(self) -> None:
        """One round of the watch: note deaths, restart what is due."""
        for name in list(self._running):
            running = self._running.get(name)  # A callback may have stopped it meanwhile.
            if running is None:
                continue
            if running.restart_at is None:
                self._note_death(running)
            elif time.monotonic() >= running.restart_at:
                self._restart(running)

    def stop(self, name: str) -> None:
        """Ask one child to stop and wait; SIGKILL when it does not within its time. Nothing when it is not running."""
        running = self._running.get(name)
        if running is None:
            return
        _stop(running, self._say)
        del self._running[name]

    def stop_some(self, names: tuple[str, ...]) -> None:
        """Stop these children, in this order."""
        for name in names:
            self.stop(name)

    def stop_all(self, order: tuple[str, ...] = ()) -> None:
        """Stop the named children in this order, then the rest, youngest first."""
        names = [name for name in order if name in self._running]
        names += [name for name in reversed(self._running) if name not in names]
        for name in names:
            self.stop(name)

    def _spawn(self, child: Child) -> _Running:
        with locked(child) as lock, self._held():
            running = _Running(child, spawn(child, lock), time.monotonic())
            self._running[child.name] = running
        return running

    def _note_death(self, running: _Running) -> None:
        code = running.process.poll()
        if code is None:
            return
        # What it forked may outlive it and hold its port: gunicorn's workers do, for as long as their open requests last.
        _kill_group(running.process.pid)
        now = time.monotonic()
        running.deaths = 1 if now - running.born > CALM_AFTER_SECONDS else running.deaths + 1
        delay = backoff_seconds(running.deaths)
        running.restart_at = now + delay
        child = running.child
        again = f"starting it again in {delay:.0f} s" if delay >= 1 else "starting it again"
        self._say(f"{child.title} ended ({describe_exit(code)}); {again}. Its log: {child.log}")

    def _restart(self, running: _Running) -> None:
        child, deaths = running.child, running.deaths
        fresh = self._spawn(child)
        fresh.deaths = deaths
        try:
            self.await_ready(child.name)
        except StartFailed as error:
            self._say(str(error))
            self.stop(child.name)
            # Kept on the list, dead, so that the next round counts another death and waits longer.
            self._running[child.name] = fresh
            return
        self._running[child.name].deaths = deaths
        self._say(f"{child.title} runs again.")
        self._on_restart(child.name)


def backoff_seconds(deaths: int) -> float:
    """How long to wait before the restart after so many deaths in a row: at once, then doubling up to a limit."""
    return 0.0 if deaths <= 1 else min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2.0**deaths)


def describe_exit(code: int) -> str:
    """How a process ended, in words."""
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"


def _stop(running: _Running, say: Callable[[str], None]) -> None:
    process, child = running.process, running.child
    if process.poll() is None:
        process.send_signal(child.stop_signal)
        try:
            process.wait(child.stop_within_seconds)
        except subprocess.TimeoutExpired:
            say(f"{child.title} did not stop within {child.stop_within_seconds:.0f} s and is killed.")
            _kill_group(process.pid)
            process.wait()


def _kill_group(pid: int) -> None:
    # Every child leads its own session, so its group is the child and what it forked.
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _why_not(child: Child, deaths: Sequence[int]) -> str:
    if deaths:
        how = f"{child.title} does not start: it ended {len(deaths)} times, last with {describe_exit(deaths[-1])}."
    else:
        how = f"{child.title} runs, but did not answer within {child.ready_within_seconds:.0f} s."
    return f"{how}\nThe end of {child.log}:\n{tail(child.log)}"
