"""Runs one worker process in the foreground, with its signals."""

from __future__ import annotations

import os
import signal
from types import FrameType

from orders.adapters.sqs import open_queue
from orders.settings import Settings
from worker import registry
from worker.context import connect
from worker.worker import Options, Worker


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
    worker = Worker(context, sources, dead, options)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, _at_once)
        signal.signal(signal.SIGINT, _at_once)
        worker.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    worker.run()
    return 0


def _at_once(_signal: int, _frame: FrameType | None) -> None:
    """The second signal: leave now. What ran comes again after its visibility timeout."""
    os._exit(130)
