"""The pipeline's files: what the templates name exists, builds call make, and the visit after a deployment sees faults."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml

from cloudformation.deploy.artefacts import ROOT
from cloudformation.deploy.template import Template
from cloudformation.pipeline.smoke import fetch_page, problems_of


def test_every_buildspec_exists_and_calls_make_targets_that_exist(templates: dict[str, Template]) -> None:
    """The pipeline runs what a developer runs."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    specs = [
        resource["Properties"]["Source"]["BuildSpec"]
        for resource in templates["70-pipeline"].resources.values()
        if resource["Type"] == "AWS::CodeBuild::Project"
    ]
    assert len(specs) == 4
    for spec in specs:
        commands = yaml.safe_load((ROOT / spec).read_text("utf-8"))["phases"]["build"]["commands"]
        called = {match[1] for command in commands if (match := re.match(r"make ([a-z-]+)", command))}
        assert called <= targets, spec
        for command in commands:
            if match := re.match(r"python ([a-z/_.]+\.py)", command):
                assert (ROOT / match[1]).is_file(), command


def test_a_release_passes_its_steps_in_an_order_that_a_running_shop_survives(
    templates: dict[str, Template],
) -> None:
    """Static files and schema before any host, workers before web hosts, the visit in the stage that it can take back."""
    pipeline = templates["70-pipeline"].resources["Pipeline"]["Properties"]
    stages = [each["Fn::If"][1] if "Fn::If" in each else each for each in pipeline["Stages"]]
    assert [stage["Name"] for stage in stages] == [
        "Source",
        "Check",
        "Approve",
        "Layers",
        "Database",
        "Hosts",
    ]
    hosts = stages[-1]
    assert [action["Name"] for action in sorted(hosts["Actions"], key=lambda each: each["RunOrder"])] == [
        "Workers",
        "Web",
        "Smoke",
    ]
    assert hosts["OnFailure"] == {"Result": "ROLLBACK"}
    deploys = yaml.safe_load((ROOT / "cloudformation/pipeline/deploy.yml").read_text("utf-8"))["phases"][
        "build"
    ]
    assert [command.split()[1] for command in deploys["commands"]] == ["deploy", "static", "bills"]


def test_both_deployments_go_back_on_failure_and_on_alarms(templates: dict[str, Template]) -> None:
    """At most ten alarms, and a failed look at them counts as a ringing alarm."""
    groups = [
        resource["Properties"]
        for resource in templates["70-pipeline"].resources.values()
        if resource["Type"] == "AWS::CodeDeploy::DeploymentGroup"
    ]
    assert len(groups) == 2
    for group in groups:
        assert set(group["AutoRollbackConfiguration"]["Events"]) == {
            "DEPLOYMENT_FAILURE",
            "DEPLOYMENT_STOP_ON_ALARM",
        }
        assert 1 <= len(group["AlarmConfiguration"]["Alarms"]) <= 10
        assert group["AlarmConfiguration"]["IgnorePollAlarmFailure"] is False


class Shop(BaseHTTPRequestHandler):
    """A web server with a fault that can be chosen."""

    fault = ""

    def do_GET(self) -> None:
        """Answer like the shop, but for the fault."""
        self.send_response(503 if self.fault == "not ready" and self.path == "/readyz" else 200)
        if self.fault != "no headers":
            self.send_header("Content-Security-Policy", "default-src 'self'")
            self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(b"oops" if self.fault == "no page" else b"<!doctype html><html></html>")

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def shop() -> Iterator[str]:
    """The address of a web server that answers like the shop."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("", None),
        ("not ready", "/readyz answers 503"),
        ("no page", "/ is not a page"),
        ("no headers", "/ has no content-security-policy"),
    ],
)
def test_the_visit_after_a_deployment_names_what_is_wrong(
    shop: str, monkeypatch: pytest.MonkeyPatch, fault: str, problem: str | None
) -> None:
    """And nothing when the shop is well."""
    monkeypatch.setattr(Shop, "fault", fault)
    problems = problems_of(shop, fetch_page)
    assert problem in problems if problem else problems == []


def test_a_shop_that_does_not_answer_is_a_problem() -> None:
    """Connection refused, not a traceback."""
    assert "/healthz answers 0" in problems_of("http://127.0.0.1:9", fetch_page)
