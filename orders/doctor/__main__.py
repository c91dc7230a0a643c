"""`python -m orders.doctor`: examine a shop by its settings; exit code 0 healthy, 1 something is wrong, 2 cannot look."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence

from orders.adapters.aws import make_client
from orders.adapters.clock import SystemClock
from orders.adapters.dynamodb.inventory import DynamoInventory
from orders.adapters.dynamodb.tracking import DynamoTracking
from orders.adapters.payments import make_provider
from orders.adapters.rds.engine import make_engine
from orders.adapters.rds.order_book import SqlOrderBook
from orders.adapters.rds.staff_journal import StaffJournal
from orders.adapters.sqs import QUEUES, SqsOrders, SqsQueue
from orders.doctor.diagnosis import Diagnosis, diagnose
from orders.doctor.reading import Stores, read
from orders.doctor.repairs import Tools, repair
from orders.doctor.report import as_data, as_text
from orders.doctor.snapshot import QueueFacts
from orders.domain.errors import Unavailable
from orders.settings import Settings, SettingsError

DEFAULT_SETTLE_SECONDS = 10.0


class SqsDepths:
    """reading.QueueDepths over the queues that the settings name."""

    def __init__(self, client: object, settings: Settings) -> None:
        self._queues = {
            name: (SqsQueue(client, url), dead and SqsQueue(client, dead))
            for name in QUEUES
            if (url := getattr(settings, f"{name}_queue_url"))
            for dead in [getattr(settings, f"{name}_dlq_url")]
        }

    def depths(self) -> Sequence[QueueFacts]:
        """See reading.QueueDepths."""
        facts = []
        for name, (queue, dead) in self._queues.items():
            depth = queue.depth()
            facts.append(
                QueueFacts(
                    name, depth.visible + depth.delayed, depth.in_flight, dead.depth().total if dead else 0
                )
            )
        return facts


def open_shop(settings: Settings) -> tuple[Stores, Tools]:
    """Connect to every store that the settings name."""
    clock = SystemClock()
    dynamodb, sqs = make_client("dynamodb", settings), make_client("sqs", settings)
    engine = make_engine(settings, "doctor")
    inventory, tracking = DynamoInventory(dynamodb, settings, clock), DynamoTracking(dynamodb, settings)
    stores = Stores(engine, inventory, tracking, SqsDepths(sqs, settings), clock)
    tools = Tools(
        inventory,
        tracking,
        SqlOrderBook(engine),
        SqsOrders(sqs, settings),
        make_provider(settings, engine),
        clock,
        StaffJournal(engine),
    )
    return stores, tools


def examine_shop(settings: Settings, settle_seconds: float = DEFAULT_SETTLE_SECONDS) -> Diagnosis:
    """The diagnosis of a shop: what the console shows and the chaos run asks for."""
    stores, _ = open_shop(settings)
    try:
        return diagnose(lambda: read(stores), settle_seconds=settle_seconds, wait=time.sleep)
    finally:
        stores.engine.dispose()


def mend(diagnosis: Diagnosis, tools: Tools, *, is_dry_run: bool, say: Callable[[str], None]) -> int:
    """Repair what can be repaired, or say what would be; returns how many findings stay."""
    left = 0
    for finding in diagnosis.all:
        if is_dry_run:
            say(f"would: {finding.subject}: {finding.remedy.value}")
            left += 1
            continue
        done = repair(finding, tools)
        left += not done.is_done
        say(f"{'done' if done.is_done else 'left'}: {finding.subject}: {done.detail or finding.remedy.value}")
    return left


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m orders.doctor", description=__doc__)
    parser.add_argument("--repair", action="store_true", help="show what would be repaired, then ask")
    parser.add_argument("--yes", action="store_true", help="with --repair: do not ask")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument(
        "--settle",
        type=float,
        default=DEFAULT_SETTLE_SECONDS,
        metavar="SECONDS",
        help="how long orders in flight may take to settle (%(default)s)",
    )
    return parser.parse_args(words)


def main(words: Sequence[str]) -> int:
    """Run the command."""
    chosen = _arguments(words)
    try:
        stores, tools = open_shop(Settings.from_environment(os.environ))
    except SettingsError as error:
        print(f"The settings are wrong: {error}", file=sys.stderr)  # noqa: T201
        return 2
    try:
        return _examine(stores, tools, chosen)
    except Unavailable as error:
        print(f"A store cannot be reached: {error}", file=sys.stderr)  # noqa: T201
        return 2
    finally:
        stores.engine.dispose()


def _examine(stores: Stores, tools: Tools, chosen: argparse.Namespace) -> int:
    diagnosis = diagnose(lambda: read(stores), settle_seconds=chosen.settle, wait=time.sleep)
    report = json.dumps(as_data(diagnosis), indent=1, default=str) if chosen.json else as_text(diagnosis)
    print(report)  # noqa: T201
    if diagnosis.is_healthy:
        return 0
    if chosen.repair and _repair(diagnosis, tools, is_asked=not chosen.yes) == 0:
        after = diagnose(lambda: read(stores), settle_seconds=chosen.settle, wait=time.sleep)
        print(as_text(after))  # noqa: T201
        return 0 if after.is_healthy else 1
    return 1


def _repair(diagnosis: Diagnosis, tools: Tools, *, is_asked: bool) -> int:
    mend(diagnosis, tools, is_dry_run=True, say=print)
    if is_asked and not _says_yes():
        return len(diagnosis.all)
    return mend(diagnosis, tools, is_dry_run=False, say=print)


def _says_yes() -> bool:
    try:
        return input("Repair these? [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
