"""Order path 4/9: the Lambda behind POST /orders - a thin door in front of orders/services/submit_order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from lambdas.http import REPLAYED_HEADER, Answer, Request, check_idempotency_key, serve
from lambdas.runtime import Runtime, before_snapshot, runtime
from orders.domain.ids import order_number
from orders.messages import SCHEMA_VERSION, decode_order_request
from orders.services.submit_order import Accepted, submit_order


def handle(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Accept an order: 202 with its number, the same at every repeat."""
    return serve(event, lambda request: _submit(request, _runtime()))


def _submit(request: Request, run: Runtime) -> Answer:
    order = decode_order_request(request.json_body())
    check_idempotency_key(request, order.order_id)
    accepted = submit_order(
        order,
        inventory=run.inventory,
        queue=run.queue,
        clock=run.clock,
        currency=run.settings.currency,
        reservation_ttl_seconds=run.settings.reservation_ttl_seconds,
        correlation_id=request.correlation_id,
        attempt=request.attempt(),
        is_answer_lost=request.is_answer_lost(),
    )
    headers = {"Location": f"/orders/{order.order_id}"}
    if accepted.is_replay:
        headers[REPLAYED_HEADER] = "true"
    return Answer(202, _body(accepted, order.currency), headers)


def _body(accepted: Accepted, currency: str) -> dict[str, Any]:
    order_id = accepted.reservation.order_id
    return {
        "schema_version": SCHEMA_VERSION,
        "order_id": order_id,
        "number": order_number(order_id),
        "status": "accepted",
        "accepted_at": accepted.reservation.accepted_at.astimezone(UTC).isoformat(),
        "total_minor": accepted.total_minor,
        "currency": currency,
    }


def _runtime() -> Runtime:
    return runtime("submit_order", "inventory_table", "tracking_table", "orders_queue_url")


def _prepare() -> object:
    run = _runtime()
    return run.inventory, run.queue


before_snapshot(_prepare)
