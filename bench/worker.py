"""Throughput of the worker: `python -m bench.worker [order_tx|record_order|pgbench ...] [--messages N] [--processes N]`.

order_tx       the peers' job (an order, three lines, an event, committed in PostgreSQL), over SQS, deleted after its commit
record_order   the product's own job: inbox, order, lines, ledger, timeline and outbox rows
pgbench        the statements of both, one transaction per order, at 8 clients: what PostgreSQL alone can do here

A PostgreSQL with durable commits and the local SQS of their own are started for it. The queue is filled first and kept
shallow (the local SQS slows down with depth); the clock runs from the first commit to the last, counted in the database.
The processor time of the workers, of PostgreSQL and of the local SQS is told apart: the latter is a Python program.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from local.aws import LocalAws
from local.ports import any_free
from local.postgres import DURABLE, Cluster, find_binaries
from local.supervisor import Supervisor
from orders.adapters.clock import SystemClock
from orders.adapters.memory.order_book import MemoryOrderBook
from orders.adapters.rds import mapping
from orders.adapters.sqs import open_queue
from orders.domain.ids import new_order_id
from orders.messages import encode_job, order_request_to_dict
from orders.ports import JobMessage
from orders.services.desk import OrderDesk
from orders.services.record_order import AcceptedOrder, begin
from orders.settings import Settings, environment_name
from tests.aws_resources import create_resources
from tests.order_samples import order_request

ROOT = Path(__file__).resolve().parents[1]
LINES = (("MUG-RED", 1, 1250), ("TEA", 2, 333), ("TRAY", 1, 4900))
DEPTH = 1_000
PEER_TABLES = """
CREATE TABLE bench_orders (id uuid PRIMARY KEY, email text NOT NULL, total_minor bigint NOT NULL,
    placed_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE bench_lines (id bigserial PRIMARY KEY, order_id uuid NOT NULL REFERENCES bench_orders, sku text NOT NULL,
    quantity int NOT NULL, price_minor bigint NOT NULL);
CREATE INDEX ON bench_lines (order_id);
CREATE TABLE bench_events (id bigserial PRIMARY KEY, order_id uuid NOT NULL REFERENCES bench_orders, type text NOT NULL,
    data jsonb NOT NULL);
CREATE INDEX ON bench_events (order_id);
"""
PEER_SCRIPT = """SELECT gen_random_uuid() AS id \\gset
BEGIN;
INSERT INTO bench_orders (id, email, total_minor) VALUES (':id', 'ada@example.org', 7306);
INSERT INTO bench_lines (order_id, sku, quantity, price_minor)
    VALUES (':id', 'MUG-RED', 1, 1250), (':id', 'TEA', 2, 333), (':id', 'TRAY', 1, 4900);
INSERT INTO bench_events (order_id, type, data) VALUES (':id', 'placed', '{"total_minor": 7306}');
COMMIT;
"""


@contextmanager
def platform(folder: Path) -> Iterator[tuple[Settings, dict[str, str], dict[str, int]]]:
    """A durable PostgreSQL and a local SQS: settings, environment and the process ids of both."""
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
        settings = replace(settings, **create_resources(settings, prefix=f"b{uuid.uuid4().hex[:8]}"))
        config = Config(toml_file=str(ROOT / "pyproject.toml"))
        config.attributes["database_url"] = cluster.url()
        command.upgrade(config, "head")
        with psycopg.connect(_dsn(settings), autocommit=True) as connection:
            connection.execute(PEER_TABLES)
        environment = {**os.environ, **aws.client_environment()}
        for spec in fields(Settings):
            if getattr(settings, spec.name) != spec.default:
                environment[environment_name(spec.name)] = str(getattr(settings, spec.name))
        yield settings, environment, supervisor.pids()
    finally:
        supervisor.stop_all()


def _dsn(settings: Settings) -> str:
    return settings.database_url.replace("+psycopg", "")


def peer_message() -> str:
    """The peers' job."""
    order_id = new_order_id(datetime.now(UTC))
    payload = {"email": "ada@example.org", "total_minor": 7306, "lines": LINES}
    return encode_job(JobMessage(f"order_tx:{order_id}", "order_tx", payload, order_id=order_id))


def record_message() -> str:
    """An accepted order, as the order API sends it."""
    request = order_request(LINES)
    message = JobMessage(
        id=f"record_order:{request.order_id}",
        job="record_order",
        payload={"order": order_request_to_dict(request), "accepted_at": "2026-11-22T12:00:00+00:00"},
        order_id=request.order_id,
        correlation_id=uuid.uuid4().hex,
    )
    return encode_job(message)


CASES: Mapping[str, tuple[Callable[[], str], str]] = {
    "order_tx": (peer_message, "bench_events"),
    "record_order": (record_message, "inbox"),
}


def measure(
    case: str,
    messages: int,
    processes: int,
    settings: Settings,
    environment: Mapping[str, str],
    pids: Mapping[str, int],
) -> dict[str, Any]:
    """Serve `messages` with so many worker processes; jobs per second and processor milliseconds per message."""
    make, table = CASES[case]
    queue = open_queue(settings, "orders")
    bodies = [make() for _ in range(messages)]
    queue.send_many(bodies[:DEPTH])
    workers = [
        subprocess.Popen([sys.executable, "-m", "bench.worker", "--child"], cwd=ROOT, env=dict(environment))
        for _ in range(processes)
    ]
    feeder = threading.Thread(target=_feed, args=(queue, bodies[DEPTH:]), daemon=True)
    try:
        with psycopg.connect(_dsn(settings), autocommit=True) as connection:
            before = _count(connection, table)
            first_at = _wait(connection, table, before + 1)
            begun = _count(connection, table)
            cpu = {name: _cpu(pid) for name, pid in pids.items()}
            worker_cpu = sum(_cpu(worker.pid) for worker in workers)
            feeder.start()
            last_at = _wait(connection, table, before + messages)
            seconds, served = last_at - first_at, before + messages - begun
            spent = {name: (_cpu(pid) - cpu[name]) * 1000 / served for name, pid in pids.items()}
            worker_spent = (sum(_cpu(worker.pid) for worker in workers) - worker_cpu) * 1000 / served
    finally:
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
        for worker in workers:
            worker.wait(40)
    return {
        "case": case,
        "processes": processes,
        "messages": served,
        "per_second": round(served / seconds),
        "cpu_ms_per_message": {
            "worker": round(worker_spent, 2),
            **{k: round(v, 2) for k, v in spent.items()},
        },
    }


def _feed(queue: Any, bodies: Sequence[str]) -> None:
    for start in range(0, len(bodies), 100):
        while queue.depth().visible > DEPTH:
            threading.Event().wait(0.05)
        queue.send_many(bodies[start : start + 100])


def _count(connection: psycopg.Connection[Any], table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
    return int(row[0]) if row else 0


def _wait(connection: psycopg.Connection[Any], table: str, wanted: int) -> float:
    deadline = time.monotonic() + 300
    while _count(connection, table) < wanted:
        if time.monotonic() > deadline:
            raise SystemExit(f"{table} has only {_count(connection, table)} of {wanted} rows after 300 s")
        threading.Event().wait(0.02)
    return time.monotonic()


def _cpu(pid: int) -> float:
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


def record_script() -> str:
    """The statements of record_order for one order, as a pgbench script."""
    desk = OrderDesk(MemoryOrderBook(), SystemClock(), Settings())
    request = order_request(LINES)
    change = begin(desk, AcceptedOrder("message", request, datetime.now(UTC), "c" * 32))
    ledger = [
        {
            "order_id": booked.order_id,
            "posting_key": booked.posting.key,
            "account": str(entry.account),
            "amount_minor": entry.amount_minor,
            "currency": booked.currency,
            "at": booked.at.isoformat(),
        }
        for booked in change.booked()
        for entry in booked.posting.entries
    ]
    statements = [
        _insert("inbox", [{"message_id": f"record_order:{request.order_id}", "job": "record_order"}]),
        _insert("orders", [mapping.order_row(change.record)]),
        _insert("order_lines", mapping.line_rows(change.record)),
        _insert("timeline_events", [mapping.event_row(event) for event in change.events]),
        _insert("ledger_entries", ledger),
        _insert("outbox", [mapping.outbox_row(row) for row in change.outbox()]),
    ]
    text = "\n".join(statements).replace(request.order_id, ":id")
    return f"SELECT gen_random_uuid() AS id \\gset\nBEGIN;\n{text}\nCOMMIT;\n"


def _insert(table: str, rows: Sequence[Mapping[str, Any]]) -> str:
    values = ", ".join(f"({', '.join(_literal(value) for value in row.values())})" for row in rows)
    return f"INSERT INTO {table} ({', '.join(rows[0])}) VALUES {values} ON CONFLICT DO NOTHING;"  # noqa: S608


def _literal(value: Any) -> str:
    if isinstance(value, bool | int):
        return str(value).lower()
    text = value if isinstance(value, str) else json.dumps(value)
    return "'" + text.replace("'", "''") + "'"


def pgbench(name: str, script: str, settings: Settings, folder: Path, clients: int = 8) -> dict[str, Any]:
    """Transactions per second of PostgreSQL alone, for ten seconds."""
    path = folder / f"{name}.sql"
    path.write_text(script, "utf-8")
    command = [
        str(find_binaries() / "pgbench"),
        "-n",
        "-c",
        str(clients),
        "-j",
        "2",
        "-T",
        "10",
        "-f",
        str(path),
    ]
    done = subprocess.run([*command, _dsn(settings)], capture_output=True, text=True, check=False)
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    if not found:
        raise SystemExit(f"pgbench failed: {done.stderr[-500:]}")
    return {"case": f"pgbench {name}", "clients": clients, "per_second": round(float(found[1]))}


def child() -> int:
    """One worker process of a measurement: the product's, with the peers' job entered and without the relay."""
    from worker import registry, running
    from worker.job import Job
    from worker.worker import Options

    settings = Settings.from_environment(os.environ)
    registry.add(Job("order_tx", _order_tx(), batch=100))
    return running.run_one(
        settings, Options(queues=("orders",), relays_outbox=False, name=f"bench-{os.getpid()}")
    )


def _order_tx() -> Callable[..., None]:
    from sqlalchemy import MetaData, Table

    from orders.adapters.rds.bulk import insert_rows

    tables: dict[str, Table] = {}

    def order_tx(context: Any, messages: Sequence[JobMessage]) -> None:
        """An order, three lines and an event for each message, in one transaction."""
        if not tables:
            metadata = MetaData()
            for name in ("bench_orders", "bench_lines", "bench_events"):
                tables[name] = Table(name, metadata, autoload_with=context.engine)
        orders = [
            {"id": m.order_id, "email": m.payload["email"], "total_minor": m.payload["total_minor"]}
            for m in messages
        ]
        lines = [
            {"order_id": m.order_id, "sku": sku, "quantity": quantity, "price_minor": price}
            for m in messages
            for sku, quantity, price in m.payload["lines"]
        ]
        events = [
            {"order_id": m.order_id, "type": "placed", "data": {"total_minor": m.payload["total_minor"]}}
            for m in messages
        ]
        with context.engine.begin() as connection:
            new = insert_rows(
                connection, tables["bench_orders"], orders, unless_conflict_on=["id"], returning=["id"]
            )
            known = {str(row.id) for row in new}
            fresh = [row for row in lines if row["order_id"] in known]
            insert_rows(connection, tables["bench_lines"], fresh)
            insert_rows(
                connection, tables["bench_events"], [row for row in events if row["order_id"] in known]
            )

    return order_tx


def main() -> int:
    """Measure and print one JSON line per result."""
    parser = argparse.ArgumentParser(
        prog="bench.worker", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("cases", nargs="*", default=[], help="order_tx, record_order, pgbench (default: all)")
    parser.add_argument("--messages", type=int, default=6_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return child()
    wanted = options.cases or ["pgbench", *CASES]
    with tempfile.TemporaryDirectory(prefix="bench-worker-") as name:
        folder = Path(name)
        with platform(folder) as (settings, environment, pids):
            for case in wanted:
                if case == "pgbench":
                    for script, text in (("order_tx", PEER_SCRIPT), ("record_order", record_script())):
                        print(json.dumps(pgbench(script, text, settings, folder)), flush=True)
                else:
                    result = measure(case, options.messages, options.processes, settings, environment, pids)
                    print(json.dumps(result), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
