"""What is measured on: a PostgreSQL with durable commits and a local SQS of their own, and the clock over a run.

The queue is filled first; the clock runs from the first commit to the last, counted in the database. Processor time is
told apart for the workers, PostgreSQL, Redis and the local SQS, which is a Python program.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import psycopg

from bench.peers.order_tx import DSN, TABLES
from local.aws import LocalAws
from local.ports import any_free
from local.postgres import DURABLE, Cluster, find_binaries
from local.supervisor import Supervisor
from orders.settings import Settings, environment_name
from tests.aws_resources import create_resources

ROOT = Path(__file__).resolve().parents[2]
LONGEST_RUN_SECONDS = 180


@dataclass(frozen=True)
class Ground:
    """The stores of one measurement, the environment of programs on them, and the processes whose time is counted."""

    settings: Settings
    environment: Mapping[str, str]
    pids: Mapping[str, int]
    folder: Path

    @property
    def dsn(self) -> str:
        """For libpq."""
        return self.settings.database_url.replace("+psycopg", "")


@contextmanager
def platform(folder: Path) -> Iterator[Ground]:
    """Start PostgreSQL and the local SQS; both end with the block."""
    from alembic import command
    from alembic.config import Config

    cluster = Cluster(folder / "postgres", find_binaries(), any_free(), DURABLE)
    cluster.initialise()
    aws = LocalAws(folder / "aws", any_free(), "eu-west-1", folder / "mail", keep_state=False)
    aws.prepare()
    supervisor = Supervisor(say=lambda *_: None)
    try:
        supervisor.start(cluster.child(folder / "postgres.log"))
        cluster.ensure_owner_and_database()
        supervisor.start(aws.child(folder / "aws.log"))
        os.environ.update(aws.client_environment())
        settings = Settings(
            aws_region=aws.region,
            aws_endpoint_url=aws.endpoint_url,
            database_url=cluster.url(),
            log_level="ERROR",
        )
        resources: dict[str, Any] = create_resources(settings, prefix=f"b{uuid.uuid4().hex[:8]}")
        settings = replace(settings, **resources)
        config = Config(toml_file=str(ROOT / "pyproject.toml"))
        config.attributes["database_url"] = cluster.url()
        command.upgrade(config, "head")
        environment = {**os.environ, **aws.client_environment()}
        for spec in fields(Settings):
            if getattr(settings, spec.name) != spec.default:
                environment[environment_name(spec.name)] = str(getattr(settings, spec.name))
        ground = Ground(settings, environment, supervisor.pids(), folder)
        ground = replace(ground, environment={**environment, DSN: ground.dsn})
        with psycopg.connect(ground.dsn, autocommit=True) as connection:
            connection.execute(TABLES)
        yield ground
    finally:
        supervisor.stop_all()


def timed_run(
    ground: Ground,
    name: str,
    table: str,
    jobs: int,
    commands: Sequence[Sequence[str]],
    environment: Mapping[str, str],
    pids: Mapping[str, int],
) -> dict[str, Any]:
    """Start `commands`, wait until `table` has `jobs` rows more, stop them: jobs per second, milliseconds of processor each."""
    with psycopg.connect(ground.dsn, autocommit=True) as connection:
        before = count(connection, table)
        with open(ground.folder / "workers.log", "ab") as log_file:  # noqa: PTH123
            workers = [
                subprocess.Popen(command, cwd=ROOT, env=dict(environment), stdout=log_file, stderr=log_file)
                for command in commands
            ]
        watched = {**pids, **{f"worker {number}": worker.pid for number, worker in enumerate(workers)}}
        try:
            first_at = _wait(connection, table, before + 1)
            begun = count(connection, table)
            spent = {part: -cpu_seconds(pid) for part, pid in watched.items()}
            last_at = _wait(connection, table, before + jobs)
            for part, pid in watched.items():
                spent[part] += cpu_seconds(pid)
        finally:
            _stop(workers)
    served = before + jobs - begun
    by_part = {"worker": sum(value for part, value in spent.items() if part.startswith("worker "))}
    by_part |= {part: spent[part] for part in pids}
    return {
        "case": name,
        "jobs": served,
        "per_second": round(served / (last_at - first_at)),
        "cpu_ms_per_job": {part: round(value * 1000 / served, 2) for part, value in by_part.items()},
    }


def _stop(workers: Sequence[subprocess.Popen[bytes]]) -> None:
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    for worker in workers:
        try:
            worker.wait(40)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait(10)


def count(connection: psycopg.Connection[Any], table: str) -> int:
    """Rows of a table."""
    row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
    return int(row[0]) if row else 0


def _wait(connection: psycopg.Connection[Any], table: str, wanted: int) -> float:
    deadline = time.monotonic() + LONGEST_RUN_SECONDS
    while (found := count(connection, table)) < wanted:
        if time.monotonic() > deadline:
            raise SystemExit(f"{table} has only {found} of {wanted} rows after {LONGEST_RUN_SECONDS} s")
        threading.Event().wait(0.02)
    return time.monotonic()


def cpu_seconds(pid: int) -> float:
    """Processor seconds of a process and all its descendants."""
    total, todo = 0.0, [pid]
    while todo:
        current = todo.pop()
        try:
            stat = Path(f"/proc/{current}/stat").read_text("ascii").rsplit(")", 1)[1].split()
            todo += [
                int(child)
                for task in Path(f"/proc/{current}/task").iterdir()
                for child in (task / "children").read_text("ascii").split()
            ]
        except OSError:
            continue
        # utime, stime, and those of children that have ended (PostgreSQL's backends).
        total += sum(int(stat[index]) for index in (11, 12, 13, 14)) / os.sysconf("SC_CLK_TCK")
    return total
