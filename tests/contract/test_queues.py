"""One queue, in memory, on the local SQS and on moto: what the worker relies on.

moto is the second opinion on what SQS does. It is not safe for threads: here everything happens in one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from moto import mock_aws

from orders.adapters.aws import make_client
from orders.adapters.clock import SystemClock
from orders.adapters.memory.queue import MemoryOrders, MemoryQueue
from orders.adapters.sqs import QUEUES, SqsOrders, SqsQueue, open_queue
from orders.messages import encode_job
from orders.ports import JobMessage, OrderQueue
from orders.settings import Settings

Queue = MemoryQueue | SqsQueue


@pytest.fixture
def moto_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings whose queues are moto's, within this process."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        settings = Settings(aws_region="eu-west-1")
        client = make_client("sqs", settings)
        attributes = {"VisibilityTimeout": "6"}
        urls = {
            f"{name}_queue_url": client.create_queue(QueueName=f"moto-{name}", Attributes=attributes)[
                "QueueUrl"
            ]
            for name in QUEUES
        }
        yield replace(settings, **urls)


SETTINGS = {"sqs": "aws_settings", "moto": "moto_settings"}


@pytest.fixture(params=["memory", *SETTINGS])
def queue(request: pytest.FixtureRequest) -> Queue:
    """The orders queue, empty."""
    if request.param == "memory":
        return MemoryQueue(SystemClock())
    return open_queue(request.getfixturevalue(SETTINGS[request.param]), "orders")


@pytest.fixture(params=["memory", *SETTINGS])
def senders(request: pytest.FixtureRequest) -> tuple[OrderQueue, Callable[[str], Queue]]:
    """The sending side, and how to open the receiving side of a queue."""
    if request.param == "memory":
        orders = MemoryOrders(SystemClock())
        return orders, lambda name: orders.queues[name]
    settings: Settings = request.getfixturevalue(SETTINGS[request.param])
    client: Any = make_client("sqs", settings)
    return SqsOrders(client, settings), lambda name: open_queue(settings, name)


def envelope(message_id: str = "job:1", **fields: str) -> str:
    return encode_job(JobMessage(id=message_id, job="job", payload={"größe": 1}, **fields))


def test_a_message_comes_with_all_that_the_worker_needs(queue: Queue) -> None:
    body = envelope(correlation_id="c" * 32, traceparent=f"00-{'c' * 32}-{'1' * 16}-01")
    message_id = queue.send(body)
    (received,) = queue.receive(10, wait_seconds=5)
    assert (received.message_id, received.body, received.receive_count) == (message_id, body, 1)
    assert received.attributes["correlation_id"] == "c" * 32
    assert received.attributes["traceparent"].startswith("00-")
    assert received.sent_at.tzinfo is not None


def test_what_is_being_worked_on_is_hidden_until_it_is_given_back(queue: Queue) -> None:
    queue.send(envelope())
    (first,) = queue.receive(1, wait_seconds=5, visibility_seconds=600)
    assert queue.receive(1) == []
    assert (queue.depth().visible, queue.depth().in_flight) == (0, 1)
    assert queue.change_visibility_many([first.handle], 0) == []
    (again,) = queue.receive(1, wait_seconds=5)
    assert (again.message_id, again.receive_count) == (first.message_id, 2)


@pytest.mark.parametrize("queue", ["memory", "sqs"], indirect=True)
def test_a_deleted_message_is_gone_and_a_stale_handle_is_reported(queue: Queue) -> None:
    """A worker that lost its message to another must learn of it. (moto lets any handle of a message delete it.)"""
    queue.send(envelope())
    (first,) = queue.receive(1, wait_seconds=5)
    queue.change_visibility_many([first.handle], 0)
    (again,) = queue.receive(1, wait_seconds=5)
    assert queue.delete_many([first.handle]) == [first.handle]
    assert queue.depth().total == 1
    assert queue.delete_many([again.handle]) == []
    assert queue.depth().total == 0


def test_any_number_of_messages_is_sent_received_and_deleted(queue: Queue) -> None:
    """More than one batch of ten, and more than one call's bytes."""
    queue.send_many([envelope(f"job:{number}", order_id="x" * 60_000) for number in range(23)])
    handles: list[str] = []
    while batch := queue.receive(10):
        handles += [message.handle for message in batch]
    assert len(handles) == 23
    assert queue.change_visibility_many(handles, 60) == []
    assert queue.delete_many(handles) == []
    assert queue.depth().total == 0


def test_a_delayed_message_waits(queue: Queue) -> None:
    queue.send(envelope(), delay_seconds=900)
    assert queue.receive(1) == []
    assert queue.depth().delayed == 1


def test_a_body_that_is_no_envelope_travels_too(queue: Queue) -> None:
    """What is poison is for the worker to say."""
    for body in ("{", "[]", '{"correlation_id": 7}'):
        queue.send(body)
        (received,) = queue.receive(1, wait_seconds=5)
        assert (received.body, dict(received.attributes)) == (body, {})
        queue.delete_many([received.handle])


def test_messages_go_to_the_queue_they_are_for(
    senders: tuple[OrderQueue, Callable[[str], Queue]],
) -> None:
    orders, opened = senders
    orders.send(envelope("a"), queue="high")
    orders.send_many([envelope("b"), envelope("c")])
    orders.send(envelope("d"), attributes={"correlation_id": "e" * 32}, queue="low")
    assert [message.body for message in opened("high").receive(10, wait_seconds=5)] == [envelope("a")]
    assert opened("orders").depth().visible == 2
    (low,) = opened("low").receive(10, wait_seconds=5)
    assert dict(low.attributes) == {"correlation_id": "e" * 32}


def test_a_dead_letter_queue_is_opened_by_its_name(aws_settings: Settings) -> None:
    assert open_queue(aws_settings, "orders_dlq").url == aws_settings.orders_dlq_url
    assert open_queue(aws_settings, "high").url == aws_settings.high_queue_url
