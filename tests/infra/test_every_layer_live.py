"""Every layer of a stage on the local AWS, less the few types that it does not know: made, changed, rolled back, gone.

What it refuses is listed here and in cloudformation/README.md; a type that it learns makes the first test fail.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from cloudformation.deploy import stacks
from cloudformation.deploy.artefacts import ROOT, lambda_artefacts
from cloudformation.deploy.cloud import Cloud
from cloudformation.deploy.destroy import destroy_stage
from cloudformation.deploy.errors import StackFailed
from cloudformation.deploy.stage import Deployment
from cloudformation.deploy.template import Json, Template, load_all

from .conftest import REGION

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

REFUSED = {
    "AWS::ApplicationSignals::ServiceLevelObjective",
    "AWS::Backup::BackupSelection",
    "AWS::Backup::RestoreTestingPlan",
    "AWS::Backup::RestoreTestingSelection",
    "AWS::Budgets::Budget",
    "AWS::CloudFront::VpcOrigin",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentConfig",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::CodePipeline::Pipeline",
    "AWS::EC2::EIP",
    "AWS::EC2::FlowLog",
    "AWS::EC2::NatGateway",
    "AWS::RDS::DBProxy",
    "AWS::RDS::DBProxyTargetGroup",
    "AWS::Route53::RecordSetGroup",
    "AWS::SSM::Association",
    "AWS::Synthetics::Canary",
    "AWS::WAFv2::LoggingConfiguration",
}
UNKNOWN_ATTRIBUTES = {"MasterUserSecret.SecretArn"}
"""What the local AWS's resources do not say of themselves."""
IMAGE = "/images/web"
"""In place of Canonical's parameter, whose name is AWS's own."""


def without_refused(template: Template) -> Template:
    """The layer as it is, but for resources of refused types; what refers to one gets a word in its place."""
    gone = {name for name, each in template.resources.items() if each["Type"] in REFUSED}
    body = {
        **template.body,
        "Resources": {name: each for name, each in template.resources.items() if name not in gone},
    }
    body.pop("Rules", None)  # The local AWS does not know them; cfn-lint and AWS do.
    reduced: Json = _forget(body, gone)
    return Template(template.layer, reduced)


def _forget(node: Any, gone: set[str]) -> Any:
    if isinstance(node, list):
        return [_forget(item, gone) for item in node]
    if isinstance(node, str):
        for name in gone:
            if f"${{{name}}}" in node or f"${{{name}." in node:
                return "not-here"
        return node
    if not isinstance(node, dict):
        return node
    if set(node) == {"Ref"} and node["Ref"] in gone:
        return "not-here"
    if set(node) == {"Fn::GetAtt"}:
        name, attribute = node["Fn::GetAtt"]
        return "a:b:c:d:e:f:not-here" if name in gone or attribute in UNKNOWN_ATTRIBUTES else node
    kept = {key: _forget(value, gone) for key, value in node.items() if key != "UpdatePolicy"}
    if "DependsOn" in kept:
        names = kept["DependsOn"] if isinstance(kept["DependsOn"], list) else [kept["DependsOn"]]
        kept["DependsOn"] = [name for name in names if name not in gone]
    return kept


class Stage:
    """A stage on an empty local AWS."""

    def __init__(self, endpoint: str) -> None:
        self.lines: list[str] = []
        self.cloud = Cloud(REGION, endpoint, patience_seconds=120)
        self.cloud.client("ssm").put_parameter(Name=IMAGE, Value="ami-12345678", Type="String")
        self.endpoint = endpoint
        self.retention = "14"
        self.templates = [without_refused(each) for each in load_all(ROOT / "cloudformation").values()]

    def deployment(self) -> Deployment:
        """The deployer over the reduced layers, all in one region."""
        made = Deployment.of("dev", REGION, self.endpoint, self.lines.append)
        layers = tuple(each.layer for each in self.templates)
        shared = {**made.stage.shared, "LogRetentionDays": self.retention}
        made.stage = replace(made.stage, layers=layers, shared=shared)
        hosts = {"HostsBundleKey": "hosts/x.tar.gz", "HostsBundleSha256": "0" * 64, "ImageId": IMAGE}
        made.override({"50-web": hosts})
        made._artefacts = lambda_artefacts()
        made._templates = self.templates
        return made


@pytest.fixture
def stage(empty_aws: str) -> Iterator[Stage]:
    """The stage, not deployed yet."""
    return Stage(empty_aws)


def test_the_local_aws_refuses_exactly_the_types_that_are_listed(empty_aws: str) -> None:
    """And each is named in the table that a person reads."""
    cloudformation = Cloud(REGION, empty_aws).client("cloudformation")
    used = {
        each["Type"]
        for template in load_all(ROOT / "cloudformation").values()
        for each in template.resources.values()
    }
    refused = set()
    for number, kind in enumerate(sorted(used)):
        body = json.dumps({"Resources": {"It": {"Type": kind, "Properties": {}}}})
        try:
            cloudformation.create_stack(StackName=f"try-{number}", TemplateBody=body)
        except cloudformation.exceptions.ClientError as error:
            refused.add(kind if "Unrecognized resource types" in str(error) else f"{kind}: {error}")
    assert refused == REFUSED
    table = (ROOT / "cloudformation" / "README.md").read_text("utf-8")
    assert [kind for kind in sorted(REFUSED) if kind not in table] == []


def test_every_layer_is_made_changed_rolled_back_and_deleted(stage: Stage) -> None:
    """The whole of a stage: bootstrap to backup."""
    stage.deployment().apply(None, frozenset())
    layers = [each.layer for each in stage.templates]
    assert [line.split(":")[0] for line in stage.lines if ": done in" in line] == layers
    states = stacks.describe_all(stage.cloud, "cartwright-dev-")
    assert {state.status for state in states.values()} == {"CREATE_COMPLETE"}

    stage.lines.clear()
    stage.retention = "7"
    # The local AWS announces a named log group's new retention as a replacement; AWS changes it in place.
    groups = {
        f"{each.layer}/{name}"
        for each in stage.templates
        for name, resource in each.resources.items()
        if resource["Type"] == "AWS::Logs::LogGroup"
    }
    stage.deployment().apply(None, frozenset(groups))
    with_logs = [each.layer for each in stage.templates if "LogRetentionDays" in each.parameters]
    assert [line.split(":")[0] for line in stage.lines if ": done in" in line] == with_logs

    stage.cloud.client("ssm").put_parameter(Name="/cartwright/dev/taken", Value="x", Type="String")
    before = stage.templates
    planted = {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Name": "/cartwright/dev/taken", "Type": "String", "Value": "ours"},
    }
    for layer in layers:
        stage.templates = [_with(each, planted) if each.layer == layer else each for each in before]
        with pytest.raises(StackFailed, match="Planted") as failure:
            stage.deployment().apply([layer], frozenset())
        assert failure.value.status == "UPDATE_ROLLBACK_COMPLETE", layer

    stage.templates = before
    destroy_stage(stage.deployment(), lambda question: "dev")
    assert stacks.describe_all(stage.cloud, "cartwright-dev-") == {}


def _with(template: Template, planted: Json) -> Template:
    resources = {**template.resources, "Planted": planted}
    return Template(template.layer, {**template.body, "Resources": resources})
