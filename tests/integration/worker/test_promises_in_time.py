"""Promises that are themselves a time, at their real scale: seconds after a kill, a minute of work, half a minute of outage."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.chaos.proxy import FaultProxy, Mode
from local.ports import any_free
from local.postgres import DURABLE, Cluster, find_binaries
from local.supervisor import Supervisor
from orders.messages import decode_job
from orders.settings import Settings
from tests.integration.worker.conftest import ROOT, Shop, Stage, body, record_message, until
from worker import control, registry
from worker.delivery import Delivery
from worker.job import Job
from worker.retry import Fate, Retry

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


class Stopwatch:
    """Middleware that notes when each message was begun, and as which delivery."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, int, float]] = []

    def before(self, job: Job, deliveries: Sequence[Delivery]) -> None:
        """Note it."""
        self.begun += [(held.message.id, held.attempt, time.time()) for held in deliveries]

    def after(self, job: Job, deliveries: Sequence[Delivery], seconds: float) -> None:
        """Nothing."""

    def failure(
        self,
        job: Job,
        deliveries: Sequence[Delivery],
        seconds: float,
        error: BaseException,
        fate: Fate | None,
    ) -> None:
        """Nothing."""

    def again(self) -> dict[str, float]:
        """When the messages that another worker had before were begun here."""
        return {message_id: at for message_id, attempt, at in self.begun if attempt > 1}


def test_a_killed_workers_jobs_run_again_within_ten_seconds(shop: Shop) -> None:
    """I9: SIGKILL in the middle of 500 orders; a second worker begins each interrupted one within 10 s of the kill."""
    shop.queues["orders"].send_many([record_message() for _ in range(500)])
    victim = shop.process("--queues", "orders", failpoint="worker.before_commit:delay=700")
    until(lambda: shop.count("orders") > 0, 60)
    until(lambda: shop.queues["orders"].depth().in_flight > 0)
    stopwatch = Stopwatch()
    killed_at = time.time()
    victim.kill()
    victim.wait(10)
    done = shop.count("orders")
    interrupted = shop.queues["orders"].depth().in_flight
    assert 0 < done < 500
    assert interrupted > 0
    shop.worker([stopwatch], visibility_seconds=6)
    until(lambda: shop.count("orders") == 500, 60)
    until(lambda: shop.queues["orders"].depth().total == 0, 30)
    again = stopwatch.again()
    last = max(again.values()) - killed_at
    print(f"{len(again)} of {interrupted} interrupted, the last after {last:.1f} s")  # noqa: T201
    assert len(again) == interrupted
    assert last < 10
    assert (shop.count("inbox"), shop.count("order_lines"), shop.count("ledger_entries")) == (500, 500, 2000)
    assert shop.count("outbox", "effect = 'confirm_stock'") == 500
    assert shop.count("quarantine") == 0


def test_a_job_of_a_minute_runs_once_under_ten_seconds_of_visibility(shop: Shop, stage: Stage) -> None:
    """Row W4 at its real scale: two workers, one job of 60 s; the second never gets it."""
    began = time.monotonic()
    workers = [shop.worker(visibility_seconds=10) for _ in range(2)]
    shop.queues["orders"].send(body("test_wait"))
    assert stage.begun.wait(30)
    threading.Timer(60, stage.go_on.set).start()
    until(lambda: stage.committed == ["test_wait-0"], 100)
    until(lambda: shop.queues["orders"].depth().total == 0)
    assert time.monotonic() - began >= 60
    assert stage.ran["test_wait-0"] == 1
    assert [worker.heartbeat.lost for worker in workers] == [0, 0]


def test_one_poison_message_among_a_thousand_delays_nobody(shop: Shop, stage: Stage) -> None:
    """I8: 999 are done, each at its first try, before the bad one has used up its own; after the fix it is done once."""

    class Slowly(ZeroDivisionError):
        retry_after_seconds = 4.0

    tries: list[int] = []

    def poison(context: Any, message: Any) -> None:
        tries.append(sum(count for name, count in stage.ran.items() if name.startswith("test_count")))
        if stage.is_broken:
            raise Slowly("a bug of ours")

    registry.add(Job("test_poison", poison, retry=Retry(max_attempts=5)))
    messages = [body("test_count", number) for number in range(999)]
    shop.queues["orders"].send_many([*messages[:500], body("test_poison"), *messages[500:]])
    stopwatch = Stopwatch()
    shop.worker([stopwatch], visibility_seconds=30)
    until(lambda: shop.count("quarantine") == 1, 100)
    assert tries[-1] == 999, "all others were done before the last try of the bad one"
    assert len(tries) == 5
    assert set(stopwatch.again()) == {"test_poison-0"}
    assert [stage.ran[f"test_count-{number}"] for number in range(999)] == [1] * 999
    stage.is_broken = False
    (replayed,) = control.requeue_all(shop.engine, shop.queues, shop.dead)
    assert replayed.message_id == "test_poison-0"
    until(lambda: len(tries) == 6)
    until(lambda: shop.queues["orders"].depth().total + shop.dead["orders"].depth().total == 0)
    assert shop.count("quarantine", "resolved_at IS NULL") == 0
    del registry._jobs["test_poison"]


def test_what_a_stopping_worker_had_prefetched_is_received_elsewhere_within_a_second(
    shop: Shop, stage: Stage
) -> None:
    """Row W5: two run and are finished, ten wait in its hands and are in another's a second after the signal."""
    first = shop.worker(threads=2, visibility_seconds=300)
    quick = [body("test_count", number) for number in range(60)]
    slow = [body("test_wait", number) for number in range(12)]
    shop.queues["orders"].send_many([*quick, *slow])
    until(lambda: sum(count for name, count in stage.ran.items() if "wait" in name) == 2)
    until(lambda: first.backlog.held() == 12)
    control_queue = shop.queues["orders"]
    received: list[tuple[str, float]] = []

    def another_worker() -> None:
        while len(received) < 10:
            found = control_queue.receive(10, 20)
            received.extend((decode_job(message.body).id, time.monotonic()) for message in found)

    receiver = threading.Thread(target=another_worker, daemon=True)
    receiver.start()
    stopped_at = time.monotonic()
    first.stop()
    receiver.join(30)
    print(f"ten prefetched messages received after {max(at for _, at in received) - stopped_at:.2f} s")  # noqa: T201
    assert len(received) == 10
    assert max(at for _, at in received) - stopped_at < 1.0
    stage.go_on.set()
    until(lambda: len(stage.committed) == 2)
    assert not {message_id for message_id, _ in received} & set(stage.committed)


@pytest.fixture
def own_postgres(tmp_path: Path, aws_settings: Settings) -> Iterator[tuple[Settings, Supervisor, Cluster]]:
    """A PostgreSQL with durable commits that this test may stop."""
    from alembic import command
    from alembic.config import Config

    cluster = Cluster(tmp_path / "postgres", find_binaries(), any_free(), DURABLE)
    cluster.initialise()
    supervisor = Supervisor(say=print)
    try:
        supervisor.start(cluster.child(tmp_path / "postgres.log"))
        cluster.ensure_owner_and_database()
        config = Config(toml_file=str(ROOT / "pyproject.toml"))
        config.attributes["database_url"] = cluster.url()
        command.upgrade(config, "head")
        yield replace(aws_settings, database_url=cluster.url()), supervisor, cluster
    finally:
        supervisor.stop_all()


def test_postgresql_stopped_for_half_a_minute_loses_nothing_and_needs_no_restart(
    own_postgres: tuple[Settings, Supervisor, Cluster], tmp_path: Path
) -> None:
    """The server itself is shut down under a working process and started 30 s later; orders come in all the time."""
    settings, supervisor, cluster = own_postgres
    shop = Shop(settings)
    try:
        worker = shop.process("--queues", "orders", failpoint="worker.before_commit:delay=200")
        send_many = shop.queues["orders"].send_many
        send_many([record_message() for _ in range(300)])
        until(lambda: shop.count("orders") > 0, 60)
        sent = 300
        shop.engine.dispose()
        supervisor.stop_all()
        away_until = time.monotonic() + 30
        while time.monotonic() < away_until:
            send_many([record_message() for _ in range(5)])
            sent += 5
            threading.Event().wait(1.0)
        supervisor.start(cluster.child(tmp_path / "postgres.log"))
        until(lambda: shop.count("orders") == sent, 120)
        assert worker.poll() is None, "the same process works on"
        assert shop.count("inbox", "job = 'record_order'") == sent
        assert shop.count("order_lines") == sent
        assert shop.count("quarantine", "job = 'record_order'") == 0
    finally:
        shop.stop()


def test_aws_away_for_a_while_loses_nothing_and_needs_no_restart(shop: Shop) -> None:
    """Connections to SQS are reset for longer than the visibility timeout; leases end, work is repeated, effects are not."""
    port = int(shop.settings.aws_endpoint_url.rsplit(":", 1)[1])
    with FaultProxy(port) as proxy:
        through = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy.port}"}
        for name in ("high", "orders", "low"):
            url = getattr(shop.settings, f"{name}_queue_url")
            through[f"CARTWRIGHT_{name.upper()}_QUEUE_URL"] = url.replace(f":{port}/", f":{proxy.port}/")
        worker = shop.process("--queues", "orders", failpoint="worker.before_commit:delay=300", **through)
        shop.queues["orders"].send_many([record_message() for _ in range(300)])
        until(lambda: shop.count("orders") > 0, 60)
        proxy.set_mode(Mode.RESET)
        threading.Event().wait(12)
        assert shop.count("orders") < 300
        proxy.set_mode(Mode.PASS)
        until(lambda: shop.count("orders") == 300, 120)
        assert worker.poll() is None, "the same process works on"
    assert (shop.count("inbox", "job = 'record_order'"), shop.count("order_lines")) == (300, 300)
    assert shop.count("quarantine", "job = 'record_order'") == 0
