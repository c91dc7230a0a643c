"""Least privilege, tried: with IAM enforced, each function's role suffices, and one action less fails.

The local AWS checks DynamoDB, SQS, SNS and SES calls against the role's policies; it does not check writing logs and
the use of keys, so those two statements are left alone here.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from orders.domain.ids import OrderId, Sku
from orders.messages import encode_event, event_to_dict
from tests.lambda_events import http_event, sqs_event
from tests.order_event_samples import order_event, order_part
from tests.order_samples import order_body, reservation, view

from .enforced import UNCHECKED, EnforcedStage, each_action_less

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
NOT_CALLED_BY_THE_FUNCTION = {"TakeEvents"}
"""Lambda itself polls the queue with the function's role; the local AWS polls it with its own."""
RARE = {
    "FindUnsentAndExpired: dynamodb:Query": "more orders wait than one page holds: then each shard is asked",
    "ReserveStock: dynamodb:GetItem": "a repeated order, when DynamoDB's refusal does not bring the stored one along",
    "RememberWhatWasSent: dynamodb:DeleteItem": "gives a claim back when a message was definitely not sent",
}
"""What only a fault needs, which these scenarios do not plant."""


def fresh_order(stage: EnforcedStage) -> dict[str, object]:
    """An order for a SKU of its own: a warm function remembers the SKUs that it has seen."""
    sku = Sku(f"MUG-{uuid.uuid4().hex[:8].upper()}")
    stage.inventory.set_up_sku(sku, 1250, "EUR")
    stage.inventory.restock(sku, 10, f"for {sku}")
    return order_body([(sku, 1, 1250)])


def submit(stage: EnforcedStage, body: dict[str, object]) -> str:
    """Place an order; its id, or nothing when it was not accepted."""
    answer = stage.invoke("SubmitOrder", http_event("/orders", body))
    return str(body["order_id"]) if answer.get("statusCode") == 202 else ""


def unsent_and_overdue(stage: EnforcedStage) -> None:
    """Leave what a crash leaves: an order that was not sent, and one whose time is up."""
    now = datetime.now(UTC)
    placed = stage.inventory.find_reservation(OrderId(submit(stage, fresh_order(stage))))
    assert placed is not None
    for at, ttl in ((now - timedelta(minutes=5), 3600), (now - timedelta(hours=5), 60)):
        wish = reservation(at=at, ttl_seconds=ttl, message=placed.message)
        stage.inventory.reserve(wish, view(wish.order_id))


def submits(stage: EnforcedStage) -> bool:
    """An order is accepted and its message waits in the queue."""
    sqs = stage.cloud.client("sqs")
    url = stage.settings.orders_queue_url
    accepted = submit(stage, fresh_order(stage))
    received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in received:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return bool(accepted) and any(accepted in message["Body"] for message in received)


def gets(stage: EnforcedStage) -> bool:
    """An accepted order can be read."""
    order_id = submit(stage, fresh_order(stage))
    return stage.invoke("GetOrder", http_event(f"/orders/{order_id}")).get("statusCode") == 200


def cancels(stage: EnforcedStage) -> bool:
    """An accepted order can be cancelled."""
    order_id = submit(stage, fresh_order(stage))
    return stage.invoke("CancelOrder", http_event(f"/orders/{order_id}/cancel", {})).get("statusCode") == 202


def sweeps(stage: EnforcedStage) -> bool:
    """What a crash left is sent and given back."""
    unsent_and_overdue(stage)
    swept = stage.invoke("Sweep", {"id": "x"})
    return swept.get("sent", 0) >= 1 and swept.get("expired", 0) >= 1


def notifies(stage: EnforcedStage) -> bool:
    """A customer who wants both is told by e-mail and by text message."""
    event = event_to_dict(order_event(version=next(VERSIONS)), order_part())
    answer = stage.invoke("NotifyCustomer", sqs_event([encode_event(event)]))
    return answer.get("batchItemFailures") == []


VERSIONS = count(2)
"""Each event once: the notifier remembers what it sent."""

SCENARIOS: dict[str, Callable[[EnforcedStage], bool]] = {
    "SubmitOrder": submits,
    "GetOrder": gets,
    "CancelOrder": cancels,
    "Sweep": sweeps,
    "NotifyCustomer": notifies,
}


@pytest.mark.parametrize("function", SCENARIOS)
def test_a_functions_role_suffices(enforced: EnforcedStage, function: str) -> None:
    """With exactly what the template grants, the function does its work."""
    role = enforced.resource("cartwright-local-orders", f"{function}Role")
    name, document = enforced.policy_of(role)
    enforced.put_policy(role, name, document)
    assert SCENARIOS[function](enforced)


@pytest.mark.parametrize("function", SCENARIOS)
def test_one_action_less_and_the_function_fails(enforced: EnforcedStage, function: str) -> None:
    """No permission is there for nothing."""
    role = enforced.resource("cartwright-local-orders", f"{function}Role")
    name, document = enforced.policy_of(role)
    needless = []
    try:
        for action, fewer in each_action_less(document, UNCHECKED | NOT_CALLED_BY_THE_FUNCTION):
            enforced.put_policy(role, name, fewer)
            if action not in RARE and SCENARIOS[function](enforced):
                needless.append(action)
    finally:
        enforced.put_policy(role, name, document)
    assert needless == []
    assert SCENARIOS[function](enforced), "the role was put back"
