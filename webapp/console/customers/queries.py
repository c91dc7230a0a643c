"""The people who order, as the orders know them: by e-mail, those who ordered last first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from orders.adapters.rds.models import Order
from orders.adapters.rds.order_finding import plan_for_what_was_typed, typed_condition

LOOKED_AT = 200
"""Of how many of the newest matching orders the people are listed: a common name has a million."""
SHOWN = 50


def find_customers(session: Session, typed: str) -> Sequence[Any]:
    """People by what was typed (as in the search of orders); without it, those who ordered last."""
    recent = (
        select(Order.name, Order.email, Order.placed_at)
        .order_by(Order.placed_at.desc(), Order.id.desc())
        .limit(LOOKED_AT)
    )
    if typed:
        plan_for_what_was_typed(session)
        recent = recent.where(typed_condition(session, typed))
    some = recent.subquery()
    return session.execute(
        select(
            func.lower(some.c.email).label("email"),
            func.max(some.c.name).label("name"),
            func.max(some.c.placed_at).label("last_at"),
            func.count().label("orders"),
        )
        .group_by(func.lower(some.c.email))
        .order_by(func.max(some.c.placed_at).desc())
        .limit(SHOWN)
    ).all()
