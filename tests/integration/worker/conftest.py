"""A worker over the real PostgreSQL and the local SQS: in threads of the test, or as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from orders.adapters.sqs import open_queue
from orders.domain.errors import Poison
from orders.messages import encode_job, order_request_to_dict
from orders.ports import JobMessage
from orders.settings import Settings, environment_name
from tests.order_samples import order_request
from worker import registry
from worker.context import JobContext, connect
from worker.household import Options
from worker.job import Job
from worker.leases import check_leases
from worker.middleware import Middleware
from worker.retry import Retry
from worker.worker import Worker

ROOT = Path(__file__).resolve().parents[3]


def until(condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Wait until something is true, and return it; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        threading.Event().wait(0.02)
    return found


def record_message(**changes: Any) -> str:
    """A record_order message as the order API sends it."""
    request = order_request(**changes)
    message = JobMessage(
        id=f"record_order:{request.order_id}",
        job="record_order",
        payload={"order": order_request_to_dict(request), "accepted_at": "2026-11-22T12:00:00+00:00"},
        order_id=request.order_id,
        correlation_id="c" * 32,
    )
    return encode_job(message)


class Shop:
    """The stores of one test."""

    def __init__(self, settings: Settings) -> None:
        registry.load()
        self.settings = settings
        self.context: JobContext = connect(settings)
        assert self.context.engine is not None
        self.engine = self.context.engine
        self.queues = {name: open_queue(settings, name) for name in ("high", "orders", "low")}
        self.dead = {name: open_queue(settings, f"{name}_dlq") for name in ("high", "orders", "low")}
        self._running: list[tuple[Worker, threading.Thread]] = []
        self._processes: list[subprocess.Popen[bytes]] = []

    def count(self, table: str, where: str = "true") -> int:
        """Rows of a table."""
        with self.engine.connect() as connection:
            return int(connection.scalar(text(f"SELECT count(*) FROM {table} WHERE {where}")) or 0)  # noqa: S608

    def worker(self, middleware: Sequence[Middleware] = (), **options: Any) -> Worker:
        """A worker in threads of this process, started."""
        defaults: dict[str, Any] = {"wait_seconds": 1, "relays_outbox": False, "visibility_seconds": 10}
        worker = Worker(self.context, self.queues, self.dead, Options(**{**defaults, **options}), middleware)
        thread = threading.Thread(target=worker.run, daemon=True)
        thread.start()
        self._running.append((worker, thread))
        return worker

    def environment(self) -> dict[str, str]:
        """What a program needs to find this shop."""
        environment = {**os.environ, "CARTWRIGHT_LOG_FORMAT": "text"}
        for spec in fields(Settings):
            value = getattr(self.settings, spec.name)
            if value != spec.default:
                environment[environment_name(spec.name)] = str(value)
        return environment

    def process(self, *arguments: str, failpoint: str = "", **variables: str) -> subprocess.Popen[bytes]:
        """A worker as a process."""
        environment = {**self.environment(), "CARTWRIGHT_FAILPOINT": failpoint, **variables}
        process = subprocess.Popen(
            [sys.executable, "-m", "worker", "run", *arguments], cwd=ROOT, env=environment
        )
        self._processes.append(process)
        return process

    def stop(self) -> None:
        """End everything that was started."""
        for worker, thread in self._running:
            worker.stop()
            thread.join(30)
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.wait(10)
        self.engine.dispose()


@pytest.fixture
def shop(settings: Settings) -> Iterator[Shop]:
    """An empty shop with queues and a database of its own."""
    shop = Shop(settings)
    yield shop
    shop.stop()


class Stage:
    """What the test jobs below did, and what they are told to do."""

    def __init__(self) -> None:
        self.ran: Counter[str] = Counter()
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.is_broken = True
        self.committed: list[str] = []


@pytest.fixture
def stage(shop: Shop) -> Iterator[Stage]:
    """Test jobs, in the registry for as long as workers run."""
    stage = Stage()

    def count(context: Any, message: JobMessage) -> None:
        stage.ran[message.id] += 1

    def wait(context: Any, message: JobMessage) -> None:
        stage.ran[message.id] += 1
        stage.begun.set()
        assert stage.go_on.wait(110)
        check_leases()
        stage.committed.append(message.id)

    def fail(context: Any, message: JobMessage) -> None:
        stage.ran[message.id] += 1
        if stage.is_broken:
            raise ZeroDivisionError("a bug of ours")

    def refuse(context: Any, message: JobMessage) -> None:
        stage.ran[message.id] += 1
        raise Poison("never")

    def overrun(context: Any, message: JobMessage) -> None:
        stage.ran[message.id] += 1
        while True:
            threading.Event().wait(0.05)

    quick = Retry(max_attempts=5, first_seconds=0.01, factor=1)
    jobs = [
        Job("test_count", count),
        Job("test_wait", wait, timeout_seconds=120),
        Job("test_fail", fail, retry=quick),
        Job("test_refuse", refuse),
        Job("test_overrun", overrun, timeout_seconds=0.2, retry=Retry(max_attempts=1)),
    ]
    for job in jobs:
        registry.add(job)
    yield stage
    stage.go_on.set()
    shop.stop()
    for job in jobs:
        del registry._jobs[job.name]


def body(job: str, number: int = 0, order_id: str = "") -> str:
    """A message for a test job."""
    return encode_job(JobMessage(f"{job}-{number}", job, {}, order_id=order_id))
