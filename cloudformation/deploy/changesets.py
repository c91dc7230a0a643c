"""Change sets: every change is described before it is made, and made exactly as described."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from cloudformation.deploy import stacks
from cloudformation.deploy.cloud import Cloud, error_code
from cloudformation.deploy.errors import DeployError, StackFailed
from cloudformation.deploy.plan import STATEFUL_TYPES, Plan, changes_of

INLINE_LIMIT_BYTES = 51_200  # Larger templates are handed over by URL.
_NOTHING_TO_DO = ("didn't contain changes", "No updates are to be performed")


def create(
    cloud: Cloud,
    layer: str,
    state: stacks.StackState,
    body: str,
    parameters: Mapping[str, str],
    tags: Mapping[str, str],
    bucket: str = "",
    role: str = "",
) -> Plan:
    """Describe what deploying `body` would change. `state` has been settled.

    With a `role`, CloudFormation works with that role's rights instead of the caller's. A template over the inline limit is put into `bucket` first. Raises DeployError for a template AWS refuses.
    """
    cloudformation = cloud.client("cloudformation")
    kind = "update" if state.exists else "create"
    created = cloudformation.create_change_set(
        StackName=state.name,
        ChangeSetName=f"deploy-{time.time_ns()}",
        ChangeSetType=kind.upper(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
        **({"RoleARN": role} if role else {}),
        **_template_argument(cloud, layer, body, bucket),
    )
    description, changes = _describe(cloud, created["Id"], state.name)
    if description["Status"] == "FAILED":
        discard(cloud, created["Id"], state)
        reason = description.get("StatusReason", "")
        if any(text in reason for text in _NOTHING_TO_DO):
            return Plan(layer, state.name, kind)
        raise DeployError(f"{state.name}: AWS refuses the template: {reason}")
    return Plan(layer, state.name, kind, changes_of(changes), created["Id"])


def _template_argument(cloud: Cloud, layer: str, body: str, bucket: str) -> dict[str, str]:
    if len(body.encode()) <= INLINE_LIMIT_BYTES:
        return {"TemplateBody": body}
    if not bucket:
        raise DeployError(
            f"{layer} is larger than {INLINE_LIMIT_BYTES} bytes and there is no bucket for it yet"
        )
    digest = hashlib.sha256(body.encode()).hexdigest()[:32]
    key = f"templates/{layer}-{digest}.json"
    s3 = cloud.client("s3")
    s3.put_object(Bucket=bucket, Key=key, Body=body.encode(), ContentType="application/json")
    return {"TemplateURL": f"{s3.meta.endpoint_url}/{bucket}/{key}"}


def _describe(cloud: Cloud, change_set: str, name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    cloudformation = cloud.client("cloudformation")
    for _ in cloud.wait_steps(f"the change set of {name}"):
        description = cloudformation.describe_change_set(ChangeSetName=change_set, StackName=name)
        if description["Status"] in {"CREATE_COMPLETE", "FAILED"}:
            break
    changes = list(description.get("Changes", []))
    while token := description.get("NextToken"):
        description = cloudformation.describe_change_set(
            ChangeSetName=change_set, StackName=name, NextToken=token
        )
        changes += description.get("Changes", [])
    return description, changes


def execute(cloud: Cloud, plan: Plan) -> stacks.StackState:
    """Make the described change and wait for its end. Raises StackFailed with the first real cause.

    After a failure CloudFormation has rolled the stack back by itself.
    """
    before = stacks.describe(cloud, plan.stack)
    since = stacks.latest_event(cloud, before.stack_id)
    cloud.client("cloudformation").execute_change_set(ChangeSetName=plan.change_set_id, StackName=plan.stack)
    for _ in cloud.wait_steps(f"the start of {plan.stack}"):
        # Until its first event the stack still shows the end of the operation before.
        if stacks.latest_event(cloud, before.stack_id) != since:
            break
    after = stacks.wait(cloud, before)
    wanted = {"create": "CREATE_COMPLETE", "update": "UPDATE_COMPLETE"}[plan.kind]
    if after.status != wanted:
        raise StackFailed(
            plan.stack, after.status or "DELETE_COMPLETE", stacks.first_cause(cloud, before.stack_id, since)
        )
    return after


def discard(cloud: Cloud, change_set: str, state: stacks.StackState) -> None:
    """Drop a change set that will not be executed, and the empty stack that asking for it created."""
    cloudformation = cloud.client("cloudformation")
    try:
        cloudformation.delete_change_set(ChangeSetName=change_set, StackName=state.name)
    except ClientError as error:
        if error_code(error) != "ChangeSetNotFound":
            raise
    if not state.exists and stacks.describe(cloud, state.name).status == "REVIEW_IN_PROGRESS":
        cloudformation.delete_stack(StackName=state.name)


def protect(cloud: Cloud, stack: str, released: Iterable[str] = ()) -> None:
    """Turn on termination protection and a stack policy under which no update replaces or deletes data.

    `released` are logical ids that this once may be; the policy is set again without them after the deployment.
    """
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"},
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["Update:Replace", "Update:Delete"],
            "Condition": {"StringEquals": {"ResourceType": sorted(STATEFUL_TYPES)}},
        },
    ]
    names = [f"LogicalResourceId/{logical_id}" for logical_id in sorted(released)]
    statements[1]["NotResource" if names else "Resource"] = names or "*"
    cloudformation = cloud.client("cloudformation")
    cloudformation.set_stack_policy(StackName=stack, StackPolicyBody=json.dumps({"Statement": statements}))
    cloudformation.update_termination_protection(StackName=stack, EnableTerminationProtection=True)
