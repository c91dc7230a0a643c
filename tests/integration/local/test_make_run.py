"""`make run` as a whole, with its real processes: up, hurt, down, and up again with yesterday's data."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest

from local.deployment import NOTIFIERS_AT_ONCE
from local.home import Home
from tests.integration.local.waiting import is_alive, until

REPOSITORY = Path(__file__).resolve().parents[3]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class Run:
    """One `python -m local run` on a home, and what can be asked of it from outside."""

    def __init__(self, home: Path) -> None:
        self.home = Home(home)
        self.output = home.parent / f"{home.name}.out"
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.environment = {**kept, "CARTWRIGHT_HOME": str(home)}
        with self.output.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "local", "run"],
                cwd=REPOSITORY,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def ready(self) -> dict[str, Any]:
        """run.json, once the stack is ready."""

        def published() -> dict[str, Any] | None:
            assert self.process.poll() is None, self.output.read_text()
            return self.home.read_run_file()

        return until(published, f"the stack; so far:\n{self.output.read_text()}")

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Another `python -m local` on the same home."""
        return subprocess.run(
            [sys.executable, "-m", "local", *words],
            cwd=REPOSITORY,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def processes(self) -> list[int]:
        """Every process that has to do with this home, however it is related to the supervisor."""
        return [pid for pid in _all_pids() if pid != os.getpid() and _mentions(pid, str(self.home.path))]


def _all_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _mentions(pid: int, text: str) -> bool:
    if not is_alive(pid):
        return False
    try:
        words = [Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ")]
    except OSError:
        return False
    return text.encode() in b"".join(words)


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as reply:  # noqa: S310 - an address from run.json.
            return int(reply.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def database(run: dict[str, Any]) -> psycopg.Connection:
    return psycopg.connect(run["database_url"].replace("postgresql+psycopg", "postgresql"))


def client(run: dict[str, Any], service: str) -> Any:
    own = run["environment"]
    session = boto3.Session(
        own["AWS_ACCESS_KEY_ID"], own["AWS_SECRET_ACCESS_KEY"], region_name=own["AWS_REGION"]
    )
    return session.client(service, endpoint_url=run["aws_endpoint_url"])


def pieces_for_sale(run: dict[str, Any]) -> int:
    pages = client(run, "dynamodb").get_paginator("scan")
    items = pages.paginate(TableName=run["environment"]["CARTWRIGHT_INVENTORY_TABLE"])
    found = [item for page in items for item in page["Items"] if item["pk"]["S"].startswith("STOCK#")]
    return sum(int(item["available"]["N"]) for item in found)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run") / "home"


@pytest.fixture(scope="module")
def stack(home: Path) -> Iterator[Run]:
    run = Run(home)
    yield run
    if run.process.poll() is None:
        run.process.terminate()
        run.process.wait(120)


def test_it_publishes_where_everything_is(stack: Run) -> None:
    """run.json has exactly the promised keys, is private, and every page it names answers."""
    run = stack.ready()
    assert set(run) == {"urls", "database_url", "aws_endpoint_url", "pids", "environment"}
    assert set(run["urls"]) == {"shop", "console", "inbox", "api"}
    assert set(run["pids"]) == {"web", "worker", "postgres", "aws"}
    assert all(is_alive(pid) for pid in run["pids"].values())
    assert stack.home.run_file.stat().st_mode & 0o777 == 0o600
    assert status_of(run["urls"]["shop"]) == 200
    assert status_of(run["urls"]["inbox"]) == 200
    assert {name.split("_")[0] for name in run["environment"]} == {"CARTWRIGHT", "AWS"}
    assert "Cartwright is open" in stack.output.read_text()


def test_the_mail_of_a_burst_starts_few_processes(stack: Run) -> None:
    """Each batch at once is a process of notify_customer on a laptop, and the templates allow ten."""
    mappings = client(stack.ready(), "lambda").list_event_source_mappings()["EventSourceMappings"]
    found = [mapping["ScalingConfig"]["MaximumConcurrency"] for mapping in mappings]
    assert found == [NOTIFIERS_AT_ONCE]


def test_status_and_exec_see_the_running_stack(stack: Run) -> None:
    """Other programs get the settings of the stack without knowing its ports."""
    run = stack.ready()
    told = stack.command("status")
    assert told.returncode == 0
    assert run["urls"]["shop"] in told.stdout
    printed = stack.command(
        "exec", sys.executable, "-c", "import os; print(os.environ['CARTWRIGHT_DATABASE_URL'])"
    )
    assert printed.stdout.strip() == run["database_url"]


def test_a_second_run_is_refused_and_names_the_first(stack: Run) -> None:
    """Two supervisors on one home would fight over the data."""
    run = stack.ready()
    refused = stack.command("run")
    assert refused.returncode == 2
    assert run["urls"]["shop"] in refused.stdout
    assert f"process {stack.process.pid}" in refused.stdout


def test_a_killed_web_server_and_database_come_back(stack: Run) -> None:
    """kill -9 of either: the supervisor restarts it and the shop's first page answers again."""
    run = stack.ready()
    for name in ("postgres", "web"):
        os.kill(run["pids"][name], signal.SIGKILL)
    until(lambda: stack.output.read_text().count("runs again") >= 2, "both restarts")
    until(lambda: status_of(run["urls"]["shop"]) == 200, "the first page")
    with database(run) as connection:
        assert connection.execute("SELECT count(*) FROM products").fetchone() != (0,)


def test_run_json_names_the_processes_of_now(stack: Run) -> None:
    """After a restart the published process ids are those of the new processes."""
    run = stack.ready()
    until(
        lambda: all(is_alive(pid) for pid in (stack.home.read_run_file() or run)["pids"].values()),
        "live pids",
    )


def test_a_killed_local_aws_is_rebuilt_before_the_shop_opens_again(stack: Run) -> None:
    """SIGKILL of the local AWS loses its state: stacks, stock and projections are made anew from what is kept."""
    before = stack.ready()
    pieces = pieces_for_sale(before)
    os.kill(before["pids"]["aws"], signal.SIGKILL)
    until(lambda: "has lost what came after its start" in stack.output.read_text(), "the notice of the loss")
    until(
        lambda: (stack.home.read_run_file() or before)["pids"]["aws"] != before["pids"]["aws"],
        "the reopening",
    )
    after = stack.ready()
    assert pieces_for_sale(after) == pieces
    assert status_of(after["urls"]["shop"]) == 200


def test_a_stop_leaves_nothing_behind_and_the_next_run_finds_everything(stack: Run, home: Path) -> None:
    """SIGTERM ends every process of the stack, Lambdas included; rows, stock and messages are there tomorrow."""
    run = stack.ready()
    with database(run) as connection:
        connection.execute("CREATE TABLE yesterday AS SELECT 'kept' AS what")
    client(run, "sqs").send_message(QueueUrl=run["environment"]["CARTWRIGHT_LOW_DLQ_URL"], MessageBody="kept")
    pieces = pieces_for_sale(run)
    stack.process.send_signal(signal.SIGTERM)
    assert stack.process.wait(120) == 0
    until(lambda: not stack.processes(), f"the end of {stack.processes()}")
    assert stack.home.read_run_file() is None
    again = Run(home)
    try:
        run = again.ready()
        with database(run) as connection:
            assert connection.execute("SELECT what FROM yesterday").fetchone() == ("kept",)
        assert pieces_for_sale(run) == pieces
        queue = run["environment"]["CARTWRIGHT_LOW_DLQ_URL"]
        found = client(run, "sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
        assert [message["Body"] for message in found] == ["kept"]
        assert "unchanged" in again.output.read_text()
    finally:
        stopped = again.command("stop")
        again.process.wait(120)
    assert stopped.returncode == 0, stopped.stderr
    assert again.process.returncode == 0
    until(lambda: not again.processes(), f"the end of {again.processes()}")
