"""The commands of the worker's command line, except `run`: each prints for a person, or JSON for a program."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from sqlalchemy import Engine

from orders.adapters.aws import make_client
from orders.adapters.clock import SystemClock
from orders.adapters.rds.engine import make_engine
from orders.adapters.sqs import SqsOrders, SqsQueue
from orders.domain.errors import NotFound, Poison
from orders.settings import Settings
from worker import control, inspection, registry
from worker.job import QUEUES
from worker.queue import JobQueue
from worker.results import find_result

WATCH_SECONDS = 2.0
REST_LOOK_SECONDS = 0.2
REST_WITHIN_SECONDS = 30.0
"""How long `pause` waits for the workers to put a queue down; a long job may be at it for longer."""


@contextmanager
def _database(settings: Settings) -> Iterator[Engine]:
    engine = make_engine(settings, "worker-cli")
    try:
        yield engine
    finally:
        engine.dispose()


@cache
def _sqs(settings: Settings) -> Any:
    """One for all queues of a command: making a client takes longer than asking with it."""
    return make_client("sqs", settings)


def _queues(settings: Settings, suffix: str = "queue") -> dict[str, SqsQueue]:
    client = _sqs(settings)
    urls = {name: getattr(settings, f"{name}_{suffix}_url") for name in QUEUES}
    return {name: SqsQueue(client, url) for name, url in urls.items() if url}


def _say(text: str = "") -> None:
    print(text, flush=True)  # noqa: T201


def _as_json(value: Any) -> int:
    _say(json.dumps(value, indent=2, ensure_ascii=False, default=str))
    return 0


def info(settings: Settings, options: argparse.Namespace) -> int:
    """Queues, workers and what waits in the database."""
    sources, dead = _queues(settings), _queues(settings, "dlq")
    with _database(settings) as engine:
        while True:
            look = {
                "queues": inspection.queues(engine, sources, dead),
                "workers": inspection.workers(engine),
                "database": inspection.backlog(engine),
            }
            if options.json:
                return _as_json(look)
            if options.watch:
                _say("\033[2J\033[H" + time.strftime("%H:%M:%S"))
            _show(look)
            if not options.watch:
                return 0
            time.sleep(WATCH_SECONDS)


def _show(look: Mapping[str, Any]) -> None:
    columns = ["queue", "state", "waiting", "in_flight", "delayed", "dead", "lag_seconds", "workers"]
    _say(inspection.as_table(look["queues"], columns))
    _say()
    rows = [{**row, "doing": _doing(row["running"])} for row in look["workers"]]
    names = ["name", "state", "doing", "held", "done", "failed", "rate_per_minute", "release", "seen_at"]
    _say(inspection.as_table(rows, names) if rows else "no worker is running")
    _say()
    kept = look["database"]
    _say(
        f"{kept['outbox']} effects wait, {kept['scheduled']} jobs for later, {kept['quarantined']} in quarantine"
    )


def _doing(running: list[Mapping[str, Any]]) -> str:
    parts = [
        f"{run['job']}{' x' + str(run['messages']) if run['messages'] > 1 else ''} {run['seconds']}s"
        for run in running
    ]
    return ", ".join(parts) or "-"


def failed(settings: Settings, options: argparse.Namespace) -> int:
    """Messages in quarantine, or everything about one."""
    with _database(settings) as engine:
        if options.id:
            message = inspection.quarantined_message(engine, options.id)
            if message is None:
                raise NotFound(f"no message {options.id} was ever in quarantine")
            if options.json:
                return _as_json(message)
            for name, value in message.items():
                _say(f"{name}: {value}" if name != "traceback" else f"\n{value}")
            return 0
        rows = inspection.quarantined(engine, is_all=options.all)
    if options.json:
        return _as_json(rows)
    columns = ["failed_at", "id", "queue", "job", "attempts", "resolution", "error"]
    _say(inspection.as_table(rows, columns) if rows else "nothing is in quarantine")
    return 0


def requeue(settings: Settings, options: argparse.Namespace) -> int:
    """Send quarantined messages again."""
    if bool(options.id) == bool(options.all):
        print("worker: give one ID, or --all", file=sys.stderr)  # noqa: T201
        return 2
    sources, dead = _queues(settings), _queues(settings, "dlq")
    with _database(settings) as engine:
        if options.all:
            sent = control.requeue_all(engine, sources, dead, options.queue)
        else:
            sent = [control.requeue(engine, sources, dead, options.id)]
    if options.json:
        return _as_json([{"id": replay.message_id, "queue": replay.queue} for replay in sent])
    for replay in sent:
        _say(f"{replay.message_id} -> {replay.queue}")
    _say(f"{len(sent)} sent again")
    return 0


def enqueue(settings: Settings, options: argparse.Namespace) -> int:
    """Have a job done."""
    registry.load()
    try:
        job = registry.find(options.job)
        payload = json.loads(options.payload)
        if not isinstance(payload, dict):
            raise ValueError("the payload must be a JSON object")
    except (Poison, ValueError) as error:
        print(f"worker: {error}", file=sys.stderr)  # noqa: T201
        return 2
    queues = SqsOrders(make_client("sqs", settings), settings)
    with _database(settings) as engine:
        made = JobQueue(engine, queues, SystemClock()).enqueue(
            job, payload, order_id=options.order_id, delay=options.delay, every=options.every
        )
    if options.json:
        return _as_json({"id": made.id, "is_new": made.is_new})
    _say(made.id if made.is_new else f"{made.id} (was waiting already)")
    return 0


def jobs(settings: Settings, options: argparse.Namespace) -> int:
    """The jobs that this release knows."""
    rows = [
        {
            "job": job.name,
            "queue": job.queue,
            "batch": job.batch,
            "timeout_seconds": job.timeout_seconds,
            "attempts": job.retry.max_attempts,
            "what": job.summary,
        }
        for job in registry.load().values()
    ]
    if options.json:
        return _as_json(rows)
    _say(inspection.as_table(rows, ["job", "queue", "batch", "timeout_seconds", "attempts", "what"]))
    return 0


def result(settings: Settings, options: argparse.Namespace) -> int:
    """Status, progress and result of a job that keeps them."""
    with _database(settings) as engine:
        found = find_result(engine, options.id)
    if found is None:
        raise NotFound(f"nothing is kept of a job {options.id}")
    if options.json:
        return _as_json(found)
    for name, value in found.items():
        _say(f"{name}: {value}")
    return 0


def pause(settings: Settings, options: argparse.Namespace) -> int:
    """Let nothing of a queue run; comes back when nothing does, or with 1 and who is still at work."""
    clock = SystemClock()
    with _database(settings) as engine:
        control.set_state(engine, options.queue, "paused", getpass.getuser())
        deadline = time.monotonic() + REST_WITHIN_SECONDS
        while busy := control.not_at_rest(engine, options.queue, clock.now()):
            if time.monotonic() >= deadline:
                break
            time.sleep(REST_LOOK_SECONDS)
    rest = f", but {', '.join(busy)} has not put it down yet" if busy else " and at rest"
    _say(f"{options.queue} is paused{rest}; `worker resume {options.queue}` ends it")
    return 1 if busy else 0


def drain(settings: Settings, options: argparse.Namespace) -> int:
    """Take nothing more from a queue."""
    with _database(settings) as engine:
        control.set_state(engine, options.queue, "draining", getpass.getuser())
    _say(f"{options.queue} is draining; `worker resume {options.queue}` ends it")
    return 0


def resume(settings: Settings, options: argparse.Namespace) -> int:
    """Work on a queue again."""
    with _database(settings) as engine:
        control.resume(engine, options.queue)
    _say(f"{options.queue} is open")
    return 0


def stop(settings: Settings, options: argparse.Namespace) -> int:
    """Ask a worker to finish and leave."""
    with _database(settings) as engine:
        asked = control.stop_worker(engine, options.name)
    if not asked:
        raise NotFound(f"no worker is called {options.name}")
    _say(f"{asked} asked to stop")
    return 0
