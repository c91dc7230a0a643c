"""Least privilege, read from both sides: the AWS calls that a program's source makes are what its role allows, and no more.

For roles whose services no local AWS answers for. Calls are found in the source by the names of botocore's own operations.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from botocore import xform_name
from botocore.session import Session

from cloudformation.deploy.artefacts import ROOT
from cloudformation.deploy.template import Json, Template

from .enforced import actions_of

SAME_RIGHT = {
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectsV2": "s3:ListBucket",
    "rds:GenerateDbAuthToken": "rds-db:connect",
    "lambda:Invoke": "lambda:InvokeFunction",
}
"""Operations whose permission has another name."""
BUILD = {
    "logs:CreateLogStream": "CodeBuild writes the build's log",
    "logs:PutLogEvents": "CodeBuild writes the build's log",
    "s3:GetObject": "CodeBuild fetches the source",
    "s3:GetObjectVersion": "CodeBuild fetches the source",
    "s3:PutObject": "CodeBuild leaves the results",
    "kms:Decrypt": "what lies in the bucket is encrypted",
    "kms:GenerateDataKey": "what is put into the bucket is encrypted",
    "kms:DescribeKey": "CodeBuild looks at the key of its artefacts",
}


@dataclass(frozen=True)
class Program:
    """What runs with a role: its sources, the services that they call, and what is not to be seen in the source."""

    role: str
    sources: tuple[str, ...]
    services: tuple[str, ...]
    also: dict[str, str] = field(default_factory=dict)
    """Actions that something else than the source needs, with the reason."""
    withheld: dict[str, str] = field(default_factory=dict)
    """Actions that the source could call and the role must not have, with the reason."""


PROGRAMS = [
    Program(
        "40-orders/NewVersionCheckRole",
        ("cloudformation/hooks/check_new_version.py",),
        ("codedeploy", "lambda"),
        also={
            "logs:CreateLogStream": "Lambda writes the function's log",
            "logs:PutLogEvents": "Lambda writes the function's log",
            "kms:Decrypt": "the function's variables are encrypted",
        },
    ),
    Program(
        "70-pipeline/DeployRole",
        (
            "cloudformation/deploy/changesets.py",
            "cloudformation/deploy/stacks.py",
            "cloudformation/deploy/uploads.py",
            "cloudformation/deploy/records.py",
            "cloudformation/deploy/release.py",
            "cloudformation/deploy/bills.py",
            "cloudformation/deploy/stage.py",
        ),
        ("cloudformation", "s3", "ssm"),
        also={
            **BUILD,
            "iam:PassRole": "each change set names the role that CloudFormation takes",
            "s3:ListBucket": "without it a missing object answers 403 instead of 404",
        },
        withheld={
            "cloudformation:DeleteStack": "what a failed create left is removed by a person's `make deploy`"
        },
    ),
    Program(
        "70-pipeline/DatabaseRole",
        ("migrations/release.py",),
        ("rds", "secretsmanager"),
        also={name: BUILD[name] for name in BUILD if name not in {"s3:PutObject", "kms:GenerateDataKey"}},
    ),
    Program(
        "90-backup/ValidationRole",
        ("cloudformation/restored.py", "orders/adapters/dynamodb/table.py"),
        ("rds", "backup", "dynamodb"),
        also={name: BUILD[name] for name in BUILD if name not in {"s3:PutObject", "kms:GenerateDataKey"}},
        withheld={
            f"dynamodb:{name}": "it only reads, and reads whole tables"
            for name in (
                "GetItem",
                "BatchGetItem",
                "TransactWriteItems",
                "PutItem",
                "UpdateItem",
                "DeleteItem",
            )
        },
    ),
    Program(
        "50-web/HostPolicy",
        (
            "ansible/roles/python_app/files/read_settings.py",
            "orders/adapters/rds/engine.py",
            "ansible/ec2/user_data.sh",
        ),
        ("ssm", "secretsmanager", "rds", "autoscaling"),
        also={
            "s3:GetObject": "user data and CodeDeploy's agent fetch bundles",
            "s3:GetObjectVersion": "CodeDeploy's agent fetches a release by its version",
            "kms:Decrypt": "bundles, secrets and queues are encrypted",
            "kms:GenerateDataKey": "queues are encrypted",
            **dict.fromkeys(
                (
                    "logs:CreateLogStream",
                    "logs:PutLogEvents",
                    "logs:DescribeLogStreams",
                    "cloudwatch:PutMetricData",
                ),
                "the CloudWatch agent",
            ),
            **dict.fromkeys(
                (
                    "xray:PutTraceSegments",
                    "xray:PutTelemetryRecords",
                    "xray:GetSamplingRules",
                    "xray:GetSamplingTargets",
                ),
                "the CloudWatch agent passes traces on",
            ),
            **dict.fromkeys(
                (
                    "ssm:DescribeAssociation",
                    "ssm:ListInstanceAssociations",
                    "ssm:UpdateAssociationStatus",
                    "ssm:UpdateInstanceAssociationStatus",
                    "ssm:GetDocument",
                    "ssm:DescribeDocument",
                    "ssm:UpdateInstanceInformation",
                    "ssmmessages:CreateControlChannel",
                    "ssmmessages:CreateDataChannel",
                    "ssmmessages:OpenControlChannel",
                    "ssmmessages:OpenDataChannel",
                ),
                "Session Manager's agent",
            ),
            **dict.fromkeys(
                (
                    "codedeploy-commands-secure:GetDeploymentSpecification",
                    "codedeploy-commands-secure:PollHostCommand",
                    "codedeploy-commands-secure:PutHostCommandAcknowledgement",
                    "codedeploy-commands-secure:PutHostCommandComplete",
                ),
                "CodeDeploy's agent",
            ),
        },
    ),
]


def calls_in(path: str, services: tuple[str, ...]) -> Iterator[str]:
    """`service:Operation` for every operation of these services that a source names."""
    text = (ROOT / path).read_text("utf-8")
    if path.endswith(".sh"):
        yield from (f"autoscaling:{name}" for name in re.findall(r"Action=(\w+)", text))
        return
    operations = {}
    for service in services:
        model = Session().get_service_model(service)
        operations |= {xform_name(name): f"{service}:{name}" for name in model.operation_names}
    operations["generate_db_auth_token"] = "rds:GenerateDbAuthToken"
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Attribute) and node.func.attr in operations:
            yield operations[node.func.attr]
        for given in node.args:
            # get_paginator("describe_stacks"), and the single writes of a table.
            if isinstance(given, ast.Constant) and given.value in operations:
                yield operations[given.value]


def allowed(resource: Json) -> set[str]:
    """Every action that a role or managed policy allows."""
    properties = resource["Properties"]
    documents = [each["PolicyDocument"] for each in properties.get("Policies", [])]
    documents += [properties["PolicyDocument"]] if "PolicyDocument" in properties else []
    statements = [
        each for document in documents for each in document["Statement"] if each["Effect"] == "Allow"
    ]
    return {action for statement in statements for action in actions_of(statement)}


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.role)
def test_a_role_allows_what_its_program_calls_and_nothing_more(
    templates: dict[str, Template], program: Program
) -> None:
    """Both ways; and no reason is left over from a call that is gone."""
    layer, role = program.role.split("/")
    called = {
        SAME_RIGHT.get(call, call) for path in program.sources for call in calls_in(path, program.services)
    }
    assert program.withheld.keys() <= called
    assert (
        allowed(templates[layer].resources[role]) == (called - program.withheld.keys()) | program.also.keys()
    )


def test_no_program_of_a_restore_test_signs_in_to_the_living_database(templates: dict[str, Template]) -> None:
    """A restored instance has an id that nobody knows beforehand; the living one's is denied."""
    (policy,) = templates["90-backup"].resources["ValidationRole"]["Properties"]["Policies"]
    denied = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Deny"]
    assert [each["Action"] for each in denied] == [["rds-db:connect"]]
    assert "DatabaseResourceId" in str(denied[0]["Resource"])
