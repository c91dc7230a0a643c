"""Runs one worker process, with its signals and its signs of life."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

from orders.adapters.sqs import open_queue
from orders.settings import Settings
from worker import registry
from worker.context import connect
from worker.household import Options
from worker.systemd import notify
from worker.telemetry import make_tracing
from worker.worker import Worker

LIFELINE = "CARTWRIGHT_WORKER_LIFELINE"
"""Set by the master to the descriptor for signs of life; standard input is then a pipe that ends when the master does."""


def run_one(settings: Settings, options: Options) -> int:
    """Work until SIGTERM or SIGINT; a second one ends the process at once. Returns the exit code."""
    registry.load()
    context = connect(settings)
    sources = {name: open_queue(settings, name) for name in options.queues}
    dead = {
        name: open_queue(settings, f"{name}_dlq")
        for name in options.queues
        if getattr(settings, f"{name}_dlq_url")
    }
    tracing = make_tracing(settings.otlp_endpoint, settings.release)
    worker = Worker(
        context,
        sources,
        dead,
        options,
        middleware=[tracing] if tracing else [],
        on_sign_of_life=_sign_of_life(),
    )

    def stop(_signal: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, _at_once)
        signal.signal(signal.SIGINT, _at_once)
        # Not here: the main thread may be inside the very event that `stop` sets, and hold its lock.
        threading.Thread(target=_begin_to_stop, args=[worker], name="stop", daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if os.environ.get(LIFELINE):
        threading.Thread(target=_end_with_the_master, args=[worker], name="lifeline", daemon=True).start()
    notify("READY=1")
    worker.run()
    return 0


def _sign_of_life() -> Callable[[], None]:
    descriptor = os.environ.get(LIFELINE)
    if descriptor is None:
        return lambda: notify("WATCHDOG=1")

    def tell_the_master() -> None:
        os.write(int(descriptor), b".")

    return tell_the_master


def _end_with_the_master(worker: Worker) -> None:
    """The pipe from the master ends when it dies, even by SIGKILL: nobody would restart or stop us any more."""
    sys.stdin.buffer.read()
    worker.stop()


def _begin_to_stop(worker: Worker) -> None:
    notify("STOPPING=1")
    worker.stop()


def _at_once(_signal: int, _frame: FrameType | None) -> None:
    """The second signal: leave now. What ran comes again after its visibility timeout."""
    os._exit(130)
