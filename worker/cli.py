"""Parses the command line and calls the command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from orders import failpoints
from orders.observability import configure_logging
from orders.settings import Settings, SettingsError, require

QUEUES = ("high", "orders", "low")


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = argparse.ArgumentParser(prog="worker", description="Works on the jobs that wait in SQS.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="work until stopped")
    run.add_argument("--queues", default=",".join(QUEUES), help="most urgent first (default: %(default)s)")
    run.add_argument("--burst", action="store_true", help="stop when the queues are empty")
    run.add_argument("--processes", type=int, default=1, help="processes to run (default: %(default)s)")
    run.add_argument(
        "--threads", type=int, default=4, help="job threads in each process (default: %(default)s)"
    )
    run.add_argument("--max-jobs", type=int, default=0, help="stop after this many jobs (default: never)")
    run.add_argument(
        "--name", default=f"worker-{os.getpid()}", help="as shown by `info` (default: worker-PID)"
    )
    run.set_defaults(function=_run)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Exit codes: 0 done, 1 the command failed, 2 it was called wrongly."""
    options = parser().parse_args(arguments)
    try:
        settings = Settings.from_environment(os.environ)
        require(settings, "database_url", "orders_queue_url", "order_events_topic_arn", "tracking_table")
        failpoints.configure(settings.failpoint)
    except (SettingsError, ValueError) as error:
        print(f"worker: {error}", file=sys.stderr)  # noqa: T201
        return 2
    configure_logging("worker", log_format=settings.log_format, level=settings.log_level)
    return int(options.function(settings, options))


def _run(settings: Settings, options: argparse.Namespace) -> int:
    from worker.running import run_one
    from worker.worker import Options

    queues = tuple(name.strip() for name in options.queues.split(",") if name.strip())
    if unknown := [name for name in queues if name not in QUEUES]:
        print(f"worker: no queue {unknown[0]!r}; there are: {', '.join(QUEUES)}", file=sys.stderr)  # noqa: T201
        return 2
    return run_one(
        settings,
        Options(
            queues=queues,
            threads=options.threads,
            is_burst=options.burst,
            max_jobs=options.max_jobs,
            name=options.name,
        ),
    )
