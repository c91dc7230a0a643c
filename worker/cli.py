"""Parses the command line of the worker and calls the command."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from orders import failpoints
from orders.domain.errors import CartwrightError, Unavailable
from orders.observability import configure_logging
from orders.settings import Settings, SettingsError, require
from worker.job import QUEUES

Command = Callable[[Settings, argparse.Namespace], int]

EPILOG = """exit codes: 0 done, 1 the command failed, 2 it was called wrongly
tab completion: eval "$(python -m worker completion)"
"""


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = argparse.ArgumentParser(
        prog="worker",
        description="Works on the jobs that wait in SQS, and shows and steers what is going on.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_run(commands)
    info = commands.add_parser("info", help="queues, workers and what waits in the database")
    info.add_argument("--watch", action="store_true", help="show it again every two seconds")
    info.add_argument("--json", action="store_true", help="as JSON")
    failed = commands.add_parser("failed", help="messages in quarantine, or everything about one")
    failed.add_argument("id", nargs="?", help="a message's id")
    failed.add_argument("--all", action="store_true", help="the replayed ones too")
    failed.add_argument("--json", action="store_true", help="as JSON")
    requeue = commands.add_parser("requeue", help="send quarantined messages again")
    requeue.add_argument("id", nargs="?", help="a message's id")
    requeue.add_argument("--all", action="store_true", help="every message in quarantine")
    requeue.add_argument("--queue", default="", choices=["", *QUEUES], help="with --all: only of this queue")
    requeue.add_argument("--json", action="store_true", help="as JSON")
    enqueue = commands.add_parser("enqueue", help="have a job done")
    enqueue.add_argument("job", help="its name, see `worker jobs`")
    enqueue.add_argument("payload", nargs="?", default="{}", help="a JSON object (default: %(default)s)")
    enqueue.add_argument("--order-id", default="", help="the order that it is about")
    enqueue.add_argument("--delay", type=float, default=0.0, help="seconds from now")
    enqueue.add_argument("--every", type=int, default=0, help="again and again, every so many seconds")
    enqueue.add_argument("--json", action="store_true", help="as JSON")
    jobs = commands.add_parser("jobs", help="the jobs that this release knows")
    jobs.add_argument("--json", action="store_true", help="as JSON")
    result = commands.add_parser("result", help="status, progress and result of a job that keeps them")
    result.add_argument("id", help="the job's id, as `enqueue` printed it")
    result.add_argument("--json", action="store_true", help="as JSON")
    for name, text in (
        ("pause", "let nothing of a queue run until it is resumed"),
        ("drain", "take nothing more from a queue, finish what is held"),
        ("resume", "work on a queue again"),
    ):
        steer = commands.add_parser(name, help=text)
        steer.add_argument("queue", choices=QUEUES)
    stop = commands.add_parser("stop", help="ask a worker to finish and leave")
    stop.add_argument("name", help="its name, see `worker info`")
    commands.add_parser("completion", help="print the tab completion for bash and zsh")
    return top


def _add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    run = commands.add_parser("run", help="work until stopped (SIGTERM: finish first; twice: at once)")
    run.add_argument("--queues", default=",".join(QUEUES), help="most urgent first (default: %(default)s)")
    run.add_argument("--burst", action="store_true", help="stop when the queues are empty")
    run.add_argument("--processes", type=int, default=1, help="processes to run (default: %(default)s)")
    run.add_argument(
        "--threads", type=int, default=4, help="job threads in each process (default: %(default)s)"
    )
    run.add_argument("--max-jobs", type=int, default=0, help="leave, or be replaced, after this many jobs")
    run.add_argument("--memory-limit", type=int, default=0, metavar="MB", help="replace a process above it")
    run.add_argument(
        "--name", default=f"worker-{os.getpid()}", help="as shown by `info` (default: worker-PID)"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Exit codes: 0 done, 1 the command failed, 2 it was called wrongly."""
    options = parser().parse_args(arguments)
    if options.command == "completion":
        return _completion()
    try:
        settings = Settings.from_environment(os.environ)
        needs = ("database_url", "orders_queue_url", "order_events_topic_arn", "tracking_table")
        require(settings, *needs, "payment_provider")
        failpoints.configure(settings.failpoint)
    except (SettingsError, ValueError) as error:
        return _complain(str(error), 2)
    if options.command == "run":
        configure_logging("worker", log_format=settings.log_format, level=settings.log_level)
        return _run(settings, options)
    try:
        return _command(options.command)(settings, options)
    except BrokenPipeError:
        return 0
    except Unavailable as error:
        return _complain(f"{error}\n{_where_it_asked(settings)}", 1)
    except CartwrightError as error:
        return _complain(str(error), 1)


def _where_it_asked(settings: Settings) -> str:
    """What to look at when a store does not answer; no password."""
    database = urlsplit(settings.database_url)
    places = [
        f"the database at {database.hostname}:{database.port or 5432} (CARTWRIGHT_DATABASE_URL)",
        f"AWS at {settings.aws_endpoint_url or settings.aws_region} (AWS_ENDPOINT_URL, AWS_REGION)",
    ]
    advice = f"It asked {' and '.join(places)}."
    if settings.is_local:
        advice += "\nOn a laptop: `make run`, then `python -m local exec python -m worker ...` asks the running shop."
    return advice


def _command(name: str) -> Command:
    """Imported late: `--help` and `completion` answer without loading the database."""
    # What is loaded stays: looking for garbage in it would be a fifth of a short command's time.
    gc.disable()
    try:
        from worker import commands
    finally:
        gc.freeze()
        gc.enable()
    found: Command = getattr(commands, name)
    return found


def _run(settings: Settings, options: argparse.Namespace) -> int:
    queues = tuple(name.strip() for name in options.queues.split(",") if name.strip())
    if unknown := [name for name in queues if name not in QUEUES]:
        return _complain(f"no queue {unknown[0]!r}; there are: {', '.join(QUEUES)}", 2)
    if missing := [name for name in queues if not getattr(settings, f"{name}_queue_url")]:
        return _complain(f"set CARTWRIGHT_{missing[0].upper()}_QUEUE_URL, or leave {missing[0]} out", 2)
    if options.processes < 1 or options.threads < 1:
        return _complain("--processes and --threads begin at 1", 2)
    if options.processes > 1 or options.memory_limit:
        return _run_several(options)
    from worker.household import Options
    from worker.running import run_one

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


def _run_several(options: argparse.Namespace) -> int:
    from worker.processes import Master

    arguments = ["--queues", options.queues, "--threads", str(options.threads)]
    arguments += ["--burst"] if options.burst else []
    arguments += ["--max-jobs", str(options.max_jobs)] if options.max_jobs else []
    master = Master(
        options.processes,
        arguments,
        name=options.name,
        memory_limit_bytes=options.memory_limit * 1024 * 1024,
        is_burst=options.burst,
    )
    return master.run()


def _complain(text: str, code: int) -> int:
    print(f"worker: {text}", file=sys.stderr)  # noqa: T201
    return code


def _completion() -> int:
    from worker.completion import script

    print(script(parser()))  # noqa: T201
    return 0
