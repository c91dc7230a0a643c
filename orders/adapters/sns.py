"""SNS: the topic order-events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orders.adapters.aws import aws_errors
from orders.domain.errors import Unavailable
from orders.messages import encode_event
from orders.settings import Settings

BATCH_LIMIT = 10
"""Entries that SNS takes in one PublishBatch."""
BATCH_BYTES = 240_000
"""Bytes that we put into one batch; SNS takes 256 KiB in all."""


class SnsEvents:
    """ports.EventTopic on SNS. Subscribers filter on the attributes or on the body, whichever they like."""

    def __init__(self, client: Any, settings: Settings) -> None:
        self._client = client
        self._topic_arn = settings.order_events_topic_arn

    def publish(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """See ports.EventTopic. Raises Unavailable if any was not taken; publishing all again does no harm."""
        batch: list[dict[str, Any]] = []
        size = 0
        for message in messages:
            entry = _entry(message)
            length = len(entry["Message"].encode()) + 600
            if batch and (len(batch) == BATCH_LIMIT or size + length > BATCH_BYTES):
                self._publish(batch)
                batch, size = [], 0
            batch.append(entry)
            size += length
        if batch:
            self._publish(batch)

    def _publish(self, entries: Sequence[Mapping[str, Any]]) -> None:
        numbered = [{"Id": str(i), **entry} for i, entry in enumerate(entries)]
        with aws_errors("PublishBatch"):
            answer = self._client.publish_batch(TopicArn=self._topic_arn, PublishBatchRequestEntries=numbered)
        if failed := answer.get("Failed"):
            codes = ", ".join(sorted({entry["Code"] for entry in failed}))
            raise Unavailable(f"PublishBatch: {len(failed)} of {len(entries)} not taken ({codes})")


def _entry(message: Mapping[str, Any]) -> dict[str, Any]:
    attributes = {
        "event": message["event"],
        "order_id": message["order_id"],
        "correlation_id": message.get("correlation_id", ""),
        "channels": ",".join(channels_hinted(message)),
    }
    return {
        "Message": encode_event(message),
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": str(value)}
            for name, value in attributes.items()
            if value
        },
    }


def channels_hinted(message: Mapping[str, Any]) -> list[str]:
    """The channels that the shopper can be reached by: a hint for filters; the notifier decides."""
    order = message.get("order", {})
    channels = ["email"] if order.get("email") else []
    return [*channels, "sms"] if order.get("wants_sms") and order.get("phone") else channels
