"""Examines what the weekly restore test brought back with the doctor's own checks, and tells AWS Backup the verdict.

    python -m cloudformation.restored --job ID --arn ARN --region REGION --certificates FILE

EventBridge starts it for each restored store (90-backup). A store is examined alone: each was copied at a moment of its
own, so only promises that one store keeps by itself can be broken by a bad copy.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import URL, Engine, create_engine, text
from sqlalchemy.pool import NullPool

from migrations.release import DATABASE, first_accepted
from orders.adapters.aws import CallPolicy, make_client
from orders.adapters.clock import SystemClock
from orders.adapters.dynamodb.inventory import DynamoInventory
from orders.adapters.dynamodb.tracking import DynamoTracking
from orders.adapters.memory.inventory import MemoryInventory
from orders.adapters.memory.tracking import MemoryTracking
from orders.doctor.checks import (
    Finding,
    charged_once,
    history_is_legal,
    ledger_balances,
    stock_is_conserved,
    totals_are_the_lines,
)
from orders.doctor.reading import Stores, read
from orders.doctor.snapshot import QueueFacts, Snapshot
from orders.settings import Settings

BOOK_CHECKS = (charged_once, ledger_balances, totals_are_the_lines, history_is_legal)
TABLE_CHECKS = (stock_is_conserved,)
PATIENCE_SECONDS = 1800.0
_LONGEST_MESSAGE = 1000
_PATIENT = CallPolicy(10.0, 6)


@dataclass(frozen=True)
class Verdict:
    """What was found in one restored store."""

    what: str
    findings: Sequence[Finding]

    @property
    def status(self) -> str:
        """As AWS Backup calls it."""
        return "FAILED" if self.findings else "SUCCESSFUL"

    @property
    def message(self) -> str:
        """One line for the console: how much there was, and what is broken."""
        broken = "; ".join(f"{each.promise} {each.subject}: {each.problem}" for each in self.findings)
        return f"{self.what}. {broken or 'Every promise holds.'}"[:_LONGEST_MESSAGE]


class _NoQueues:
    """Queues are not backed up."""

    def depths(self) -> Sequence[QueueFacts]:
        """See reading.QueueDepths."""
        return ()


def examine_table(settings: Settings, dynamodb: Any, name: str) -> Verdict:
    """A restored inventory or tracking table, told apart by its key."""
    described = dynamodb.describe_table(TableName=name)["Table"]
    key = described["KeySchema"][0]["AttributeName"]
    clock = SystemClock()
    if key == "order_id":
        views = sum(1 for _ in DynamoTracking(dynamodb, replace(settings, tracking_table=name)).all_views())
        return Verdict(f"{views} orders in tracking, each readable", [])
    inventory = DynamoInventory(dynamodb, replace(settings, inventory_table=name), clock)
    levels = {level.sku: level for level in inventory.all_levels()}
    reservations = {each.order_id: each for each in inventory.all_reservations()}
    look = Snapshot(clock.now(), levels, reservations, {}, {})
    return Verdict(
        f"{len(levels)} SKUs and {len(reservations)} reservations", list(_broken(look, TABLE_CHECKS))
    )


def examine_book(engine: Engine) -> Verdict:
    """A restored order book: money, totals and histories, read in one transaction."""
    with engine.connect() as connection:
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    tracking = MemoryTracking()
    look = read(Stores(engine, MemoryInventory(tracking), tracking, _NoQueues(), SystemClock()))
    return Verdict(
        f"{len(look.orders)} orders at schema revision {revision}", list(_broken(look, BOOK_CHECKS))
    )


def _broken(look: Snapshot, checks: Sequence[Callable[[Snapshot], Iterator[Finding]]]) -> Iterator[Finding]:
    # What may be an order in flight settles in a living shop; a copy keeps it as it was at that moment.
    return (finding for check in checks for finding in check(look) if not finding.is_settling)


def open_restored(rds: Any, name: str, connect: Callable[[str, str, str], URL]) -> URL:
    """Give a restored instance a password of its own and wait until it takes it.

    The one that RDS kept for the original does not come along. `connect` makes the address from host, user and password.
    """
    password = secrets.token_urlsafe(24)
    rds.modify_db_instance(DBInstanceIdentifier=name, MasterUserPassword=password, ApplyImmediately=True)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
        is_ready = found["DBInstanceStatus"] == "available" and not found.get("PendingModifiedValues")
        if is_ready:
            host, user = found["Endpoint"]["Address"], found["MasterUsername"]
            token = rds.generate_db_auth_token(DBHostname=host, Port=5432, DBUsername=user)
            return first_accepted([connect(host, user, password), connect(host, user, str(token))])
        if time.monotonic() > deadline:
            raise TimeoutError(f"{name} is still {found['DBInstanceStatus']}")
        time.sleep(10)


def report(backup: Any, job: str, verdict: Verdict) -> None:
    """Tell AWS Backup; a failed validation raises the alarm of 90-backup."""
    backup.put_restore_validation_result(
        RestoreJobId=job, ValidationStatus=verdict.status, ValidationStatusMessage=verdict.message
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Examine one restored store; 0 when it is well, 1 when it is not."""
    parser = argparse.ArgumentParser("python -m cloudformation.restored", description=__doc__)
    for name in ("job", "arn", "region", "certificates"):
        parser.add_argument(f"--{name}", required=True)
    given = parser.parse_args(arguments)
    settings = Settings(aws_region=given.region)
    backup = make_client("backup", settings, _PATIENT)
    try:
        verdict = _examine(settings, given)
    except Exception as error:
        report(backup, given.job, Verdict("it could not be examined", [Finding("-", given.arn, str(error))]))
        raise
    report(backup, given.job, verdict)
    print(verdict.message, flush=True)  # noqa: T201
    return 1 if verdict.findings else 0


def _examine(settings: Settings, given: argparse.Namespace) -> Verdict:
    kind, name = given.arn.split(":")[2], given.arn.split(":")[-1].split("/")[-1]
    if kind == "dynamodb":
        return examine_table(settings, make_client("dynamodb", settings, _PATIENT), name)

    def connect(host: str, user: str, password: str) -> URL:
        query = {"sslmode": "verify-full", "sslrootcert": given.certificates, "connect_timeout": "10"}
        return URL.create("postgresql+psycopg", user, password, host, 5432, DATABASE, query)

    engine = create_engine(
        open_restored(make_client("rds", settings, _PATIENT), name, connect), poolclass=NullPool
    )
    try:
        return examine_book(engine)
    finally:
        engine.dispose()


if __name__ == "__main__":
    sys.exit(main())
