"""The Lambda behind POST /orders/{order_id}/cancel: asks the worker to cancel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambdas.http import Answer, Request, serve
from lambdas.runtime import Runtime, before_snapshot, runtime
from orders.messages import SCHEMA_VERSION, decode_cancellation
from orders.services.request_cancellation import request_cancellation


def handle(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Ask for a cancellation: 202 when it is on its way or done, 404 for an unknown order, 409 when it is too late."""
    return serve(event, lambda request: _cancel(request, _runtime()))


def _cancel(request: Request, run: Runtime) -> Answer:
    order_id = request.order_id()
    wish = decode_cancellation(request.json_body())
    outcome = request_cancellation(
        order_id,
        tracking=run.tracking,
        queue=run.queue,
        clock=run.clock,
        reason=wish.reason,
        actor=f"shopper:{wish.customer_id or 'guest'}",
        correlation_id=request.correlation_id,
    )
    body = {
        "schema_version": SCHEMA_VERSION,
        "order_id": order_id,
        "number": outcome.view.number,
        "status": "cancelled" if outcome.is_done else "cancellation_requested",
    }
    return Answer(202, body)


def _runtime() -> Runtime:
    return runtime("cancel_order", "tracking_table", "high_queue_url")


def _prepare() -> object:
    run = _runtime()
    return run.tracking, run.queue


before_snapshot(_prepare)
