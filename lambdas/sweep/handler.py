"""The Lambda that the schedule calls: sends what was left unsent, expires what nobody confirmed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from lambdas.runtime import Runtime, before_snapshot, runtime
from orders.observability import accept_correlation_id, emit_metrics
from orders.services.sweep import sweep

log = logging.getLogger(__name__)


def handle(event: Mapping[str, Any], context: object) -> dict[str, int]:
    """Sweep once. Raises when a store does not answer, so that the function's error metric tells of it."""
    accept_correlation_id(event.get("id"))
    run = _runtime()
    swept = sweep(
        inventory=run.inventory,
        queue=run.queue,
        clock=run.clock,
        sweep_after_seconds=run.settings.sweep_after_seconds,
    )
    log.info("swept", extra=asdict(swept))
    emit_metrics(
        {
            "OrdersSentBySweeper": (swept.sent, "Count"),
            "ReservationsExpired": (swept.expired, "Count"),
            "ReservationsUnreadable": (swept.unreadable, "Count"),
        },
        dimensions={"Stage": run.settings.stage},
    )
    return asdict(swept)


def _runtime() -> Runtime:
    return runtime("sweep", "inventory_table", "tracking_table", "orders_queue_url")


def _prepare() -> object:
    run = _runtime()
    return run.inventory, run.queue


before_snapshot(_prepare)
