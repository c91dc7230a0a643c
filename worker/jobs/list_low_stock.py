"""list_low_stock: keep the list of SKUs that run low, which the console's dashboard shows."""

from __future__ import annotations

from typing import Any

from orders.domain.inventory import LOW_PIECES
from orders.ports import JobMessage
from worker.context import JobContext
from worker.registry import job

LISTED = 50


@job("low", timeout=120, keeps_result=True)
def list_low_stock(context: JobContext, message: JobMessage) -> dict[str, Any]:
    """Read every level and return the SKUs of which little can still be sold, fewest first: a read of the whole table,
    for the worker and not for a page."""
    levels = sorted(
        (level for level in context.inventory.all_levels() if level.available <= LOW_PIECES),
        key=lambda level: (level.available, level.sku),
    )
    return {"low": [[level.sku, level.available] for level in levels[:LISTED]], "count": len(levels)}
