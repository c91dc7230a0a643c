"""CodeDeploy's question before it shifts calls to a new version: asked of the real handlers, answered to a stubbed CodeDeploy."""

from __future__ import annotations

import io
import json
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from cloudformation.deploy.artefacts import ROOT
from cloudformation.deploy.template import Json, Template
from cloudformation.hooks import check_new_version as hook

from .conftest import FUNCTIONS
from .enforced import REGION, EnforcedStage

ASKED = {"DeploymentId": "d-ABCDEFGHI", "LifecycleEventHookExecutionId": "hook-1"}
VERSION = "arn:aws:lambda:eu-west-1:123456789012:function:get-order:7"
NOT_FOUND = {"statusCode": 404}


class CodeDeploy:
    """CodeDeploy and Lambda behind Stubber, which holds each call to the services' real models."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, group: str = "get-order-group") -> None:
        keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": REGION}
        self.clients = {name: boto3.client(name, **keys) for name in ("codedeploy", "lambda")}
        self.stubs = {name: Stubber(client) for name, client in self.clients.items()}
        self.stubs["codedeploy"].add_response(
            "get_deployment",
            {"deploymentInfo": {"deploymentGroupName": group}},
            {"deploymentId": ASKED["DeploymentId"]},
        )
        monkeypatch.setattr(hook.boto3, "client", lambda name, config: self.clients[name])
        monkeypatch.setenv("NEW_VERSIONS", f"sweep=sweep-group=other get_order=get-order-group={VERSION}")
        for stub in self.stubs.values():
            stub.activate()

    def version_answers(self, answer: Any, **more: str) -> None:
        """What calling the new version returns."""
        reply = {"Payload": io.BytesIO(json.dumps(answer).encode()), **more}
        event = json.dumps(hook.CHECKS["get_order"][0]).encode()
        self.stubs["lambda"].add_response("invoke", reply, {"FunctionName": VERSION, "Payload": event})

    def is_told(self, status: str) -> Json:
        """What the hook returns, when it told CodeDeploy this."""
        self.stubs["codedeploy"].add_response(
            "put_lifecycle_event_hook_execution_status",
            {"lifecycleEventHookExecutionId": "hook-1"},
            {
                "deploymentId": ASKED["DeploymentId"],
                "lifecycleEventHookExecutionId": ASKED["LifecycleEventHookExecutionId"],
                "status": status,
            },
        )
        told = hook.handle(ASKED, None)
        for stub in self.stubs.values():
            stub.assert_no_pending_responses()
        return told


def test_a_version_that_works_is_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the version of the group that is deployed, and no other."""
    cloud = CodeDeploy(monkeypatch)
    cloud.version_answers(NOT_FOUND)
    assert cloud.is_told("Succeeded")["problems"] == []


@pytest.mark.parametrize(
    ("answer", "more", "problem"),
    [
        (
            {"errorType": "ImportError", "errorMessage": "no module"},
            {"FunctionError": "Unhandled"},
            "ImportError",
        ),
        ({"statusCode": 500}, {}, "answered"),
        ("nonsense", {}, "nonsense"),
    ],
)
def test_a_version_that_does_not_work_is_kept_out(
    monkeypatch: pytest.MonkeyPatch, answer: Any, more: dict[str, str], problem: str
) -> None:
    """It raises, answers with an error, or with something else than its kind of answer."""
    cloud = CodeDeploy(monkeypatch)
    cloud.version_answers(answer, **more)
    assert problem in cloud.is_told("Failed")["problems"][0]


def test_a_version_that_cannot_be_called_is_kept_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """CodeDeploy hears of it at once, not after its hour of patience."""
    cloud = CodeDeploy(monkeypatch)
    cloud.stubs["lambda"].add_client_error("invoke", "ResourceNotFoundException")
    assert "cannot be called" in cloud.is_told("Failed")["problems"][0]


def test_a_deployment_of_a_group_that_nobody_knows_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new function whose check was forgotten must not pass for examined."""
    assert "KeyError" in CodeDeploy(monkeypatch, "new-group").is_told("Failed")["problems"][0]


def test_codedeploy_may_call_the_check_by_the_name_that_it_gets(templates: dict[str, Template]) -> None:
    """The role cannot name the function itself, which would close a circle."""
    (policy,) = templates["40-orders"].resources["FunctionReleaseRole"]["Properties"]["Policies"]
    statements = {each["Sid"]: each for each in policy["PolicyDocument"]["Statement"]}
    allowed = statements["HaveNewVersionsChecked"]["Resource"]["Fn::Sub"]
    assert allowed.endswith(":function:${AWS::StackName}-NewVersionCheck-*")
    assert "FunctionName" not in templates["40-orders"].resources["NewVersionCheck"]["Properties"]


def test_every_function_has_a_check_and_its_alias_waits_for_it(templates: dict[str, Template]) -> None:
    """Group, version and alias of the same function, and the hook on each alias."""
    layer = templates["40-orders"].resources
    join = layer["NewVersionCheck"]["Properties"]["Environment"]["Variables"]["NEW_VERSIONS"]["Fn::Join"]
    entries = [each["Fn::Join"][1] for each in join[1]]
    assert [name for name, _, _ in entries] == list(FUNCTIONS)
    assert hook.CHECKS.keys() == set(FUNCTIONS)
    for name, group, version in entries:
        plain = "".join(word.capitalize() for word in name.split("_"))
        assert (group, version) == ({"Ref": f"{plain}Deployments"}, {"Ref": f"{plain}Version"})
        alias = layer[f"{plain}Alias"]
        update = alias["UpdatePolicy"]["Fn::If"][1]["CodeDeployLambdaAliasUpdate"]
        assert update["BeforeAllowTrafficHook"] == {"Ref": "NewVersionCheck"}
        assert update["DeploymentGroupName"] == group


def test_the_template_carries_the_very_file(templates: dict[str, Template]) -> None:
    """CloudFormation takes 4096 characters of source."""
    text = (ROOT / "cloudformation" / "hooks" / "check_new_version.py").read_text("utf-8")
    assert templates["40-orders"].resources["NewVersionCheck"]["Properties"]["Code"] == {"ZipFile": text}
    assert len(text) <= 4096


@pytest.fixture
def versions(enforced: EnforcedStage) -> dict[str, str]:
    """The deployed functions' published versions, by name."""
    functions = enforced.cloud.client("lambda")
    found = {}
    for name in FUNCTIONS:
        plain = "".join(word.capitalize() for word in name.split("_"))
        role = enforced.resource("cartwright-local-orders", f"{plain}Role")
        enforced.put_policy(role, *enforced.policy_of(role))
        function = enforced.resource("cartwright-local-orders", f"{plain}Function")
        alias = functions.get_alias(FunctionName=function, Name="live")
        found[name] = f"{function}:{alias['FunctionVersion']}"
    return found


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_deployed_versions_pass_and_a_wrong_answer_does_not(
    enforced: EnforcedStage, versions: dict[str, str]
) -> None:
    """Asked on the local AWS with IAM enforced: each function as it is, then one in the place of another."""
    functions = enforced.cloud.client("lambda")
    before = {each.order_id for each in enforced.inventory.all_reservations()}
    assert [
        problem for name in FUNCTIONS for problem in hook.problems_of(functions, name, versions[name])
    ] == []
    assert {each.order_id for each in enforced.inventory.all_reservations()} == before
    assert list(hook.problems_of(functions, "get_order", versions["notify_customer"]))
    assert list(hook.problems_of(functions, "sweep", f"{versions['sweep']}99"))
