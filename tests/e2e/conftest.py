"""The real thing: every process as `make run` starts it, and a real browser in front of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from sqlalchemy import Engine, create_engine

from orders.adapters.aws import make_client
from orders.adapters.clock import SystemClock
from orders.adapters.dynamodb.inventory import DynamoInventory
from orders.adapters.dynamodb.tracking import DynamoTracking
from orders.settings import Settings
from tests.e2e.chromium import ARGUMENTS, NoChromium, find_chromium

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 180
STOP_SECONDS = 60
PATIENCE_MS = 30_000
"""A browser beside five servers on two busy cores: what comes late is not what these tests are about."""
T = TypeVar("T")

expect.set_options(timeout=PATIENCE_MS)


@dataclass(frozen=True)
class RunningShop:
    """A shop that runs: where it is, and its stores for a test to look into."""

    url: str
    inbox: str
    settings: Settings
    engine: Engine
    inventory: DynamoInventory
    tracking: DynamoTracking
    home: Path

    def mails(self, **wanted: str) -> list[dict[str, Any]]:
        """What the in-box has, narrowed by to, order_id, correlation_id or channel."""
        query = urllib.parse.urlencode(wanted)
        with urllib.request.urlopen(f"{self.inbox}/messages.json?{query}", timeout=5) as answer:  # noqa: S310  (our own in-box)
            found: list[dict[str, Any]] = json.load(answer)["messages"]
        return found


def until(ask: Callable[[], T], what: str, seconds: float = 20.0) -> T:
    """Ask until the answer is true-ish; fails after `seconds`, saying what was waited for."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s for {what}; last answer: {answer!r}")
        time.sleep(0.05)
    return answer


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    """`python -m local run` with a home of its own and free ports, once per session.

    With SHOP_HOME the shop that already runs there is used, and left running: quicker while a test is being written.
    """
    if running := os.environ.get("SHOP_HOME"):
        with pytest.MonkeyPatch.context() as environment:
            opened = look_at(Path(running), environment)
            yield opened
            opened.engine.dispose()
        return
    home = tmp_path_factory.mktemp("shop")
    log = home / "run.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            # A killed test run must not leave a shop behind.
            ["setpriv", "--pdeathsig", "TERM", "--", sys.executable, "-m", "local", "run"],
            cwd=ROOT,
            env={**os.environ, "CARTWRIGHT_HOME": str(home / "home")},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    with pytest.MonkeyPatch.context() as environment:
        try:
            opened = _opened(process, home / "home", log, environment)
            yield opened
            opened.engine.dispose()
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_SECONDS)


def _opened(
    process: subprocess.Popen[bytes], home: Path, log: Path, environment: pytest.MonkeyPatch
) -> RunningShop:
    run_file = home / "run.json"

    def is_open() -> bool:
        if process.poll() is not None:
            raise AssertionError(f"it ended with {process.returncode}:\n{log.read_text()}")
        return run_file.exists()

    until(is_open, "the shop to open", START_SECONDS)
    return look_at(home, environment)


def look_at(home: Path, environment: pytest.MonkeyPatch) -> RunningShop:
    """A running shop by what its run.json says."""
    run = json.loads((home / "run.json").read_text())
    # The stores are read in this process: its AWS is the run's.
    for name, value in run["environment"].items():
        if name.startswith("AWS_"):
            environment.setenv(name, value)
    settings = Settings.from_environment(run["environment"])
    dynamodb = make_client("dynamodb", settings)
    return RunningShop(
        url=run["urls"]["shop"],
        inbox=run["urls"]["inbox"],
        settings=settings,
        engine=create_engine(run["database_url"]),
        inventory=DynamoInventory(dynamodb, settings, SystemClock()),
        tracking=DynamoTracking(dynamodb, settings),
        home=home,
    )


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium. Skips loudly where none can be had; under CI that is a failure."""
    try:
        path = find_chromium()
    except NoChromium as error:
        message = f"NO BROWSER TEST WAS RUN: {error}"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser: Browser, shop: RunningShop) -> Iterator[BrowserContext]:
    """A shopper's browser, with nothing in it yet."""
    with browser.new_context(base_url=shop.url) as context:
        context.set_default_timeout(PATIENCE_MS)
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab. A script error or a refused resource on any page fails the test."""
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda m: errors.append(m.text) if "Content Security Policy" in m.text else None)
    yield page
    assert errors == []
