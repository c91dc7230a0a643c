"""What happens when AWS fails: lost answers, refused connections, throttling - told apart by type (promise I10)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

from orders.adapters.aws import aws_errors, make_client, translate
from orders.adapters.dynamodb.inventory import DynamoInventory
from orders.adapters.dynamodb.table import CONTENTION_BUDGET_SECONDS, Deadline
from orders.adapters.dynamodb.tracking import DynamoTracking
from orders.adapters.memory.clock import MemoryClock
from orders.domain.errors import CartwrightError, OutcomeUnknown, Refused, Unavailable
from orders.domain.ids import OrderId
from orders.settings import Settings
from tests.contract.test_inventory import numbers, reserve, stock
from tests.order_samples import NOON, reservation

ORDER_ID = OrderId("01890a5d-ac96-774b-bcce-b302099a8057")


@pytest.fixture
def client(aws_settings: Settings) -> Any:
    """A DynamoDB client of this test alone, whose replies can be lost."""
    return make_client("dynamodb", aws_settings)


def lose_replies(client: Any, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Let the next requests arrive and be done, and lose their answers."""
    session = client._endpoint.http_session
    send: Callable[..., Any] = session.send
    left = times

    def lossy(request: Any) -> Any:
        nonlocal left
        answer = send(request)
        if left:
            left -= 1
            raise ReadTimeoutError(endpoint_url=request.url)
        return answer

    monkeypatch.setattr(session, "send", lossy)


def test_a_lost_answer_does_not_reserve_twice(
    client: Any, aws_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client repeats the call by itself; the transaction's token makes the repeat do nothing."""
    inventory = DynamoInventory(client, aws_settings, MemoryClock())
    stock(inventory)
    wanted = reservation()
    inventory._heads.places_of(["MUG-RED"])  # Read before, so that the lost answer is the transaction's.
    lose_replies(client, monkeypatch, times=1)
    assert reserve(inventory, wanted) == wanted
    assert numbers(inventory) == (9, 1, 0, 10)


def test_when_every_answer_is_lost_the_outcome_is_unknown_and_a_repeat_finds_it(
    client: Any, aws_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    inventory = DynamoInventory(client, aws_settings, MemoryClock())
    stock(inventory)
    wanted = reservation()
    inventory._heads.places_of(["MUG-RED"])
    with monkeypatch.context() as patched:
        lose_replies(client, patched, times=3)
        with pytest.raises(OutcomeUnknown):
            reserve(inventory, wanted)
    assert reserve(inventory, wanted) == wanted
    assert numbers(inventory) == (9, 1, 0, 10)


def test_a_last_attempt_that_never_left_does_not_hide_an_earlier_one_that_may_have_arrived(
    client: Any, aws_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told "surely nothing was done", checkout would let the payment of an accepted order go."""
    inventory = DynamoInventory(client, aws_settings, MemoryClock())
    stock(inventory)
    wanted = reservation()
    inventory._heads.places_of(["MUG-RED"])
    session = client._endpoint.http_session
    send: Callable[..., Any] = session.send
    attempts = []

    def dies(request: Any) -> Any:
        attempts.append(request)
        if len(attempts) == 1:
            send(request)
            raise ReadTimeoutError(endpoint_url=request.url)
        raise EndpointConnectionError(endpoint_url=request.url)

    with monkeypatch.context() as patched:
        patched.setattr(session, "send", dies)
        with pytest.raises(OutcomeUnknown):
            reserve(inventory, wanted)
        assert len(attempts) == 3
        with pytest.raises(Unavailable) as caught:
            reserve(inventory, wanted)
    assert type(caught.value) is Unavailable  # No attempt of this call left the house.
    assert inventory.find_reservation(wanted.order_id) == wanted


def test_a_claim_whose_answer_was_lost_is_still_ours(
    client: Any, aws_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the message would be claimed by nobody and never sent."""
    tracking = DynamoTracking(client, aws_settings)
    with monkeypatch.context() as patched:
        lose_replies(client, patched, times=1)
        assert tracking.claim_notification(ORDER_ID, "order_shipped", "email", NOON)
    assert not tracking.claim_notification(ORDER_ID, "order_shipped", "email", NOON)


def test_a_place_where_nobody_listens_is_unavailable_and_surely_nothing_happened(
    aws_settings: Settings,
) -> None:
    nowhere = replace(aws_settings, aws_endpoint_url="http://127.0.0.1:9")
    tracking = DynamoTracking(make_client("dynamodb", nowhere), nowhere)
    with pytest.raises(Unavailable) as caught:
        tracking.get(ORDER_ID)
    assert not isinstance(caught.value, OutcomeUnknown)


def test_a_missing_table_is_ours_to_mend(client: Any, aws_settings: Settings) -> None:
    with pytest.raises(Unavailable, match="ResourceNotFoundException"):
        DynamoTracking(client, replace(aws_settings, tracking_table="no-such-table")).get(ORDER_ID)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ReadTimeoutError(endpoint_url="x"), OutcomeUnknown),
        (ConnectTimeoutError(endpoint_url="x"), Unavailable),
        (EndpointConnectionError(endpoint_url="x"), Unavailable),
    ],
)
def test_what_never_left_is_told_from_what_may_have_arrived(error: Exception, kind: type) -> None:
    with pytest.raises(Unavailable) as caught, aws_errors("Try"):
        raise error
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("ThrottlingException", 400, Unavailable),
        ("ProvisionedThroughputExceededException", 400, Unavailable),
        ("KmsThrottled", 400, Unavailable),
        ("InternalServerError", 500, OutcomeUnknown),
        ("ServiceUnavailable", 503, Unavailable),
        ("AccessDeniedException", 400, Unavailable),
        ("AWS.SimpleQueueService.NonExistentQueue", 400, Unavailable),
        ("MessageRejected", 400, Refused),
        ("ValidationException", 400, CartwrightError),
    ],
)
def test_answers_are_translated_by_code(code: str, status: int, kind: type) -> None:
    error = translate("Try", {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}})
    assert type(error) is kind


def test_throttling_says_when_to_come_back() -> None:
    error = translate("Try", {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {}})
    assert isinstance(error, Unavailable)
    assert error.retry_after_seconds


def test_contention_ends_within_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that never wins gives up with an honest answer, inside the order API's time budget."""
    now = 100.0
    monkeypatch.setattr("orders.adapters.dynamodb.table.time.monotonic", lambda: now)

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr("orders.adapters.dynamodb.table.time.sleep", sleep)
    deadline = Deadline()

    def contend() -> None:
        for _ in range(100_000):
            deadline.back_off()

    with pytest.raises(Unavailable):
        contend()
    assert now - 100.0 <= CONTENTION_BUDGET_SECONDS


def conflicted(codes: list[str]) -> Exception:
    from botocore.exceptions import ClientError

    response = {
        "Error": {"Code": "TransactionCanceledException"},
        "CancellationReasons": [{"Code": code} for code in codes],
    }
    return ClientError(response, "TransactWriteItems")


def test_a_collision_outweighs_a_failed_condition(
    client: Any, aws_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same order sent twice at once: the loser must find the order, not the stock that the winner took."""
    inventory = DynamoInventory(client, aws_settings, MemoryClock())
    stock(inventory, pieces=1)
    wanted = reservation()
    real = client.transact_write_items
    calls = []

    def collides_once(**parameters: Any) -> Any:
        calls.append(parameters)
        if len(calls) > 1:
            return real(**parameters)
        real(**parameters)
        error = conflicted(["TransactionConflict", "None", "ConditionalCheckFailed"])
        error.__class__ = client.exceptions.TransactionCanceledException
        raise error

    monkeypatch.setattr(client, "transact_write_items", collides_once)
    assert reserve(inventory, wanted) == wanted
    assert len(calls) == 2
    assert numbers(inventory) == (0, 1, 0, 1)
