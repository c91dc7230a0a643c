"""A page merged from the states that orders are in: for filters which the newest orders do not meet.

A walk from the newest order on passes every one that is still under way before it sees a completed one: a hundred thousand
entries among millions. ix_orders_states has the orders of one combination (status, payment, fulfilment, country, delivery)
in one place and by age, so each combination gives its first rows in one step, and the page is the first of those.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, Subquery, func, literal, select, true, tuple_

from orders.adapters.rds.models import Order
from orders.adapters.rds.order_search import OrderSearch

_STATUSES = (Order.status, Order.payment_status, Order.fulfilment_status)
_COMBINATION = (*_STATUSES, Order.country, Order.shipping_code)


def is_by_state(search: OrderSearch) -> bool:
    """Whether a search is one for the states' index: ordered by age, a status and a place or a delivery given.

    Then at most a page of each combination is read. Orders on hold and amounts have indexes of their own; here they would
    pass over most of what is read. A search for orders that are not held passes over the few that are.
    """
    has_status = bool(search.status or search.payment or search.fulfilment)
    others = search.hold == "held" or (search.total_from, search.total_to) != (None, None)
    return (
        has_status
        and bool(search.country or search.shipping)
        and search.sort.endswith("placed")
        and not others
    )


def first_of_each_state(
    search: OrderSearch,
    keys: Sequence[Any],
    conditions: Sequence[ColumnElement[bool]],
    limit: int,
    *,
    down: bool,
) -> Select[*tuple[Any, ...]]:
    """The keys of the first orders of every combination that can meet the search: at most `limit` of each."""
    states, countries, deliveries = _known_states(search), _countries(search), _deliveries(search)
    ordered = [one.desc() if down else one.asc() for one in (Order.placed_at, Order.id)]
    same = zip(_COMBINATION, (*states.c, *countries.c, *deliveries.c), strict=True)
    first = (
        select(*keys)
        .where(*(column == value for column, value in same), *conditions)
        .order_by(*ordered)
        .limit(limit)
        .lateral("first_of_state")
    )
    combinations = states.join(countries, true()).join(deliveries, true())
    return select(*first.c).select_from(combinations.join(first, true()))


def _known_states(search: OrderSearch) -> Subquery:
    """The combinations of the three statuses that some order is in, and that the search asks for: a step for each."""
    start = select(*_STATUSES).order_by(*_STATUSES).limit(1).subquery("start")
    known = select(*start.c).cte("known_states", recursive=True)
    following = (
        select(*_STATUSES)
        .where(tuple_(*_STATUSES) > tuple_(*known.c))
        .order_by(*_STATUSES)
        .limit(1)
        .lateral("following")
    )
    states = known.union_all(select(*following.c).select_from(known.join(following, true())))
    asked = zip(states.c, (search.status, search.payment, search.fulfilment), strict=True)
    return (
        select(states).where(*(column.in_(values) for column, values in asked if values)).subquery("states")
    )


def _countries(search: OrderSearch) -> Subquery:
    return _asked_or_known(Order.country, search.country).subquery("countries")


def _deliveries(search: OrderSearch) -> Subquery:
    return _asked_or_known(Order.shipping_code, search.shipping).subquery("deliveries")


def _asked_or_known(column: Any, asked: str) -> Select[*tuple[Any, ...]]:
    if asked:
        return select(literal(asked).label("value"))
    known = known_values(column)
    return select(known.c.value).where(known.c.value.is_not(None))


def known_values(column: Any) -> CTE:
    """The values of a column that has an index, found by hopping through it: one step per value, not per order.

    The last row is NULL.
    """
    known = select(func.min(column).label("value")).cte(f"known_{column.key}", recursive=True)
    following = select(select(func.min(column)).where(column > known.c.value).scalar_subquery())
    return known.union_all(following.where(known.c.value.is_not(None)))
