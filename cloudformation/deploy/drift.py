"""Drift: what somebody changed by hand, compared with what the stacks say."""

from __future__ import annotations

from dataclasses import dataclass

from cloudformation.deploy import stacks
from cloudformation.deploy.cloud import Cloud
from cloudformation.deploy.errors import DeployError
from cloudformation.deploy.stage import Deployment


@dataclass(frozen=True)
class Drift:
    """One resource that differs from its template: `status` is MODIFIED or DELETED, `properties` the paths that differ."""

    layer: str
    logical_id: str
    type: str
    status: str
    properties: tuple[str, ...]

    def __str__(self) -> str:
        what = f": {', '.join(self.properties)}" if self.properties else ""
        return f"{self.layer}: {self.logical_id} ({self.type}) {self.status}{what}"


def drift_of(deployment: Deployment) -> list[Drift]:
    """Every drifted resource of a stage. Layers that are not deployed have none."""
    drifts: list[Drift] = []
    for template in deployment.templates():
        stack = template.stack_name(deployment.stage.name)
        cloud = deployment.cloud_of(template)
        if stacks.describe(cloud, stack).exists:
            drifts += _stack_drift(cloud, template.layer, stack)
    return drifts


def _stack_drift(cloud: Cloud, layer: str, stack: str) -> list[Drift]:
    cloudformation = cloud.client("cloudformation")
    detection = cloudformation.detect_stack_drift(StackName=stack)["StackDriftDetectionId"]
    for _ in cloud.wait_steps(f"drift detection of {stack}"):
        answer = cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
        if answer["DetectionStatus"] == "DETECTION_COMPLETE":
            break
        if answer["DetectionStatus"] == "DETECTION_FAILED" and "StackDriftStatus" not in answer:
            raise DeployError(f"{stack}: {answer.get('DetectionStatusReason', 'drift detection failed')}")
        if answer["DetectionStatus"] == "DETECTION_FAILED":
            break  # Some types cannot be looked at; the others were.
    found = cloudformation.describe_stack_resource_drifts(
        StackName=stack, StackResourceDriftStatusFilters=["MODIFIED", "DELETED"]
    )["StackResourceDrifts"]
    return [
        Drift(
            layer,
            resource["LogicalResourceId"],
            resource["ResourceType"],
            resource["StackResourceDriftStatus"],
            tuple(difference["PropertyPath"] for difference in resource.get("PropertyDifferences", [])),
        )
        for resource in found
    ]
