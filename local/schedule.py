"""What runs by the clock on a laptop: the deployed schedule rules, quicker than on AWS, and the web hosts' timers.

The local AWS fires schedule rules itself, at their own pace; AWS knows no pace below one minute. On a laptop a
person watches, and a test waits, for what the sweeper repairs. This program therefore reads the deployed rules
through the AWS API and invokes their Lambda targets every two seconds as well. What runs on a schedule must
stand being run twice at once anyway: EventBridge delivers at least once.

The timers are systemd units on the web hosts (ansible/); here this program runs the same commands, in one application that
it makes once: a process for each would cost an idle laptop more than the shop does.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn
from uuid import uuid4

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from flask import Flask
from flask.cli import ScriptInfo

from orders.settings import Settings

INTERVAL_SECONDS = 2.0
READ_RULES_EVERY_SECONDS = 60.0
LAMBDA_ARN = ":lambda:"
HOST_TIMERS = (
    # (the command after `flask`, seconds from one start to the next)
    (("checkout", "reconcile"), 60.0),
    (("checkout", "sweep-carts"), 3600.0),
    (("account", "send-letters"), 60.0),
    (("account", "sweep"), 3600.0),
)

log = logging.getLogger("cartwright.schedule")


@dataclass(frozen=True)
class Scheduled:
    """One Lambda that a rule calls on a schedule."""

    rule_arn: str
    function_arn: str
    input: str | None
    """The rule's own constant input, or None for the usual event."""


def scheduled_lambdas(events: Any) -> list[Scheduled]:
    """The Lambda targets of all enabled rules with a rate. Rules with a time of day keep their time."""
    found = []
    for page in events.get_paginator("list_rules").paginate():
        for rule in page["Rules"]:
            if rule.get("State") == "ENABLED" and rule.get("ScheduleExpression", "").startswith("rate("):
                targets = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
                found += [
                    Scheduled(rule["Arn"], target["Arn"], target.get("Input"))
                    for target in targets
                    if LAMBDA_ARN in target["Arn"]
                ]
    return found


def invoke(client: Any, scheduled: Scheduled) -> None:
    """Call the function and wait for it, so that a slow one is not called over itself. Logs a failure."""
    payload = scheduled.input or json.dumps(_event(scheduled.rule_arn))
    reply = client.invoke(FunctionName=scheduled.function_arn, Payload=payload.encode("utf-8"))
    if reply.get("FunctionError"):
        problem = reply["Payload"].read(2_000).decode("utf-8", "replace")
        log.warning("%s failed: %s", scheduled.function_arn, problem)


def _event(rule_arn: str) -> Mapping[str, Any]:
    _, _, _, region, account, _ = rule_arn.split(":", 5)
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": account,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": [rule_arn],
        "detail": {},
    }


class WebCommands:
    """The web application's commands, in this process: an interpreter and an application are started once, not per run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._application: Flask | None = None

    def run(self, command: Sequence[str]) -> None:
        """What `flask COMMAND` does on a web host. Whatever goes wrong is logged: the next run takes it up again."""
        try:
            application = self._made()
            script = ScriptInfo(create_app=lambda: application, set_debug_flag=False)
            application.cli.main([*command], prog_name="flask", standalone_mode=False, obj=script)
        except Exception:
            log.warning("flask %s failed", " ".join(command), exc_info=True)

    def _made(self) -> Flask:
        from webapp import create_app

        with self._lock:
            if self._application is None:
                self._application = create_app(Settings.from_environment(os.environ))
            return self._application


@dataclass
class HostTimer:
    """One command of the web application that is run again and again, never twice at once."""

    command: tuple[str, ...]
    every_seconds: float
    due: float
    run: Callable[[Sequence[str]], None]
    thread: threading.Thread | None = None

    def tick(self, now: float) -> None:
        """Run the command when it is due and its last run has ended. The caller does not wait for it."""
        if now < self.due or (self.thread is not None and self.thread.is_alive()):
            return
        self.due = now + self.every_seconds
        # A daemon: a run on its way when this program ends is made to be taken up again.
        name = " ".join(self.command)
        self.thread = threading.Thread(target=self.run, args=(self.command,), name=name, daemon=True)
        self.thread.start()


def run(timers: Sequence[HostTimer]) -> NoReturn:
    """Tick for ever. An AWS that does not answer is asked again at the next tick."""
    configuration = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=60)
    events, functions = (boto3.client(name, config=configuration) for name in ("events", "lambda"))
    scheduled: list[Scheduled] = []
    read_at = float("-inf")
    while True:
        begun = time.monotonic()
        try:
            if begun - read_at > READ_RULES_EVERY_SECONDS or not scheduled:
                scheduled, read_at = scheduled_lambdas(events), begun
            for item in scheduled:
                invoke(functions, item)
        except (BotoCoreError, ClientError) as error:
            log.warning("the local AWS does not answer: %s", error)
        for timer in timers:
            timer.tick(time.monotonic())
        time.sleep(max(0.0, INTERVAL_SECONDS - (time.monotonic() - begun)))


def main() -> None:
    """Refuses to run against real AWS, where EventBridge keeps the clock."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    if not os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://127.0.0.1:"):
        raise SystemExit("AWS_ENDPOINT_URL names no local AWS.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # The first run comes one interval after the start, when nobody waits for the first page any more.
    commands = WebCommands()
    run([HostTimer(command, every, time.monotonic() + every, commands.run) for command, every in HOST_TIMERS])


if __name__ == "__main__":
    main()
