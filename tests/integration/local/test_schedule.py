"""The quick clock: deployed rate rules run every two seconds on a laptop, through the real API."""

from __future__ import annotations

import io
import json
import os
import sys
import threading
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest
from flask import Flask, current_app

from local.aws import LocalAws
from local.child import Child
from local.schedule import HostTimer, WebCommands
from local.supervisor import Supervisor
from orders.settings import Settings
from tests.integration.local.waiting import until

REPOSITORY = Path(__file__).resolve().parents[3]
HANDLER = """
import json, boto3
def handle(event, context):
    boto3.client("sqs").send_message(QueueUrl="{queue}", MessageBody=json.dumps(event))
"""


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    supervisor = Supervisor(say=print)
    yield supervisor
    supervisor.stop_all()


def client(aws: LocalAws, service: str) -> Any:
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=aws.region)
    return session.client(service, endpoint_url=aws.endpoint_url)


def deploy_function(aws: LocalAws, name: str, queue: str) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("told.py", HANDLER.format(queue=queue))
    created = client(aws, "lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="told.handle",
        Role="arn:aws:iam::000000000000:role/any",
        Code={"ZipFile": packed.getvalue()},
    )
    return str(created["FunctionArn"])


def add_rule(aws: LocalAws, name: str, schedule: str, function: str, state: str = "ENABLED") -> None:
    events = client(aws, "events")
    events.put_rule(Name=name, ScheduleExpression=schedule, State=state)
    events.put_targets(Rule=name, Targets=[{"Id": "it", "Arn": function}])


def test_only_enabled_rate_rules_are_hurried(aws: LocalAws, supervisor: Supervisor, tmp_path: Path) -> None:
    """A sweeper's rule runs within seconds, again and again; one that is off, or bound to a time of day, does not."""
    sqs = client(aws, "sqs")
    queues = {
        name: sqs.create_queue(QueueName=f"told-{name}")["QueueUrl"] for name in ("rate", "off", "daily")
    }
    functions = {name: deploy_function(aws, f"tell-{name}", queue) for name, queue in queues.items()}
    add_rule(aws, "rate", "rate(1 minute)", functions["rate"])
    add_rule(aws, "off", "rate(1 minute)", functions["off"], state="DISABLED")
    add_rule(aws, "daily", "cron(0 3 * * ? *)", functions["daily"])
    supervisor.start(
        Child(
            name="schedule",
            title="the schedule",
            command=[sys.executable, "-m", "local.schedule"],
            directory=REPOSITORY,
            log=tmp_path / "schedule.log",
            environment={"PATH": os.environ["PATH"], **aws.client_environment()},
        )
    )
    told: list[dict[str, Any]] = []

    def told_twice() -> bool:
        found = sqs.receive_message(QueueUrl=queues["rate"], WaitTimeSeconds=1).get("Messages", [])
        told.extend(json.loads(message["Body"]) for message in found)
        return len(told) >= 2

    until(told_twice, "two calls")
    assert told[0]["detail-type"] == "Scheduled Event"
    assert told[0]["resources"][0].endswith(":rule/rate")
    for name in ("off", "daily"):
        assert "Messages" not in sqs.receive_message(QueueUrl=queues[name])


def test_it_refuses_to_run_against_aws_itself(tmp_path: Path, supervisor: Supervisor) -> None:
    """There, EventBridge keeps the clock."""
    import subprocess

    done = subprocess.run(
        [sys.executable, "-m", "local.schedule"],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "AWS_REGION": "eu-west-1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "no local AWS" in done.stderr


def test_a_timer_never_runs_over_itself_and_holds_up_nobody() -> None:
    """A run that takes long is not begun a second time; the clock goes on meanwhile."""
    begun, may_end = threading.Semaphore(0), threading.Event()
    runs: list[Sequence[str]] = []

    def slow(command: Sequence[str]) -> None:
        runs.append(command)
        begun.release()
        may_end.wait(30)

    timer = HostTimer(("checkout", "reconcile"), 60.0, 100.0, slow)
    timer.tick(99.0)
    assert timer.thread is None
    timer.tick(100.0)
    assert begun.acquire(timeout=30)
    timer.tick(161.0)
    assert len(runs) == 1
    assert timer.thread is not None
    may_end.set()
    timer.thread.join(30)
    timer.tick(162.0)
    assert begun.acquire(timeout=30)
    assert runs == [("checkout", "reconcile")] * 2


def test_a_command_runs_again_and_again_in_one_application(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The application is made once; a run that fails is written down and the next one comes."""
    made: list[Flask] = []
    outcomes = iter([None, RuntimeError("the database is away"), None])

    def make(_settings: Settings) -> Flask:
        application = Flask("timers")

        @application.cli.command("look")
        def look() -> None:
            assert current_app.name == "timers"
            if (trouble := next(outcomes)) is not None:
                raise trouble

        made.append(application)
        return application

    monkeypatch.setattr("webapp.create_app", make)
    commands = WebCommands()
    for _ in range(3):
        commands.run(["look"])
    assert next(outcomes, "all ran") == "all ran"
    assert len(made) == 1
    assert [record.getMessage() for record in caplog.records] == ["flask look failed"]
