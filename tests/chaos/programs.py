"""The real programs as the chaos tests start them: each in a process of its own, which a failpoint may kill.

The processes are forked from a server that has imported the programs but run nothing of them, so that a test that starts
a hundred of them pays the imports once. Each begins with an empty environment and gets its settings from it, as ever.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing import connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

PRELOADED = [
    "lambdas.notify_customer.handler",
    "lambdas.submit_order.handler",
    "lambdas.sweep.handler",
    "orders.adapters.aws",
    "orders.adapters.payments.test_provider",
    "orders.adapters.ses",
    "orders.adapters.sns",
    "tests.gateway_shim",
    "webapp.catalog.routes",
    "webapp.checkout.routes",
    "webapp.console",
    "worker.cli",
    "worker.running",
    "psycopg",
]
_fork = multiprocessing.get_context("forkserver")
_fork.set_forkserver_preload(PRELOADED)

_ONE_AT_A_TIME = threading.Lock()
"""The server tells the end of a process once, to whoever reads first; a second reader at that moment is told 255. Scenarios
run in threads, and starting a process reads of all the others."""
SWEEP_EVERY_SECONDS = 2.0
"""As local/schedule.py has it."""


@dataclass(frozen=True)
class Program:
    """A running program."""

    process: ForkServerProcess
    log: Path

    def death(self, within_seconds: float) -> int:
        """Wait for its end and return how it ended: an exit code, or minus the signal. Raises TimeoutError."""
        connection.wait([self.process.sentinel], within_seconds)
        with _ONE_AT_A_TIME:
            code = self.process.exitcode
        if code is None:
            raise TimeoutError(f"it still runs: {self.said()}")
        return code

    def is_alive(self) -> bool:
        """Whether it still runs."""
        with _ONE_AT_A_TIME:
            return self.process.is_alive()

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        with _ONE_AT_A_TIME:
            self.process.kill()
        connection.wait([self.process.sentinel])
        with _ONE_AT_A_TIME:
            self.process.join()

    def said(self) -> str:
        """The end of what it printed."""
        return self.log.read_text("utf-8", "replace")[-3000:] if self.log.exists() else ""


def start(name: str, environment: Mapping[str, str], log: Path, *arguments: Any) -> Program:
    """Start a program of PROGRAMS."""
    process = _fork.Process(target=_run, args=(name, dict(environment), str(log), arguments), daemon=True)
    with _ONE_AT_A_TIME:
        process.start()
    return Program(process, log)


def _run(name: str, environment: Mapping[str, str], log: str, arguments: Sequence[Any]) -> None:
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for standard in (1, 2):
        os.dup2(output, standard)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1) for number in (1, 2))
    os.environ.clear()
    os.environ.update(environment)
    sys.exit(PROGRAMS[name](*arguments))


def worker(*words: str) -> int:
    """`python -m worker run`."""
    from worker.cli import main

    return main(["run", *words])


def submit(events: Sequence[Mapping[str, Any]], answers: str) -> int:
    """The Lambda submit_order: one answer per event, written down as lines of JSON."""
    handle = _handler("submit_order")
    with Path(answers).open("a", encoding="utf-8") as out:
        for event in events:
            out.write(json.dumps(handle(event, None)) + "\n")
            out.flush()
    return 0


def platform() -> int:
    """What AWS does by itself: calls the sweeper by the clock and feeds the notifier from its queue."""
    from orders.adapters.sqs import open_queue
    from orders.settings import Settings
    from tests.lambda_events import sqs_event

    sweep, notify = _handler("sweep"), _handler("notify_customer")
    queue = open_queue(Settings.from_environment(os.environ), "notify")
    swept_at = float("-inf")
    while True:
        if time.monotonic() - swept_at >= SWEEP_EVERY_SECONDS:
            sweep({"id": "scheduled"}, None)
            swept_at = time.monotonic()
        received = queue.receive(10, wait_seconds=1)
        if received:
            answer = notify(sqs_event([message.body for message in received]), None)
            failed = {item["itemIdentifier"] for item in answer["batchItemFailures"]}
            done = [m.handle for n, m in enumerate(received) if f"record-{n}" not in failed]
            queue.delete_many(done)


def order_api(port: int) -> int:
    """The order API: the real Lambda handlers behind a plain HTTP door."""
    from tests.gateway_shim import application

    with make_server("127.0.0.1", port, application, handler_class=_Quiet) as server:
        server.serve_forever()
    return 0


def shopper(sku: str, price_minor: int) -> int:
    """A browser that buys one piece in the real web application, from the cart to the click."""
    from tests.integration.webapp.conftest import fill_in, place, put_in_cart
    from webapp import create_app

    app = create_app()
    with app.app_context():
        _put_on_the_shelf(sku, price_minor)
    browser = app.test_client()
    put_in_cart(browser, sku)
    answer = place(browser, fill_in(browser))
    sys.stdout.write(f"the click was answered {answer.status_code} {answer.location}\n")
    return 0 if answer.status_code == 303 else 1


def reconciler(later_seconds: float) -> int:
    """`flask checkout reconcile`, `later_seconds` from now: leases of the dead have ended by then."""
    from dataclasses import replace

    from orders.settings import Settings
    from webapp import create_app
    from webapp.checkout.reconcile import reconcile
    from webapp.wiring import make_wiring

    parts = make_wiring(Settings.from_environment(os.environ))
    app = create_app(wiring=replace(parts, clock=_Later(timedelta(seconds=later_seconds))))
    with app.app_context():
        counts = reconcile(app.extensions["cartwright"])
    sys.stdout.write(f"{counts}\n")
    return 1 if counts["failed"] else 0


@dataclass(frozen=True)
class _Later:
    """ports.Clock, ahead of the time."""

    ahead: timedelta

    def now(self) -> datetime:
        """See ports.Clock."""
        from orders.adapters.clock import SystemClock

        return SystemClock().now() + self.ahead


class _Quiet(WSGIRequestHandler):
    """Logs nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        """See BaseHTTPRequestHandler."""


def _handler(name: str) -> Callable[[Mapping[str, Any], object], Any]:
    handle: Callable[[Mapping[str, Any], object], Any] = importlib.import_module(
        f"lambdas.{name}.handler"
    ).handle
    return handle


def _put_on_the_shelf(sku: str, price_minor: int) -> None:
    from webapp.catalog.models import Category, Product, Variant
    from webapp.extensions import db

    shelf = Category(slug="kitchen", name="Kitchen", description="For cooks.")
    db.session.add(shelf)
    db.session.flush()
    variant = Variant(sku=sku, price_minor=price_minor, currency="EUR", weight_grams=400)
    prices = {"min_price_minor": price_minor, "max_price_minor": price_minor, "currency": "EUR"}
    db.session.add(Product(slug="mug", name="Mug", category_id=shelf.id, variants=[variant], **prices))
    db.session.commit()
    db.session.remove()


PROGRAMS: Mapping[str, Callable[..., int]] = {
    "worker": worker,
    "submit": submit,
    "platform": platform,
    "order_api": order_api,
    "shopper": shopper,
    "reconciler": reconciler,
}
