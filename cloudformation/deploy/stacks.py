"""One stack: what state it is in, how to bring it into a state that can be worked on, and why it failed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cloudformation.deploy.cloud import Cloud, error_text
from cloudformation.deploy.errors import StackFailed

Report = Callable[[str], None]

READY = {
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
}
_EMPTY_SHELLS = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"}
# What CloudFormation says of resources that failed only because another one did.
_CONSEQUENCES = (
    "cancelled",
    "The following resource(s) failed",
    "Resource update cancelled",
    "Rollback requested",
)


@dataclass(frozen=True)
class StackState:
    """What CloudFormation says of a stack; `status` is empty when there is none."""

    name: str
    status: str = ""
    stack_id: str = ""
    outputs: dict[str, str] | None = None
    is_protected: bool = False

    @property
    def exists(self) -> bool:
        """Whether there is a stack that can be updated."""
        return self.status in READY


def describe(cloud: Cloud, name: str) -> StackState:
    """The state of one stack."""
    try:
        found = cloud.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" in error_text(error):
            return StackState(name)
        raise
    return _state(found[0])


def describe_all(cloud: Cloud, prefix: str) -> dict[str, StackState]:
    """The states of all stacks whose names start with the prefix, in as few calls as there are pages."""
    pages = cloud.client("cloudformation").get_paginator("describe_stacks").paginate()
    stacks = [stack for page in pages for stack in page["Stacks"] if stack["StackName"].startswith(prefix)]
    return {
        stack["StackName"]: _state(stack) for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"
    }


def _state(stack: dict[str, Any]) -> StackState:
    return StackState(
        stack["StackName"],
        stack["StackStatus"],
        stack["StackId"],
        {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])},
        stack.get("EnableTerminationProtection", False),
    )


def settle(cloud: Cloud, name: str, report: Report) -> StackState:
    """Bring a stack left over from an interrupted or failed run to where a change set can be made for it.

    Waits for what is in progress, finishes a stuck rollback, and removes the empty shell of a create that failed
    (CloudFormation can do nothing else with one; resources that hold data were kept by their DeletionPolicy).
    """
    state = describe(cloud, name)
    cloudformation = cloud.client("cloudformation")
    if state.status.endswith("_IN_PROGRESS") and state.status != "REVIEW_IN_PROGRESS":
        report(f"{name}: {state.status}, waiting for it to end")
        state = wait(cloud, state)
    if state.status == "UPDATE_ROLLBACK_FAILED":
        report(f"{name}: continuing its rollback")
        cloudformation.continue_update_rollback(StackName=name)
        state = wait(cloud, state)
        if state.status != "UPDATE_ROLLBACK_COMPLETE":
            raise StackFailed(name, state.status, first_cause(cloud, state.stack_id))
    if state.status in _EMPTY_SHELLS:
        report(f"{name}: removing what a failed create left behind")
        state = delete(cloud, state)
    return state


def wait(cloud: Cloud, state: StackState) -> StackState:
    """Wait until nothing is in progress. A stack that was deleted meanwhile comes back without a status."""
    for _ in cloud.wait_steps(state.name):
        # By id: a deleted stack is found only so.
        now = describe(cloud, state.stack_id or state.name)
        if now.status in {"", "DELETE_COMPLETE"}:
            return StackState(state.name)
        if not now.status.endswith("_IN_PROGRESS"):
            return now
    raise AssertionError("wait_steps ends by raising")


def delete(cloud: Cloud, state: StackState) -> StackState:
    """Delete a stack and wait. Raises StackFailed with the first real cause."""
    since = latest_event(cloud, state.stack_id)
    cloud.client("cloudformation").delete_stack(StackName=state.stack_id)
    after = wait(cloud, state)
    if after.status:
        raise StackFailed(state.name, after.status, first_cause(cloud, state.stack_id, since))
    return after


def latest_event(cloud: Cloud, stack: str) -> str:
    """The id of the newest event, so that later ones can be told from it; empty when there is none."""
    try:
        events = cloud.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    except ClientError as error:
        if "does not exist" in error_text(error):
            return ""
        raise
    return events[0]["EventId"] if events else ""


def first_cause(cloud: Cloud, stack: str, since: str = "") -> str:
    """The first failure after the event `since` that is not merely the consequence of another one."""
    failures: list[dict[str, Any]] = []
    for page in (
        cloud.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=stack)
    ):
        for event in page["StackEvents"]:  # newest first
            if event["EventId"] == since:
                return _tell(failures)
            if event.get("ResourceStatus", "").endswith("_FAILED"):
                failures.append(event)
    return _tell(failures)


def _tell(failures: list[dict[str, Any]]) -> str:
    for event in reversed(failures):
        reason = event.get("ResourceStatusReason", "")
        if reason and not any(text in reason for text in _CONSEQUENCES):
            return f"{event['LogicalResourceId']} ({event['ResourceType']}): {reason}"
    return "CloudFormation gave no reason"
