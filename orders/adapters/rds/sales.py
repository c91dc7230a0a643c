"""Keeps the daily figures: one statement that counts the last days anew and replaces their rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Date, Engine, case, cast, func, select
from sqlalchemy.dialects.postgresql import insert

from orders.adapters.rds.base import table_of
from orders.adapters.rds.bulk_job_models import SalesDay
from orders.adapters.rds.engine import database_errors
from orders.adapters.rds.models import Order

DAYS_COUNTED = 40
"""How far back a count reaches: a day older than this hardly changes any more."""
_ORDERS, _DAYS = table_of(Order), table_of(SalesDay)
_ENDED_EARLY = ("cancelled", "expired")


def count_sales(engine: Engine, now: datetime, days: int = DAYS_COUNTED) -> int:
    """Count the orders of the last `days` days, by the day on which they were placed. Returns how many rows were
    written; a repeat writes the same. Raises Unavailable."""
    day = cast(func.timezone("UTC", _ORDERS.c.placed_at), Date)
    has_ended = _ORDERS.c.status.in_(_ENDED_EARLY)
    since = (now - timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0)

    def how_many(condition: Any) -> Any:
        return func.count(case((condition, 1)))

    counted = (
        select(
            day,
            _ORDERS.c.currency,
            func.count(),
            func.coalesce(func.sum(case((has_ended, 0), else_=_ORDERS.c.total_minor)), 0),
            how_many(has_ended),
            how_many(_ORDERS.c.fulfilment_status.in_(("shipped", "delivered"))),
            how_many(_ORDERS.c.fulfilment_status == "delivered"),
            func.now(),
        )
        .where(_ORDERS.c.placed_at >= since)
        .group_by(day, _ORDERS.c.currency)
    )
    names = [
        "day",
        "currency",
        "orders",
        "revenue_minor",
        "ended_early",
        "shipped",
        "delivered",
        "counted_at",
    ]
    statement = insert(_DAYS).from_select(names, counted)
    statement = statement.on_conflict_do_update(
        index_elements=["day", "currency"], set_={name: statement.excluded[name] for name in names[2:]}
    )
    with database_errors("the daily figures"), engine.begin() as connection:
        return len(connection.execute(statement.returning(_DAYS.c.day)).all())
