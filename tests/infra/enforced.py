"""A local AWS that enforces IAM, with the local stage on it: used as the account's owner, as a function, and as a role."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cloudformation.deploy import stacks
from cloudformation.deploy.cloud import Cloud
from cloudformation.deploy.stage import deploy_stage
from cloudformation.deploy.template import Template, find
from local.aws import LocalAws
from local.ports import any_free
from local.supervisor import Supervisor
from orders.adapters import aws as adapters
from orders.adapters.clock import SystemClock
from orders.adapters.dynamodb.inventory import DynamoInventory
from orders.domain.ids import Sku
from orders.settings import Settings

REGION = "eu-west-1"
MUG = Sku("MUG-RED")
ACCOUNT = "000000000000"
UNCHECKED = {"WriteLogs", "UseTheStagesKey"}
"""The local AWS checks neither writing logs from a function nor the use of a key on a function's behalf."""
_ALSO_ASKED = {
    "sqs:SendMessage": ["sqs:SendMessageBatch"],
    "sqs:DeleteMessage": ["sqs:DeleteMessageBatch"],
    "sqs:ChangeMessageVisibility": ["sqs:ChangeMessageVisibilityBatch"],
    "sns:Publish": ["sns:PublishBatch"],
}
"""The local AWS asks for these, which IAM does not have: AWS asks for the plain action when many are sent at once."""

_ASKED_ON_EVERYTHING = {"ses:SendEmail", "ssm:GetParametersByPath"}
"""The local AWS does not ask for these on the sender's identity, or on the path, as AWS does."""

Json = dict[str, Any]


def as_the_local_aws_asks(document: Json) -> Json:
    """A policy with what the local AWS asks for in place of what AWS does: see above."""
    statements = []
    for statement in document["Statement"]:
        actions = actions_of(statement)
        also = [other for action in actions for other in _ALSO_ASKED.get(action, [])]
        changed = {**statement, "Action": [*actions, *also]}
        if _ASKED_ON_EVERYTHING & set(actions):
            changed["Resource"] = "*"
        statements.append(changed)
    return {**document, "Statement": statements}


def actions_of(statement: Json) -> list[str]:
    """The actions of a statement, which may be written as one text."""
    action = statement["Action"]
    return [action] if isinstance(action, str) else list(action)


def each_action_less(document: Json, untested: set[str]) -> Iterator[tuple[str, Json]]:
    """(`Sid: action`, the policy without it) for every action of every statement but the untested ones."""
    for index, statement in enumerate(document["Statement"]):
        if statement["Sid"] in untested:
            continue
        actions = actions_of(statement)
        for action in actions:
            rest = [other for other in actions if other != action]
            kept = [{**statement, "Action": rest}] if rest else []
            fewer = [*document["Statement"][:index], *kept, *document["Statement"][index + 1 :]]
            yield f"{statement['Sid']}: {action}", {**document, "Statement": fewer}


class EnforcedStage:
    """The repository's own local stage on a local AWS that enforces IAM."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.cloud = Cloud(REGION, endpoint, patience_seconds=60)
        for service in ("cloudformation", "dynamodb", "events", "iam", "lambda", "s3", "ses", "sqs", "sts"):
            self.cloud.client(service)  # Made now, they stay the owner's whatever role is taken later.
        environment = deploy_stage("local", region=REGION, endpoint_url=endpoint, report=lambda line: None)
        self._stop_the_clock()
        self.settings = Settings.from_environment(
            {"AWS_REGION": REGION, "AWS_ENDPOINT_URL": endpoint, **environment}
        )
        self.inventory = DynamoInventory(self.cloud.client("dynamodb"), self.settings, SystemClock())
        self.inventory.set_up_sku(MUG, 1250, "EUR")
        self.inventory.restock(MUG, 1000, "first")
        self.cloud.client("ses").verify_domain_identity(Domain="cartwright.example")

    def _stop_the_clock(self) -> None:
        """No rule fires by itself: a sweep that comes by would send what a function was not allowed to."""
        events = self.cloud.client("events")
        for rule in events.list_rules()["Rules"]:
            events.disable_rule(Name=rule["Name"])

    def resource(self, stack: str, logical_id: str) -> str:
        """The physical id of a resource."""
        found = self.cloud.client("cloudformation").describe_stack_resource(
            StackName=stack, LogicalResourceId=logical_id
        )
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def policy_of(self, role: str) -> tuple[str, Json]:
        """The name of a role's only inline policy, and the policy as its template says."""
        iam = self.cloud.client("iam")
        (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        invented = {other for others in _ALSO_ASKED.values() for other in others}
        statements = [
            {**each, "Action": [action for action in actions_of(each) if action not in invented]}
            for each in document["Statement"]
        ]
        return name, {**document, "Statement": statements}

    def put_policy(self, role: str, name: str, document: Json) -> None:
        """Replace a role's policy, as the local AWS asks."""
        self.cloud.client("iam").put_role_policy(
            RoleName=role, PolicyName=name, PolicyDocument=json.dumps(as_the_local_aws_asks(document))
        )

    def invoke(self, function: str, event: Json) -> Json:
        """Call a function's live alias; what it answers, or {"errorType": ...}."""
        outputs = stacks.describe(self.cloud, "cartwright-local-orders").outputs or {}
        answer = self.cloud.client("lambda").invoke(
            FunctionName=f"{outputs[function + 'FunctionName']}:live", Payload=json.dumps(event)
        )
        payload: Json = json.loads(answer["Payload"].read())
        return payload

    def make_roles(self, template: Template, parameters: Mapping[str, str]) -> str:
        """Deploy the roles and policies of a layer that the local stage does not have; the name of their stack.

        What they import and this stage does not export is a word that fits nothing.
        """
        kinds = {"AWS::IAM::Role", "AWS::IAM::ManagedPolicy"}
        chosen = {name: each for name, each in template.resources.items() if each["Type"] in kinds}
        exported = {
            each["Name"]
            for page in self.cloud.client("cloudformation").get_paginator("list_exports").paginate()
            for each in page["Exports"]
        }
        resources = _known(chosen, chosen.keys() | template.parameters.keys(), exported)
        for each in resources.values():
            if each["Type"] == "AWS::IAM::ManagedPolicy":
                asked = as_the_local_aws_asks(each["Properties"]["PolicyDocument"])
                each["Properties"]["PolicyDocument"] = asked
        used = set(find(resources, "Ref")) | set(parameters)
        declared = {name: {"Type": "String"} for name in template.parameters if name in used | {"Stage"}}
        stack = f"roles-of-{template.name}"
        self.cloud.client("cloudformation").create_stack(
            StackName=stack,
            TemplateBody=json.dumps({"Parameters": declared, "Resources": resources}),
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value}
                for name, value in {"Stage": "local", **parameters}.items()
            ],
            Capabilities=["CAPABILITY_IAM"],
        )
        state = stacks.wait(self.cloud, stacks.describe(self.cloud, stack))
        assert state.status == "CREATE_COMPLETE", stacks.first_cause(self.cloud, state.stack_id)
        return stack

    @contextmanager
    def as_role(self, role: str) -> Iterator[None]:
        """This process' AWS clients, those that are made meanwhile, are the role's."""
        given = self.cloud.client("sts").assume_role(
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{role}", RoleSessionName="test"
        )["Credentials"]
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ACCESS_KEY_ID", given["AccessKeyId"])
            patch.setenv("AWS_SECRET_ACCESS_KEY", given["SecretAccessKey"])
            patch.setenv("AWS_SESSION_TOKEN", given["SessionToken"])
            adapters._session.cache_clear()
            try:
                yield
            finally:
                adapters._session.cache_clear()


def _known(node: Any, here: set[str], exported: set[str]) -> Any:
    """A part of a template with a word in place of what this stage does not have."""
    if isinstance(node, list):
        return [_known(item, here, exported) for item in node]
    if not isinstance(node, dict):
        return node
    if set(node) == {"Fn::ImportValue"}:
        name = node["Fn::ImportValue"]["Fn::Sub"].replace("${Stage}", "local")
        return node if name in exported else "not-here"
    if set(node) == {"Fn::GetAtt"} and node["Fn::GetAtt"][0] not in here:
        return "not-here"
    if set(node) == {"Ref"} and node["Ref"] not in here and not node["Ref"].startswith("AWS::"):
        return "not-here"
    return {key: _known(value, here, exported) for key, value in node.items()}


@contextmanager
def enforced_stage(folder: Path) -> Iterator[EnforcedStage]:
    """The local stage, deployed where IAM is enforced."""
    aws = LocalAws(folder / "aws", any_free(), REGION, folder / "mail", keep_state=False)
    aws.prepare()
    child = aws.child(folder / "log")
    supervisor = Supervisor(say=lambda line: None)
    try:
        supervisor.start(replace(child, environment={**child.environment, "AUTH": "true"}))
        yield EnforcedStage(aws.endpoint_url)
    finally:
        supervisor.stop_all()
