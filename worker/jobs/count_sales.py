"""count_sales: keep the daily figures that the console's dashboard shows."""

from __future__ import annotations

from orders.adapters.rds.sales import DAYS_COUNTED
from orders.adapters.rds.sales import count_sales as count
from orders.domain.errors import Poison
from orders.ports import JobMessage
from worker.context import JobContext
from worker.registry import job


@job("low", timeout=60)
def count_sales(context: JobContext, message: JobMessage) -> None:
    """Count the orders of the last `days` days anew; counting twice gives the same."""
    if context.engine is None:
        raise Poison("the figures need the database")
    days = max(DAYS_COUNTED, int(message.payload.get("days", 0)))
    count(context.engine, context.desk.clock.now(), days)
