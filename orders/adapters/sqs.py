"""SQS: the sending side of the queues (SqsOrders), and one queue with everything a worker does to it (SqsQueue)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from orders.adapters.aws import LONG_POLL, aws_errors, make_client
from orders.domain.errors import Unavailable
from orders.settings import Settings

QUEUES = ("orders", "high", "low", "notify")
BATCH_LIMIT = 10
"""Entries that SQS takes in one batch call."""
BATCH_BYTES = 900_000
"""Bytes that we put into one batch; SQS takes 1 MiB with attributes included."""
LONGEST_WAIT_SECONDS = 20
LONGEST_DELAY_SECONDS = 900
_NO_ATTRIBUTES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """One delivery of a message. `handle` is good for this delivery only; `receive_count` is 1 the first time."""

    message_id: str
    body: str
    handle: str
    receive_count: int
    sent_at: datetime
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """How many messages wait, are being worked on, and are delayed; SQS itself calls these approximate."""

    visible: int
    in_flight: int
    delayed: int

    @property
    def total(self) -> int:
        """Everything that is in the queue."""
        return self.visible + self.in_flight + self.delayed


class SqsQueue:
    """One queue by its URL. Threads may share it: botocore's clients are safe for that."""

    def __init__(self, client: Any, url: str, *, receiver: Any = None) -> None:
        """`receiver` is the client for long polls, whose timeout must be longer than the wait (aws.LONG_POLL)."""
        self.url = url
        self._client = client
        self._receiver = receiver or client

    def send(
        self, body: str, *, delay_seconds: int = 0, attributes: Mapping[str, str] = _NO_ATTRIBUTES
    ) -> str:
        """Send one message and return SQS's id. Raises Unavailable or OutcomeUnknown."""
        with aws_errors("SendMessage"):
            answer = self._client.send_message(
                QueueUrl=self.url,
                MessageBody=body,
                DelaySeconds=min(delay_seconds, LONGEST_DELAY_SECONDS),
                MessageAttributes=_wire(attributes or trace_attributes(body)),
            )
        return str(answer["MessageId"])

    def send_many(self, bodies: Sequence[str]) -> None:
        """Send any number of messages. Raises Unavailable if any was not taken; the others then are in the queue."""
        for batch in _batches(bodies):
            entries = [
                {"Id": str(i), "MessageBody": body, "MessageAttributes": _wire(trace_attributes(body))}
                for i, body in enumerate(batch)
            ]
            with aws_errors("SendMessageBatch"):
                answer = self._client.send_message_batch(QueueUrl=self.url, Entries=entries)
            if failed := answer.get("Failed"):
                codes = ", ".join(sorted({entry["Code"] for entry in failed}))
                raise Unavailable(f"SendMessageBatch: {len(failed)} of {len(batch)} not taken ({codes})")

    def receive(
        self, max_messages: int = 10, wait_seconds: int = 0, visibility_seconds: int | None = None
    ) -> list[ReceivedMessage]:
        """Take up to 10 messages, waiting up to `wait_seconds` for the first. They are hidden from others meanwhile."""
        hidden = {} if visibility_seconds is None else {"VisibilityTimeout": visibility_seconds}
        with aws_errors("ReceiveMessage"):
            answer = self._receiver.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=max(1, min(max_messages, BATCH_LIMIT)),
                WaitTimeSeconds=max(0, min(wait_seconds, LONGEST_WAIT_SECONDS)),
                MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
                MessageAttributeNames=["All"],
                **hidden,
            )
        return [_received(message) for message in answer.get("Messages", ())]

    def delete_many(self, handles: Sequence[str]) -> list[str]:
        """Delete deliveries that are done. Returns the handles that SQS refused (a stale one, for example)."""
        failed: list[str] = []
        for start in range(0, len(handles), BATCH_LIMIT):
            batch = handles[start : start + BATCH_LIMIT]
            entries = [{"Id": str(i), "ReceiptHandle": handle} for i, handle in enumerate(batch)]
            with aws_errors("DeleteMessageBatch"):
                answer = self._client.delete_message_batch(QueueUrl=self.url, Entries=entries)
            failed += [batch[int(entry["Id"])] for entry in answer.get("Failed", ())]
        return failed

    def change_visibility_many(self, handles: Sequence[str], seconds: int) -> list[str]:
        """Hide deliveries for `seconds` from now; 0 gives them back at once. Returns the handles that SQS refused."""
        failed: list[str] = []
        for start in range(0, len(handles), BATCH_LIMIT):
            batch = handles[start : start + BATCH_LIMIT]
            entries = [
                {"Id": str(i), "ReceiptHandle": handle, "VisibilityTimeout": seconds}
                for i, handle in enumerate(batch)
            ]
            with aws_errors("ChangeMessageVisibilityBatch"):
                answer = self._client.change_message_visibility_batch(QueueUrl=self.url, Entries=entries)
            failed += [batch[int(entry["Id"])] for entry in answer.get("Failed", ())]
        return failed

    def depth(self) -> QueueDepth:
        """How full the queue is."""
        names = {
            "visible": "ApproximateNumberOfMessages",
            "in_flight": "ApproximateNumberOfMessagesNotVisible",
            "delayed": "ApproximateNumberOfMessagesDelayed",
        }
        with aws_errors("GetQueueAttributes"):
            answer = self._client.get_queue_attributes(QueueUrl=self.url, AttributeNames=list(names.values()))
        found = answer.get("Attributes", {})
        return QueueDepth(**{ours: int(found.get(theirs, 0)) for ours, theirs in names.items()})


class SqsOrders:
    """ports.OrderQueue over the queues that the settings name."""

    def __init__(self, client: Any, settings: Settings) -> None:
        self._queues = {
            name: SqsQueue(client, url) for name in QUEUES if (url := getattr(settings, f"{name}_queue_url"))
        }

    def send(
        self,
        body: str,
        *,
        queue: str = "orders",
        delay_seconds: int = 0,
        attributes: Mapping[str, str] = _NO_ATTRIBUTES,
    ) -> str:
        """See ports.OrderQueue. Without `attributes`, the envelope's correlation id and traceparent are sent along."""
        return self._queues[queue].send(body, delay_seconds=delay_seconds, attributes=attributes)

    def send_many(self, bodies: Sequence[str], *, queue: str = "orders") -> None:
        """See ports.OrderQueue."""
        self._queues[queue].send_many(bodies)


def open_queue(settings: Settings, name: str) -> SqsQueue:
    """A queue for a program that receives: `orders`, `high`, `low`, `notify`, or one of these with `_dlq`."""
    base, _, dead = name.partition("_")
    url = getattr(settings, f"{base}_dlq_url" if dead == "dlq" else f"{base}_queue_url")
    return SqsQueue(make_client("sqs", settings), url, receiver=make_client("sqs", settings, LONG_POLL))


def trace_attributes(body: str) -> dict[str, str]:
    """What ties a message to its cause, from its envelope, so that it can be seen without opening the body."""
    try:
        envelope = json.loads(body)
    except ValueError:
        return {}
    if not isinstance(envelope, dict):
        return {}
    found = {name: envelope.get(name) for name in ("correlation_id", "traceparent")}
    return {name: value for name, value in found.items() if isinstance(value, str) and value}


def _wire(attributes: Mapping[str, str]) -> dict[str, Any]:
    return {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value}


def _batches(bodies: Sequence[str]) -> Iterator[list[str]]:
    """Groups that stay below both of SQS's limits, ten entries and the bytes of one call."""
    batch: list[str] = []
    size = 0
    for body in bodies:
        length = len(body.encode()) + 500
        if batch and (len(batch) == BATCH_LIMIT or size + length > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(body)
        size += length
    if batch:
        yield batch


def _received(message: Mapping[str, Any]) -> ReceivedMessage:
    system = message.get("Attributes", {})
    return ReceivedMessage(
        message_id=message["MessageId"],
        body=message["Body"],
        handle=message["ReceiptHandle"],
        receive_count=int(system.get("ApproximateReceiveCount", 1)),
        sent_at=datetime.fromtimestamp(int(system.get("SentTimestamp", 0)) / 1000, UTC),
        attributes={
            name: value["StringValue"]
            for name, value in message.get("MessageAttributes", {}).items()
            if "StringValue" in value
        },
    )
