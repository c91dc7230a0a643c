"""Events as API Gateway and SQS send them, from the captured ones in tests/events/ with the given parts put in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

EVENTS = Path(__file__).parent / "events"
CORRELATION_ID = "0123456789abcdef0123456789abcdef"
_ROUTES = {
    "/orders": "apigateway_post_orders",
    "/orders/{order_id}": "apigateway_get_order",
    "/orders/{order_id}/cancel": "apigateway_cancel_order",
}


def captured(name: str) -> dict[str, Any]:
    """One captured event."""
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text("utf-8"))
    return event


def http_event(
    path: str, body: object = None, *, headers: Mapping[str, str] | None = None, is_json: bool = True
) -> dict[str, Any]:
    """A proxy event for a path; `body` is sent as it is when it is a text, else as JSON."""
    order_id = (re.match(r"/orders/([^/]+)", path) or ("", ""))[1]
    resource = path.replace(order_id, "{order_id}") if order_id else path
    event = captured(_ROUTES[resource])
    event["path"] = path
    event["pathParameters"] = {"order_id": order_id} if order_id else None
    event["body"] = body if isinstance(body, str) or body is None else json.dumps(body)
    given = {"content-type": "application/json"} if is_json and body is not None else {}
    event["headers"] = {"x-correlation-id": CORRELATION_ID, **given, **(headers or {})}
    return event


def sqs_event(bodies: Sequence[str]) -> dict[str, Any]:
    """An event of the notify queue with one record per body; their ids are `record-0`, `record-1`, ..."""
    event = captured("sqs_notify")
    record = event["Records"][0]
    event["Records"] = [
        {**record, "messageId": f"record-{number}", "body": body} for number, body in enumerate(bodies)
    ]
    return event
