"""The lab for tests: booted once per run, configured and with a release on it, and gone afterwards without a trace."""

from __future__ import annotations

import json
import os
import urllib.parse
import urllib.request
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text

from orders import links
from orders.adapters.aws import make_client
from orders.adapters.clock import SystemClock
from orders.adapters.dynamodb.inventory import DynamoInventory
from orders.settings import Settings
from tests.lab import backing, hosts, lab
from tests.lab.estate import ADDRESSES, MACHINES, Estate
from tests.lab.phases import FIRST, OPEN, ROLLED_OUT, forget, noted, phase
from tests.lab.readiness import alone, prepare
from tests.lab.shell import say, wait_until
from tests.lab.timebox import OUT_OF_TIME, bounded

PIECES = 10_000
PRODUCTS = 12
WHY_NOT = pytest.StashKey[str]()
TAKEN = pytest.StashKey[list[tuple[str, float]]]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The lab boots machines and may install Debian packages: it runs when it is asked for, by `make ansible`."""
    if "lab" not in str(config.getoption("markexpr", "")):
        unwanted = pytest.mark.skip(reason="the lab runs by `make ansible`")
        for item in items:
            if item.get_closest_marker("lab"):
                item.add_marker(unwanted)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Say at once what failed: a run of the lab is long."""
    if report.failed and "tests/lab/" in report.nodeid:
        say(f"\nlab: {report.nodeid} failed\n{report.longreprtext[-3000:]}")


@dataclass(frozen=True)
class ShopOnHosts:
    """The product on the lab's machines."""

    estate: Estate
    release: hosts.Release
    settings: Settings
    environment: dict[str, str]
    engine: Engine
    inbox: str
    product_paths: list[str]

    @property
    def url(self) -> str:
        """The balancer, as shoppers see the shop."""
        return f"http://{ADDRESSES['lb1']}"

    def mails(self, **wanted: str) -> list[dict[str, Any]]:
        """What the in-box has, narrowed by to or order_id."""
        query = urllib.parse.urlencode(wanted)
        with urllib.request.urlopen(f"{self.inbox}/messages.json?{query}", timeout=5) as answer:  # noqa: S310 - our own.
            found: list[dict[str, Any]] = json.load(answer)["messages"]
        return found

    def unrecorded(self, order_links: set[str]) -> set[str]:
        """Of these orders, by the links that their shoppers were shown, those that are not in the book."""
        wanted = {links.read(token, [self.settings.secret_key]) for token in order_links}
        with self.engine.connect() as connection:
            return wanted - set(connection.scalars(text("SELECT id::text FROM orders")))

    def host(self, machine: str, command: str) -> str:
        """Run a command as root on a machine."""
        return hosts.remote(self.estate, machine, command)

    def serving(self, machine: str) -> str | None:
        """The release that a machine serves."""
        current: str | None = json.loads(self.host(machine, "cartwright-release status"))["current"]
        return current

    def wait_until_in_rotation(self, *machines: str, within_seconds: float = 60.0) -> None:
        """Wait until the balancer finds these web servers ready."""
        for machine in machines:
            wait_until(
                lambda machine=machine: self.balancer_says(machine) == "UP",
                within_seconds,
                f"{machine} to be in rotation",
            )

    def balancer_says(self, machine: str) -> str:
        """What the balancer thinks of a web server: UP, DOWN, or something on the way between them."""
        with urllib.request.urlopen(f"{self.url}:8404/;csv", timeout=5) as answer:  # noqa: S310 - our own.
            rows = [line.split(",") for line in answer.read().decode().splitlines()]
        status = rows[0].index("status")
        return next(row[status] for row in rows if row[:2] == ["web", machine])


@pytest.fixture(scope="session")
def able(pytestconfig: pytest.Config) -> Iterator[None]:
    """This computer can run the lab. Where it cannot, its tests are skipped, and the end of the output says why."""
    with alone() as others:
        if reason := others or prepare():
            pytestconfig.stash[WHY_NOT] = reason
            pytest.skip(reason)
        forget(Estate.from_environment())
        yield
        pytestconfig.stash[TAKEN] = noted(Estate.from_environment())


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Generator[None]:
    """What the phases took. Nobody shall take a lab that could not run for one that found nothing: the last words say so."""
    yield
    if taken := config.stash.get(TAKEN, []):
        terminalreporter.section("from nothing to a shop on its hosts")
        for name, seconds in [*taken, ("all of it", sum(seconds for _, seconds in taken))]:
            terminalreporter.line(f"{seconds:7.1f} s  {name}")
    for key, title in ((WHY_NOT, "THE LAB DID NOT RUN"), (OUT_OF_TIME, "THE LAB DID NOT COME TO ITS END")):
        if reason := config.stash.get(key, ""):
            terminalreporter.section(title, sep="!", red=True, bold=True)
            terminalreporter.line(reason)


@pytest.fixture(scope="session")
def estate(able: None, request: pytest.FixtureRequest) -> Iterator[Estate]:
    """The machines, booted and bare; PostgreSQL and the local AWS beside them. Gone at the end, also after a failure.

    CARTWRIGHT_LAB_KEEP=1 leaves them running, and the next run goes on with them.
    """
    chosen = Estate.from_environment()
    if os.environ.get("CARTWRIGHT_LAB_KEEP"):
        lab.up(chosen, list(MACHINES))
        yield chosen
        say("lab: kept; look with `python -m tests.lab status`, end it with `python -m tests.lab down`")
    else:
        with bounded(request.session) as timer, lab.lent(chosen, list(MACHINES)):
            yield chosen
            if timer:
                timer.cancel()


@pytest.fixture(scope="session")
def configured(estate: Estate) -> Estate:
    """The machines after the first run of the playbooks."""
    with phase(estate, FIRST):
        outcome = hosts.play(estate, Path(__file__).parent / "site.yml")
        assert outcome.succeeded, outcome.output[-6000:]
    return estate


@pytest.fixture(scope="session")
def shop(configured: Estate) -> Iterator[ShopOnHosts]:
    """The product itself, rolled out onto the machines by deploy.yml."""
    with phase(configured, ROLLED_OUT):
        release = hosts.build(configured)
        outcome = hosts.deploy(configured, release)
        assert outcome.succeeded, outcome.output[-6000:]
    said = backing.facts(configured)
    with pytest.MonkeyPatch.context() as patch:
        # The stores are read from this process too: its AWS is the lab's.
        for name, value in said["environment"].items():
            if name.startswith("AWS_"):
                patch.setenv(name, value)
        settings = Settings.from_environment(said["environment"])
        engine = create_engine(settings.database_url, pool_pre_ping=True)
        with phase(configured, OPEN):
            paths = _stock_up(engine, settings)
            opened = ShopOnHosts(
                configured, release, settings, said["environment"], engine, said["inbox"], paths
            )
            opened.wait_until_in_rotation("web1", "web2")
        yield opened
        engine.dispose()


def _stock_up(engine: Engine, settings: Settings) -> list[str]:
    """Enough pieces of some products, so that no shopper finds an empty shelf; returns their pages."""
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT p.slug, array_agg(v.sku) FROM products p JOIN variants v ON v.product_id = p.id"
                " WHERE p.is_active AND v.is_active GROUP BY p.id ORDER BY p.popularity DESC, p.id LIMIT :n"
            ),
            {"n": PRODUCTS},
        ).all()
    inventory = DynamoInventory(make_client("dynamodb", settings), settings, SystemClock())
    for _, skus in rows:
        for sku in skus:
            inventory.restock(sku, PIECES, f"lab:{sku}")
    return [f"/products/{slug}" for slug, _ in rows]
