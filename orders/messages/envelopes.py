"""What lies in the queues and goes over the topic: jobs and events, in their envelopes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from orders.domain.errors import Poison
from orders.domain.events import OrderEvent
from orders.messages.json_text import SCHEMA_VERSION, canonical_json
from orders.ports import JobMessage


def encode_job(message: JobMessage) -> str:
    """The body of a queue message."""
    enqueued_at = message.enqueued_at.astimezone(UTC).isoformat() if message.enqueued_at else None
    # Not asdict: it would copy the payload, an order, piece by piece.
    envelope = {spec.name: getattr(message, spec.name) for spec in fields(message)}
    return canonical_json({**envelope, "enqueued_at": enqueued_at})


def decode_job(body: str) -> JobMessage:
    """Parse a queue message. Raises Poison for anything that is not an envelope of a known version."""
    try:
        data = json.loads(body)
        if data["schema_version"] != SCHEMA_VERSION:
            raise Poison(f"envelope version {data['schema_version']!r} is not known to this release")
        enqueued_at = datetime.fromisoformat(data["enqueued_at"]) if data.get("enqueued_at") else None
        return JobMessage(
            id=_nonempty(data, "id"),
            job=_nonempty(data, "job"),
            payload=dict(data["payload"]),
            order_id=str(data.get("order_id", "")),
            correlation_id=str(data.get("correlation_id", "")),
            traceparent=str(data.get("traceparent", "")),
            enqueued_at=enqueued_at,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise Poison(f"not an envelope: {type(error).__name__}: {error}") from error


def _nonempty(data: Mapping[str, Any], key: str) -> str:
    value = data[key]
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} must be a text")
    return value


def event_to_dict(event: OrderEvent, order: Mapping[str, Any]) -> dict[str, Any]:
    """The payload of an event on the topic. `order` is the part of the order that subscribers and the notifier need."""
    return {
        "schema_version": SCHEMA_VERSION,
        "event": str(event.type),
        "order_id": str(event.order_id),
        "version": event.version,
        "at": event.at.astimezone(UTC).isoformat(),
        "reason": event.reason,
        "correlation_id": event.correlation_id,
        "data": dict(event.data),
        "order": dict(order),
    }


def encode_event(payload: Mapping[str, Any]) -> str:
    """The body of a message on the topic."""
    return canonical_json(payload)


def decode_event(body: str) -> dict[str, Any]:
    """Parse a message of the topic. Raises Poison for anything else."""
    try:
        data = json.loads(body)
        if data["schema_version"] != SCHEMA_VERSION:
            raise Poison(f"event version {data['schema_version']!r} is not known to this release")
        for key in ("event", "order_id", "at"):
            _nonempty(data, key)
        if not isinstance(data["order"], dict):
            raise ValueError("order must be an object")
    except (ValueError, KeyError, TypeError) as error:
        raise Poison(f"not an event: {type(error).__name__}: {error}") from error
    return dict(data)
