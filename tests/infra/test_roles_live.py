"""Least privilege, tried: with IAM enforced, each function's role suffices, and one statement less fails.

The local AWS checks DynamoDB, SQS, SNS and SES calls against the role's policies; it does not check writing logs and
the use of keys, so those two statements are left alone here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from cloudformation.deploy import stacks
from cloudformation.deploy.cloud import Cloud
from cloudformation.deploy.stage import deploy_stage
from local.aws import LocalAws
from local.ports import any_free
from local.supervisor import Supervisor
from orders.adapters.clock import SystemClock
from orders.adapters.dynamodb.inventory import DynamoInventory
from orders.domain.ids import OrderId, Sku
from orders.messages import encode_event, event_to_dict
from orders.settings import Settings
from tests.lambda_events import http_event, sqs_event
from tests.order_event_samples import order_event, order_part
from tests.order_samples import order_body, reservation, view

from .conftest import REGION

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
MUG = Sku("MUG-RED")
UNCHECKED = {"WriteLogs", "UseTheStagesKey"}
NOT_CALLED_BY_THE_FUNCTION = {"TakeEvents"}
"""Lambda itself polls the queue with the function's role; the local AWS polls it with its own."""


class Deployed:
    """The local stage on a local AWS that enforces IAM, used as the account's owner and as the functions."""

    def __init__(self, endpoint: str) -> None:
        self.cloud = Cloud(REGION, endpoint, patience_seconds=60)
        environment = deploy_stage("local", region=REGION, endpoint_url=endpoint, report=lambda line: None)
        self.settings = Settings.from_environment(
            {"AWS_REGION": REGION, "AWS_ENDPOINT_URL": endpoint, **environment}
        )
        self.inventory = DynamoInventory(self.cloud.client("dynamodb"), self.settings, SystemClock())
        self.inventory.set_up_sku(MUG, 1250, "EUR")
        self.inventory.restock(MUG, 1000, "first")
        self.cloud.client("ses").verify_domain_identity(Domain="cartwright.example")
        self._ask_as_the_local_aws_does()

    def _ask_as_the_local_aws_does(self) -> None:
        """Two of its questions differ from AWS's: it asks for sqs:SendMessageBatch, an action that IAM does not have
        (AWS asks for sqs:SendMessage), and for ses:SendEmail on everything (AWS asks for the sender's identity).
        """
        for function in ("Sweep", "NotifyCustomer"):
            role, name, document = self.policy_of(function)
            for statement in document["Statement"]:
                if "sqs:SendMessage" in statement["Action"]:
                    statement["Action"] = ["sqs:SendMessage", "sqs:SendMessageBatch"]
                if "ses:SendEmail" in statement["Action"]:
                    statement["Resource"] = "*"
            self.put_policy(role, name, document)

    def policy_of(self, function: str) -> tuple[str, str, dict[str, Any]]:
        """A function's role, the name of its policy, and the policy."""
        found = self.cloud.client("cloudformation").describe_stack_resource(
            StackName="cartwright-local-orders", LogicalResourceId=f"{function}Role"
        )
        role = found["StackResourceDetail"]["PhysicalResourceId"]
        iam = self.cloud.client("iam")
        (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
        return role, name, iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]

    def put_policy(self, role: str, name: str, document: dict[str, Any]) -> None:
        """Replace a role's policy."""
        self.cloud.client("iam").put_role_policy(
            RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document)
        )

    def invoke(self, function: str, event: dict[str, Any]) -> dict[str, Any]:
        """Call a function's live alias; what it answers, or {"errorType": ...}."""
        outputs = stacks.describe(self.cloud, "cartwright-local-orders").outputs or {}
        answer = self.cloud.client("lambda").invoke(
            FunctionName=f"{outputs[function + 'FunctionName']}:live", Payload=json.dumps(event)
        )
        payload: dict[str, Any] = json.loads(answer["Payload"].read())
        return payload

    def submit(self) -> str:
        """Place an order; its id, or nothing when it was not accepted."""
        body = order_body()
        answer = self.invoke("SubmitOrder", http_event("/orders", body))
        return str(body["order_id"]) if answer.get("statusCode") == 202 else ""

    def unsent_and_overdue(self) -> None:
        """Leave what a crash leaves: an order that was not sent, and one whose time is up."""
        now = datetime.now(UTC)
        placed = self.inventory.find_reservation(OrderId(self.submit()))
        assert placed is not None
        for at, ttl in ((now - timedelta(minutes=5), 3600), (now - timedelta(hours=5), 60)):
            wish = reservation(at=at, ttl_seconds=ttl, message=placed.message)
            self.inventory.reserve(wish, view(wish.order_id))


def submits(stage: Deployed) -> bool:
    """An order is accepted and its message waits in the queue."""
    sqs = stage.cloud.client("sqs")
    url = stage.settings.orders_queue_url
    accepted = stage.submit()
    received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in received:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return bool(accepted) and any(accepted in message["Body"] for message in received)


def gets(stage: Deployed) -> bool:
    """An accepted order can be read."""
    order_id = stage.submit()
    return stage.invoke("GetOrder", http_event(f"/orders/{order_id}")).get("statusCode") == 200


def cancels(stage: Deployed) -> bool:
    """An accepted order can be cancelled."""
    order_id = stage.submit()
    return stage.invoke("CancelOrder", http_event(f"/orders/{order_id}/cancel", {})).get("statusCode") == 202


def sweeps(stage: Deployed) -> bool:
    """What a crash left is sent and given back."""
    stage.unsent_and_overdue()
    swept = stage.invoke("Sweep", {"id": "x"})
    return swept.get("sent", 0) >= 1 and swept.get("expired", 0) >= 1


def notifies(stage: Deployed) -> bool:
    """A customer who wants both is told by e-mail and by text message."""
    event = event_to_dict(order_event(version=next(VERSIONS)), order_part())
    answer = stage.invoke("NotifyCustomer", sqs_event([encode_event(event)]))
    return answer.get("batchItemFailures") == []


VERSIONS = count(2)
"""Each event once: the notifier remembers what it sent."""

SCENARIOS: dict[str, Callable[[Deployed], bool]] = {
    "SubmitOrder": submits,
    "GetOrder": gets,
    "CancelOrder": cancels,
    "Sweep": sweeps,
    "NotifyCustomer": notifies,
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The repository's own local stage, deployed where IAM is enforced."""
    folder = tmp_path_factory.mktemp("enforced")
    aws = LocalAws(folder / "aws", any_free(), REGION, folder / "mail", keep_state=False)
    aws.prepare()
    child = aws.child(folder / "log")
    supervisor = Supervisor(say=lambda line: None)
    try:
        supervisor.start(replace(child, environment={**child.environment, "AUTH": "true"}))
        yield Deployed(aws.endpoint_url)
    finally:
        supervisor.stop_all()


@pytest.mark.parametrize("function", SCENARIOS)
def test_a_functions_role_suffices(stage: Deployed, function: str) -> None:
    """With exactly what the template grants, the function does its work."""
    assert SCENARIOS[function](stage)


@pytest.mark.parametrize("function", SCENARIOS)
def test_one_statement_less_and_the_function_fails(stage: Deployed, function: str) -> None:
    """No statement is there for nothing."""
    role, name, document = stage.policy_of(function)
    needless = []
    for statement in document["Statement"]:
        if statement["Sid"] in UNCHECKED | NOT_CALLED_BY_THE_FUNCTION:
            continue
        fewer = [each for each in document["Statement"] if each is not statement]
        stage.put_policy(role, name, {**document, "Statement": fewer})
        if SCENARIOS[function](stage):
            needless.append(statement["Sid"])
    stage.put_policy(role, name, document)
    assert needless == []
    assert SCENARIOS[function](stage), "the role was put back"
