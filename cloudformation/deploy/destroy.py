"""Taking a stage down: stacks in reverse order, then, only when asked, the data they left behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from cloudformation.deploy import records, stacks
from cloudformation.deploy.cloud import Cloud, error_code
from cloudformation.deploy.errors import DeployError
from cloudformation.deploy.plan import STATEFUL_TYPES
from cloudformation.deploy.stage import Deployment

Kept = tuple[str, str]
"""A resource that outlives its stack: type and physical id."""


def destroy_stage(
    deployment: Deployment, confirm: Callable[[str], str], *, delete_data: bool = False
) -> list[Kept]:
    """Delete a stage's stacks, last layer first, after the person has typed the stage's name.

    Returns what the stacks left behind because it holds data; with `delete_data` that is deleted as well and the list
    is empty. Raises DeployError for a stage that must not be destroyed and for a wrong answer; nothing is gone then.
    """
    stage = deployment.stage
    if not stage.is_destroyable or stage.is_protected:
        raise DeployError(f"{stage.name} is not destroyable: parameters/{stage.name}.json says so")
    what = "its stacks and ALL ITS DATA" if delete_data else "its stacks; tables, queues and buckets stay"
    if (
        confirm(f"Destroy the stage {stage.name} in {deployment.cloud.region}: {what}. Type its name: ")
        != stage.name
    ):
        raise DeployError("the name was not typed; nothing is destroyed")
    kept: list[tuple[Cloud, Kept]] = []
    for template in reversed(deployment.templates()):
        cloud = deployment.cloud_of(template)
        state = stacks.settle(cloud, template.stack_name(stage.name), deployment.report)
        if not state.status:
            continue
        retained = _data_of(cloud, state)
        if state.status != "REVIEW_IN_PROGRESS":
            records.forget_record(deployment.cloud, stage.name, template.layer)
        stacks.delete(cloud, state)
        kept += [(cloud, (kind, name)) for kind, name in retained if _is_there(cloud, kind, name)]
        deployment.report(f"{template.layer}: destroyed")
    records.forget_bills(deployment.cloud, stage.name)
    if not delete_data:
        for _, (kind, name) in kept:
            deployment.report(f"kept {kind} {name}")
        return [each for _, each in kept]
    for cloud, (kind, name) in kept:
        _delete(cloud, kind, name)
        deployment.report(f"deleted {kind} {name}")
    return []


def _data_of(cloud: Cloud, state: stacks.StackState) -> list[Kept]:
    pages = (
        cloud.client("cloudformation")
        .get_paginator("list_stack_resources")
        .paginate(StackName=state.stack_id)
    )
    return [
        (resource["ResourceType"], resource["PhysicalResourceId"])
        for page in pages
        for resource in page["StackResourceSummaries"]
        if resource["ResourceType"] in STATEFUL_TYPES and resource.get("PhysicalResourceId")
    ]


def _is_there(cloud: Cloud, kind: str, name: str) -> bool:
    """Whether a resource outlived its stack. A type that cannot be looked up here counts as there: say too much."""
    looks: dict[str, Callable[[], Any]] = {
        "AWS::DynamoDB::Table": lambda: cloud.client("dynamodb").describe_table(TableName=name),
        "AWS::SQS::Queue": lambda: cloud.client("sqs").get_queue_attributes(QueueUrl=name),
        "AWS::S3::Bucket": lambda: cloud.client("s3").head_bucket(Bucket=name),
        "AWS::KMS::Key": lambda: cloud.client("kms").describe_key(KeyId=name),
    }
    if kind == "AWS::Logs::LogGroup":
        groups = cloud.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        return any(group["logGroupName"] == name for group in groups)
    try:
        looks.get(kind, lambda: None)()
    except ClientError as error:
        if _is_missing(error):
            return False
        raise
    return True


def _is_missing(error: ClientError) -> bool:
    code = error_code(error)
    return code == "404" or "NotFound" in code or "NoSuch" in code or "NonExistent" in code


def _delete(cloud: Cloud, kind: str, name: str) -> None:
    """Delete one kept resource. A key is scheduled for deletion, as AWS allows no faster way."""
    if kind == "AWS::S3::Bucket":
        _empty(cloud, name)
        cloud.client("s3").delete_bucket(Bucket=name)
    elif kind == "AWS::DynamoDB::Table":
        cloud.client("dynamodb").delete_table(TableName=name)
    elif kind == "AWS::SQS::Queue":
        cloud.client("sqs").delete_queue(QueueUrl=name)
    elif kind == "AWS::Logs::LogGroup":
        cloud.client("logs").delete_log_group(logGroupName=name)
    elif kind == "AWS::KMS::Key":
        cloud.client("kms").schedule_key_deletion(KeyId=name, PendingWindowInDays=7)
    else:
        raise DeployError(f"{kind} {name} must be deleted by hand")


def _empty(cloud: Cloud, bucket: str) -> None:
    s3 = cloud.client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        doomed = [
            {"Key": entry["Key"], "VersionId": entry["VersionId"]}
            for entry in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        ]
        if doomed:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": doomed, "Quiet": True})
