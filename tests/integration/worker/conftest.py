"""A worker over the real PostgreSQL and the local SQS: in threads of the test, or as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from orders.adapters.sqs import open_queue
from orders.messages import encode_job, order_request_to_dict
from orders.ports import JobMessage
from orders.settings import Settings, environment_name
from tests.order_samples import order_request
from worker import registry
from worker.context import JobContext, connect
from worker.worker import Options, Worker

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

    def worker(self, **options: Any) -> Worker:
        """A worker in threads of this process, started."""
        defaults: dict[str, Any] = {"wait_seconds": 1, "relays_outbox": False, "visibility_seconds": 10}
        worker = Worker(self.context, self.queues, self.dead, Options(**{**defaults, **options}))
        thread = threading.Thread(target=worker.run, daemon=True)
        thread.start()
        self._running.append((worker, thread))
        return worker

    def process(self, *arguments: str, failpoint: str = "") -> subprocess.Popen[bytes]:
        """A worker as a process."""
        environment = {**os.environ, "CARTWRIGHT_LOG_FORMAT": "text", "CARTWRIGHT_FAILPOINT": failpoint}
        for spec in fields(Settings):
            value = getattr(self.settings, spec.name)
            if value != spec.default:
                environment[environment_name(spec.name)] = str(value)
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
