"""`make drill`: back up, lose everything, restore, and say honestly what it cost. On the laptop, in a home of its own.

The database's backup is older than the tables', as two backups of two stores always are. Between them and after them
orders go on being accepted. Then all that the stage has written is deleted: database, tables, queues. What is restored
is made to agree, the doctor judges, and each accepted order is accounted for: kept, recorded again, or lost.

    python -m local.drill [--home build/drill] [--copy-of .local] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from local.drill_backup import Backups
from local.drill_shoppers import Shoppers, recorded
from local.drill_stage import DrillStage
from local.options import StartFailed, StartRefused
from local.progress import Progress
from local.readoption import readopt
from orders.adapters.aws import make_client
from orders.adapters.clock import SystemClock
from orders.adapters.dynamodb.inventory import DynamoInventory
from orders.doctor.__main__ import open_shop
from orders.doctor.after_restore import DynamoMemory, Reconciled, give_back, reconcile
from orders.doctor.diagnosis import Diagnosis, diagnose
from orders.doctor.reading import read
from orders.doctor.report import as_text
from orders.domain.ids import OrderId
from orders.domain.inventory import ReservationState

BEFORE, RECORDED_BETWEEN, UNRECORDED_BETWEEN, AFTER = 6, 3, 2, 2
"""How many orders are accepted before the database's backup; between the backups, recorded or not; after both."""
SETTLE_SECONDS = 10.0
BURSTS = 10


@dataclass(frozen=True)
class Report:
    """What the drill measured. RPO: how much of the past is lost. RTO: how long until the stores are whole again."""

    accepted: int
    kept: int
    sent_again: int
    lost_but_named: tuple[str, ...]
    """The inventory still knew of them: who bought what is on the list, and their stock is for sale again."""
    lost_without_trace: tuple[str, ...]
    """No backup knows of them: only the payment provider and the shopper do."""
    rpo_seconds: float
    oldest_loss_seconds: float
    rto_seconds: float
    steps: dict[str, float]
    is_healthy: bool
    is_accounted_for: bool
    """Nothing else is missing than what had to be: every order from before the backup is there."""

    @property
    def is_passed(self) -> bool:
        """The drill's verdict."""
        return self.is_healthy and self.is_accounted_for

    def as_text(self) -> str:
        """For a person."""
        lost = (*self.lost_but_named, *self.lost_without_trace)
        lines = [
            f"RPO {self.rpo_seconds:.1f} s: the database's backup was that old at the disaster.",
            f"      {self.oldest_loss_seconds:6.1f} s  the age of the oldest lost order",
            f"RTO {self.rto_seconds:.1f} s: from the disaster to the doctor's word that the stores agree.",
            *(f"      {seconds:6.1f} s  {title}" for title, seconds in self.steps.items()),
            f"{self.accepted} accepted orders: {self.kept} kept, {self.sent_again} recorded again, {len(lost)} lost.",
            *(f"      {each}  named: the list has its lines and its time" for each in self.lost_but_named),
            *(f"      {each}  in no backup" for each in self.lost_without_trace),
            f"The doctor: {'every promise holds' if self.is_healthy else 'NOT HEALTHY'}.",
            f"Accounted for: {'every order' if self.is_accounted_for else 'NOT EVERY ORDER'}.",
        ]
        return "\n".join(lines)


class Drill:
    """One rehearsal on one stage."""

    def __init__(self, stage: DrillStage, progress: Progress) -> None:
        self._stage = stage
        self._progress = progress
        self._backups = Backups(stage.home.path / "backups")
        self._steps: dict[str, float] = {}

    def run(self) -> Report:
        """The whole drill. Raises StartFailed when a step could not be done at all."""
        stage = self._stage
        self._fill()
        shoppers = Shoppers(stage)
        before = shoppers.buy(BEFORE)
        self._record(before)
        already = recorded(stage)
        with self._progress.step("Backing up the database"):
            backed_up_at = self._backups.dump_database(stage)
        between = shoppers.buy(RECORDED_BETWEEN)
        self._record(between)
        unrecorded = shoppers.buy(UNRECORDED_BETWEEN)
        with self._progress.step("Backing up the tables") as step:
            step.detail = ", ".join(
                f"{n} of {name}" for name, n in self._backups.export_tables(stage).items()
            )
        after = shoppers.buy(AFTER)
        shoppers.leave()
        disaster_at, clock = datetime.now(UTC), time.monotonic()
        self._progress.say("  ! Everything that the stage has written is being deleted.")
        stage.destroy()
        done, diagnosis = self._restore()
        rto = time.monotonic() - clock
        if not diagnosis.is_healthy:
            self._progress.say(as_text(diagnosis))
        found = recorded(stage)
        expected = already | set(before) | set(unrecorded)
        named = {order.order_id for order in done.lost}
        accepted = {**before, **between, **unrecorded, **after}
        gone = {order_id: at for order_id, at in accepted.items() if order_id not in found}
        return Report(
            accepted=len(already | accepted.keys()),
            kept=len(found & (already | before.keys())),
            sent_again=len(found & set(done.sent_again)),
            lost_but_named=tuple(sorted(named)),
            lost_without_trace=tuple(sorted(gone.keys() - named)),
            rpo_seconds=(disaster_at - backed_up_at).total_seconds(),
            oldest_loss_seconds=max(
                ((disaster_at - at).total_seconds() for at in gone.values()), default=0.0
            ),
            rto_seconds=rto,
            steps=self._steps,
            is_healthy=diagnosis.is_healthy,
            is_accounted_for=found == expected
            and named == between.keys()
            and gone.keys() - named == after.keys(),
        )

    def _fill(self) -> None:
        stage = self._stage
        with self._progress.step("A stage to lose"):
            stage.open()
        with self._progress.step("Its catalogue and stock") as step:
            stage.run("Migrating", ["-m", "local.seed", "database"])
            step.detail = stage.run("Filling the shelves", ["-m", "local.seed", "stock"])

    def _restore(self) -> tuple[Reconciled, Diagnosis]:
        """From nothing to stores that agree. The steps are those of docs/runbook/restore-database.md."""
        stage = self._stage
        with self._timed("servers and stacks from nothing"):
            stage.open()
        with self._timed("the database from its backup"):
            self._backups.restore_database(stage)
        with self._timed("the tables from theirs"):
            self._backups.import_tables(stage)
        settings = stage.settings
        stores, tools = open_shop(settings)
        memory = DynamoMemory(make_client("dynamodb", settings), settings)
        try:
            with self._timed("tracking from the book, and what the book lacks"):
                done = reconcile(tools.book, tools.inventory, tools.tracking, tools.queue, memory)
                self._write_list(done)
                give_back(done.lost, tools.inventory, memory)
                readopt(tools.book, tools.inventory)
            with self._timed("the worker records what was sent again"):
                self._record(done.sent_again)
            with self._timed("the doctor"):
                return done, diagnose(lambda: read(stores), settle_seconds=SETTLE_SECONDS, wait=time.sleep)
        finally:
            stores.engine.dispose()

    def _record(self, order_ids: Collection[OrderId]) -> None:
        """Let a worker run until these orders are recorded and their reservations confirmed. Raises StartFailed."""
        settings = self._stage.settings
        inventory = DynamoInventory(make_client("dynamodb", settings), settings, SystemClock())
        for _ in range(BURSTS):
            # A burst ends when the queues look empty, which on a busy machine they may do too early.
            self._stage.run("Recording", ["-m", "worker", "run", "--burst"])
            reservations = [inventory.find_reservation(order_id) for order_id in order_ids]
            if all(each and each.state is ReservationState.CONFIRMED for each in reservations):
                return
        raise StartFailed("the worker does not record the orders; see the drill's logs")

    def _write_list(self, done: Reconciled) -> None:
        """Before anything is forgotten: this list is all that is left of the lost orders."""
        path = self._stage.home.path / "lost-orders.json"
        path.write_text(json.dumps([asdict(order) for order in done.lost], indent=1, default=str), "utf-8")

    @contextmanager
    def _timed(self, title: str) -> Iterator[None]:
        """A step whose time counts towards RTO."""
        begun = time.monotonic()
        with self._progress.step(f"restored: {title}"):
            yield
        self._steps[title] = round(time.monotonic() - begun, 3)


def main(words: Sequence[str]) -> int:
    """Exit code 0: passed. 1: the stores do not agree or an order is missing. 2: it was not even tried."""
    parser = argparse.ArgumentParser(
        "python -m local.drill", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument(
        "--home", type=Path, default=Path("build/drill"), help="the drill's own folder (%(default)s)"
    )
    parser.add_argument("--copy-of", type=Path, metavar="HOME", help="drill with a copy of this shop's data")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report here as well")
    given = parser.parse_args(words)
    try:
        stage = DrillStage.prepared(given.home.absolute(), given.copy_of and given.copy_of.absolute())
        try:
            report = Drill(stage, Progress()).run()
        finally:
            stage.close()
    except StartRefused as refusal:
        print(refusal, file=sys.stderr)
        return 2
    except StartFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    print(report.as_text())
    if given.json:
        given.json.write_text(json.dumps(asdict(report), indent=1) + "\n", "utf-8")
    return 0 if report.is_passed else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
