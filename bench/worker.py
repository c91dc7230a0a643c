"""Throughput of the worker beside its peers: `python -m bench.worker [--rounds N] [--jobs N] [--without-peers] [CASE ...]`.

pgbench        the statements of both jobs, one transaction per order, at 8 clients: what PostgreSQL alone can do here
order_tx       the peers' job (an order, three lines, an event, committed), over the local SQS, deleted after its commit
record_order   the product's own job: inbox, order, lines, ledger, timeline and outbox rows
peers          order_tx by RQ, Dramatiq and Celery on Redis, and by Celery on the same local SQS
idle           the processor time of a worker with three empty queues
info           `worker info` from the shell to its answer, the interpreter's own start included, while 10,000 messages wait

All in one run, two processes each, the queue filled before the clock starts; the rounds take turns, and the median
counts. Our worker serves a batch of messages in one transaction and deletes ten with one call: that is what it is
compared by, and what the peers have no means to do. Prints one JSON line per measurement and the ratios at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.peers import environment, limits
from bench.peers.ground import ROOT, Ground, cpu_seconds, platform, timed_run
from bench.peers.order_tx import LINES, PGBENCH
from bench.peers.rigs import PROCESSES, Rig, rigs
from orders.adapters.sqs import LONGEST_WAIT_SECONDS, open_queue
from orders.domain.ids import new_order_id
from orders.messages import encode_job, order_request_to_dict
from orders.ports import JobMessage
from orders.settings import Settings
from tests.order_samples import order_request

CASES = ("pgbench", "order_tx", "record_order", "peers", "idle", "info")
IDLE_SECONDS = 15.0
LONGEST_POLL_SECONDS = LONGEST_WAIT_SECONDS + 1.0
WAITING = 10_000


def peer_message() -> str:
    """The peers' job in our envelope."""
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


OURS: Mapping[str, tuple[Callable[[], str], str]] = {
    "order_tx": (peer_message, "bench_events"),
    "record_order": (record_message, "inbox"),
}


def ours(ground: Ground, case: str, jobs: int, processes: int) -> dict[str, Any]:
    """Our worker on the local SQS."""
    make, table = OURS[case]
    # The local SQS goes on with the long polls of workers that have left, and would give them this round's first messages.
    time.sleep(LONGEST_POLL_SECONDS)
    open_queue(ground.settings, "orders").send_many([make() for _ in range(jobs)])
    commands = [[sys.executable, "-m", "bench.worker", "--child"]] * processes
    return timed_run(ground, f"ours, {case}", table, jobs, commands, ground.environment, ground.pids)


def peer(ground: Ground, rig: Rig, jobs: int, redis_pid: int) -> dict[str, Any]:
    """A peer with its own broker."""
    told = {**ground.environment, **rig.environment, "PYTHONPATH": str(ROOT)}
    subprocess.run([*rig.fill, str(jobs)], cwd=ROOT, env=told, check=True)
    pids = {**ground.pids, "redis": redis_pid}
    return timed_run(ground, rig.name, "bench_events", jobs, rig.serve, told, pids)


def idle(ground: Ground) -> dict[str, Any]:
    """What one worker costs that has nothing to do, in percent of a core: three queues, relay and housekeeping."""
    worker = subprocess.Popen(
        [sys.executable, "-m", "worker", "run", "--name", "idle"],
        cwd=ROOT,
        env=dict(ground.environment),
        stdout=subprocess.DEVNULL,
    )
    try:
        time.sleep(6.0)  # Imports, connections and the first report are over by then.
        before, began = cpu_seconds(worker.pid), time.monotonic()
        time.sleep(IDLE_SECONDS)
        percent = (cpu_seconds(worker.pid) - before) / (time.monotonic() - began) * 100
    finally:
        worker.terminate()
        worker.wait(40)
    return {"case": "idle worker, 3 queues", "percent_of_a_core": round(percent, 2)}


def info(ground: Ground) -> dict[str, Any]:
    """How long `worker info` takes over a deep queue: the median of five, in seconds on the wall."""
    queue = open_queue(ground.settings, "high")
    queue.send_many(['{"id": "m"}'] * WAITING)
    taken = []
    for _ in range(5):
        began = time.monotonic()
        told = subprocess.run(
            [sys.executable, "-m", "worker", "info", "--json"],
            cwd=ROOT,
            env=dict(ground.environment),
            capture_output=True,
            check=True,
        )
        taken.append(time.monotonic() - began)
    (high,) = [row for row in json.loads(told.stdout)["queues"] if row["queue"] == "high"]
    return {"case": "worker info", "waiting": high["waiting"], "seconds": round(statistics.median(taken), 2)}


def child() -> int:
    """One worker process of a measurement: the product's, with the peers' job entered and without the relay."""
    from worker import registry, running
    from worker.household import Options
    from worker.job import Job

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
            insert_rows(connection, tables["bench_lines"], [r for r in lines if r["order_id"] in known])
            insert_rows(connection, tables["bench_events"], [r for r in events if r["order_id"] in known])

    return order_tx


def one_round(
    ground: Ground, wanted: Sequence[str], options: Any, peers: Sequence[Rig], redis_pid: int
) -> Any:
    """Every measurement once, one after the other."""
    if "pgbench" in wanted:
        yield limits.pgbench(ground, "order_tx", PGBENCH)
        yield limits.pgbench(ground, "record_order", limits.record_script())
    for case in OURS:
        if case in wanted:
            yield ours(ground, case, options.jobs, options.processes)
    for rig in peers:
        yield peer(ground, rig, options.jobs, redis_pid)


def ratios(found: Mapping[str, Sequence[int]]) -> dict[str, float]:
    """What is promised of the worker (docs/worker.md), by the medians."""
    median = {name: statistics.median(values) for name, values in found.items()}
    pairs = {
        "order_tx / Dramatiq on Redis": ("ours, order_tx", "Dramatiq on Redis, 8 threads"),
        "order_tx / Celery on the local SQS": ("ours, order_tx", "Celery on the local SQS, late ack"),
        "record_order / pgbench": ("ours, record_order", "pgbench record_order, 8 clients"),
    }
    return {
        name: round(median[one] / median[other], 2)
        for name, (one, other) in pairs.items()
        if one in median and other in median
    }


def main() -> int:
    """Measure and print."""
    told = (__doc__ or "").splitlines()
    parser = argparse.ArgumentParser(prog="bench.worker", description=told[0], epilog=" ".join(told[2:]))
    parser.add_argument("cases", nargs="*", default=[], help=f"of {', '.join(CASES)} (default: all)")
    parser.add_argument("--jobs", type=int, default=3_000, help="per measurement (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=2, help="(default: %(default)s)")
    parser.add_argument("--processes", type=int, default=PROCESSES, help="of ours (default: %(default)s)")
    parser.add_argument("--without-peers", action="store_true", help="leave RQ, Dramatiq and Celery out")
    parser.add_argument("--prepare", action="store_true", help="only build the peers' environment")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return child()
    wanted = options.cases or [case for case in CASES if case != "peers" or not options.without_peers]
    if unknown := set(wanted) - set(CASES):
        parser.error(f"no case {unknown.pop()!r}; there are: {', '.join(CASES)}")
    if options.prepare:
        environment.peers_python()
        return 0
    with tempfile.TemporaryDirectory(prefix="bench-worker-") as name, ExitStack() as stack:
        measure(Path(name), wanted, options, stack)
    return 0


def measure(folder: Path, wanted: Sequence[str], options: Any, stack: ExitStack) -> None:
    """All rounds on one ground."""
    peers: list[Rig] = []
    redis_pid = 0
    if "peers" in wanted:
        python = environment.peers_python()
        redis_url, redis_pid = stack.enter_context(environment.redis(folder / "redis"))
    ground = stack.enter_context(platform(folder))
    if "peers" in wanted:
        # Their own queue: a message of ours left over would be none of theirs.
        peers = rigs(python, redis_url, ground.settings.aws_endpoint_url, ground.settings.low_queue_url)
    if "idle" in wanted:
        # First: later there are effects of orders that this ground has no stock for.
        print(json.dumps(idle(ground)), flush=True)
    if "info" in wanted:
        print(json.dumps(info(ground)), flush=True)
    found: dict[str, list[int]] = defaultdict(list)
    for number in range(options.rounds):
        for result in one_round(ground, wanted, options, peers, redis_pid):
            found[result["case"]].append(result["per_second"])
            print(json.dumps({"round": number + 1, **result}), flush=True)
    for name, value in ratios(found).items():
        print(json.dumps({"ratio": name, "value": value, "on": f"{datetime.now(UTC):%Y-%m-%d}"}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
