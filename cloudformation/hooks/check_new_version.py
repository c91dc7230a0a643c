"""CodeDeploy asks before it lets any call reach a function's new version: does it work here, with its role and settings?

Calls it once with an event that changes nothing and tells CodeDeploy, which goes on or leaves the alias where it is.
40-orders carries this file in the template: at most 4096 characters, and nothing but what Lambda's Python brings.
"""

import json
import logging
import os
from collections.abc import Callable, Iterator
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

log = logging.getLogger()
log.setLevel(logging.INFO)

_NOBODYS = "00000000-0000-7000-8000-000000000000"
_PATIENT = Config(read_timeout=40, retries={"mode": "standard", "total_max_attempts": 6})
"""A function of reserved concurrency may be busy with a real call."""

Json = dict[str, Any]


def _request(method: str, resource: str, body: str | None = None) -> Json:
    """As API Gateway hands a call on."""
    return {
        "resource": resource,
        "path": resource.replace("{order_id}", _NOBODYS),
        "httpMethod": method,
        "headers": {"Content-Type": "application/json"},
        "pathParameters": {"order_id": _NOBODYS} if "{order_id}" in resource else None,
        "body": body,
    }


def _answers(status: int) -> Callable[[Json], bool]:
    return lambda answer: answer.get("statusCode") == status


CHECKS: dict[str, tuple[Json, Callable[[Json], bool]]] = {
    # Refused before anything is reserved.
    "submit_order": (_request("POST", "/orders", "{}"), _answers(400)),
    # Not found: it asked the table, so its role fits too.
    "get_order": (_request("GET", "/orders/{order_id}"), _answers(404)),
    "cancel_order": (_request("POST", "/orders/{order_id}/cancel", "{}"), _answers(404)),
    # May be run at any time, twice at once too: it does what the schedule does each minute.
    "sweep": ({"id": "pre-traffic"}, lambda answer: {"sent", "expired"} <= answer.keys()),
    "notify_customer": ({"Records": []}, lambda answer: answer == {"batchItemFailures": []}),
}


def problems_of(functions: Any, name: str, version: str) -> Iterator[str]:
    """What is wrong with a version."""
    event, is_right = CHECKS[name]
    try:
        reply = functions.invoke(FunctionName=version, Payload=json.dumps(event).encode())
        answer = json.loads(reply["Payload"].read())
    except (ClientError, BotoCoreError, ValueError) as error:
        yield f"{name} cannot be called: {error}"
        return
    if "FunctionError" in reply:
        yield f"{name} raised {answer.get('errorType')}: {answer.get('errorMessage')}"
    elif not isinstance(answer, dict) or not is_right(answer):
        yield f"{name} answered {json.dumps(answer)[:300]}"


def versions_by_group(text: str) -> dict[str, tuple[str, str]]:
    """Deployment group -> (function, ARN of its new version), from `name=group=ARN ...`."""
    entries = (entry.split("=", 2) for entry in text.split())
    return {group: (name, version) for name, group, version in entries}


def handle(event: Json, context: object) -> Json:
    """Examine the version of one deployment. Never raises: CodeDeploy would wait an hour."""
    codedeploy = boto3.client("codedeploy", config=_PATIENT)
    try:
        found = codedeploy.get_deployment(deploymentId=event["DeploymentId"])
        group = found["deploymentInfo"]["deploymentGroupName"]
        name, version = versions_by_group(os.environ["NEW_VERSIONS"])[group]
        problems = list(problems_of(boto3.client("lambda", config=_PATIENT), name, version))
    except Exception as error:
        log.exception("the new version could not be examined")
        problems = [f"{type(error).__name__}: {error}"]
    for problem in problems:
        log.error(problem)
    status = "Failed" if problems else "Succeeded"
    codedeploy.put_lifecycle_event_hook_execution_status(
        deploymentId=event["DeploymentId"],
        lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
        status=status,
    )
    return {"status": status, "problems": problems}
