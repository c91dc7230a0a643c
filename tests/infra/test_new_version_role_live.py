"""Least privilege of the check of new versions, tried where IAM is enforced: it may call what was published, and no more.

CodeDeploy is not on the local AWS; that half of the role is held against the source by test_role_actions.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from cloudformation.deploy import stacks
from cloudformation.deploy.template import Json, Template
from cloudformation.hooks import check_new_version as hook

from .enforced import ACCOUNT, REGION, EnforcedStage

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
ROLE = "new-version-check"
NAMES = {
    "submit_order": "SubmitOrder",
    "get_order": "GetOrder",
    "cancel_order": "CancelOrder",
    "sweep": "Sweep",
    "notify_customer": "NotifyCustomer",
}


class Check:
    """The hook with the role of 40-orders, whose policy names this stage's functions."""

    def __init__(self, stage: EnforcedStage, document: Json) -> None:
        outputs = stacks.describe(stage.cloud, "cartwright-local-orders").outputs or {}
        functions = stage.cloud.client("lambda")
        found = {
            name: functions.get_function(FunctionName=outputs[f"{part}FunctionName"])["Configuration"]
            for name, part in NAMES.items()
        }
        self.arns = {name: str(each["FunctionArn"]) for name, each in found.items()}
        self.versions = {
            name: functions.publish_version(FunctionName=arn)["FunctionArn"]
            for name, arn in self.arns.items()
        }
        self._document = self._with_arns(document)
        trusted = {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        stage.cloud.client("iam").create_role(
            RoleName=ROLE,
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trusted]}),
        )
        self._stage = stage

    def _with_arns(self, node: Any) -> Any:
        """The policy with this stage's functions in it; what is not here is a word that fits nothing."""
        if isinstance(node, list):
            return [self._with_arns(each) for each in node]
        if not isinstance(node, dict):
            return node
        if "Fn::Sub" not in node:
            return (
                {key: self._with_arns(value) for key, value in node.items()} if len(node) > 1 else "not-here"
            )
        name, dot, rest = str(node["Fn::Sub"]).removeprefix("${").partition("Function.Arn}")
        arns = {part: self.arns[each] for each, part in NAMES.items()}
        return arns[name] + rest if dot else "not-here"

    def without(self, *sids: str) -> None:
        """Give the role its policy without some statements."""
        kept = [each for each in self._document["Statement"] if each["Sid"] not in sids]
        self._stage.put_policy(ROLE, "check", {**self._document, "Statement": kept})

    def problems(self, name: str, called: str) -> list[str]:
        """What the hook says of a function that it calls by this ARN."""
        with self._stage.as_role(ROLE):
            session = boto3.Session(region_name=REGION)
            functions = session.client("lambda", endpoint_url=self._stage.endpoint)
            return list(hook.problems_of(functions, name, called))


@pytest.fixture(scope="module")
def check(enforced: EnforcedStage, templates: dict[str, Template]) -> Iterator[Check]:
    """The role, with its policy as the template has it."""
    properties = templates["40-orders"].resources["NewVersionCheckRole"]["Properties"]
    (policy,) = properties["Policies"]
    check = Check(enforced, policy["PolicyDocument"])
    check.without()
    yield check
    iam = enforced.cloud.client("iam")
    iam.delete_role_policy(RoleName=ROLE, PolicyName="check")
    iam.delete_role(RoleName=ROLE)


@pytest.mark.parametrize("name", NAMES)
def test_every_new_version_can_be_examined(check: Check, name: str) -> None:
    """Called with the role, each function's version answers as the hook expects of a sound one."""
    assert ACCOUNT in check.versions[name]
    assert check.problems(name, check.versions[name]) == []


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_published_may_not_be_called(check: Check, name: str) -> None:
    """A call of the bare function would examine code that nobody deploys."""
    (problem,) = check.problems(name, check.arns[name])
    assert "AccessDenied" in problem


@pytest.mark.parametrize("name", NAMES)
def test_without_the_right_to_call_the_deployment_is_stopped(check: Check, name: str) -> None:
    """The hook says so instead of letting the version in unseen."""
    check.without("CallNewVersions")
    try:
        (problem,) = check.problems(name, check.versions[name])
    finally:
        check.without()
    assert "AccessDenied" in problem
