"""The Lambda behind GET /orders/{order_id}: the tracking view of one order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lambdas.http import Answer, Request, serve
from lambdas.runtime import Runtime, before_snapshot, runtime
from orders.domain.errors import NotFound
from orders.messages import SCHEMA_VERSION
from orders.ports import TrackingView


def handle(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Answer with the order's statuses and events: 200, or 404 for an order that was never accepted."""
    return serve(event, lambda request: _get(request, _runtime()))


def _get(request: Request, run: Runtime) -> Answer:
    order_id = request.order_id()
    view = run.tracking.get(order_id)
    if view is None:
        raise NotFound("no such order")
    return Answer(200, body_of(view))


def body_of(view: TrackingView) -> dict[str, Any]:
    """A tracking view on the wire. The correlation id stays inside: it is nobody's business but ours."""
    body = {
        "schema_version": SCHEMA_VERSION,
        "order_id": view.order_id,
        "number": view.number,
        "version": view.version,
        "stage": view.stage,
        "order_status": view.order_status,
        "payment_status": view.payment_status,
        "fulfilment_status": view.fulfilment_status,
        "updated_at": _text(view.updated_at),
        "events": [{"event": event, "at": _text(at)} for event, at in view.events],
    }
    return {**body, "expected_at": _text(view.expected_at)} if view.expected_at else body


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _runtime() -> Runtime:
    return runtime("get_order", "tracking_table")


before_snapshot(lambda: _runtime().tracking)
