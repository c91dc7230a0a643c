"""The radar: orders that have been in one stage for longer than the stage may take, why, and what to do next.

The limits are data, one per open stage. The state machine's tests prove that every state that is not final has a way
out; a test of this module proves that it has a limit here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from orders.adapters.rds.models import Order
from orders.domain.order import FulfilmentStatus, OrderState, OrderStatus, PaymentStatus
from webapp.console.jobs.why import Why, reasons

SHOWN = 100


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of an open order: who is in it, how long it may take, what moves it on."""

    code: str
    name: str
    limit: timedelta
    next_action: str
    """The code of the console's action that moves an order on; empty when the worker does."""
    advice: str


STAGES: Mapping[str, Stage] = {
    stage.code: stage
    for stage in (
        Stage(
            "unconfirmed", "Placed, not confirmed", timedelta(minutes=10), "hold",
            "The worker confirms it; look at the queue and the quarantine.",
        ),
        Stage("held", "On hold", timedelta(hours=24), "release", "Clear up the reason, then release or cancel."),
        Stage(
            "uncaptured", "Confirmed, money not taken", timedelta(hours=1), "capture",
            "The worker should have taken it; have it taken again, or hold the order if that keeps failing.",
        ),
        Stage("failed", "Payment failed", timedelta(hours=4), "cancel", "Ask the shopper for another card, or cancel."),
        Stage("unpicked", "Waiting to be picked", timedelta(hours=24), "pick", "Put it on a pick list."),
        Stage("picking", "Being picked", timedelta(hours=4), "ship", "Pack and ship it, or stop picking."),
        Stage("part", "Shipped in part", timedelta(days=3), "ship", "Ship the rest, or refund what cannot be had."),
        Stage("travelling", "Shipped, not delivered", timedelta(days=10), "deliver", "Ask the carrier, then mark it delivered."),
    )
}  # fmt: skip


def stage_code(state: OrderState) -> str:
    """The radar's stage of an order; empty for one that is final."""
    if state.is_final:
        return ""
    if state.is_held:
        return "held"
    by_fulfilment = {
        FulfilmentStatus.SHIPPED: "travelling",
        FulfilmentStatus.DELIVERED: "travelling",
        FulfilmentStatus.PARTLY_SHIPPED: "part",
        FulfilmentStatus.PICKING: "picking",
    }
    if state.fulfilment in by_fulfilment:
        return by_fulfilment[state.fulfilment]
    if state.payment is PaymentStatus.FAILED:
        return "failed"
    if state.order is OrderStatus.PLACED:
        return "unconfirmed"
    return "uncaptured" if state.payment is PaymentStatus.AUTHORISED else "unpicked"


_OPEN = Order.status.in_((str(OrderStatus.PLACED), str(OrderStatus.CONFIRMED)))
_FREE = and_(_OPEN, ~Order.is_held)
_SHELF = and_(_FREE, Order.fulfilment_status == str(FulfilmentStatus.UNFULFILLED))
_CONDITIONS: Mapping[str, ColumnElement[bool]] = {
    "held": and_(_OPEN, Order.is_held),
    "travelling": and_(
        _FREE, Order.fulfilment_status.in_((str(FulfilmentStatus.SHIPPED), str(FulfilmentStatus.DELIVERED)))
    ),
    "part": and_(_FREE, Order.fulfilment_status == str(FulfilmentStatus.PARTLY_SHIPPED)),
    "picking": and_(_FREE, Order.fulfilment_status == str(FulfilmentStatus.PICKING)),
    "failed": and_(_SHELF, Order.payment_status == str(PaymentStatus.FAILED)),
    "unconfirmed": and_(
        _SHELF, Order.status == str(OrderStatus.PLACED), Order.payment_status != str(PaymentStatus.FAILED)
    ),
    "uncaptured": and_(
        _SHELF,
        Order.status == str(OrderStatus.CONFIRMED),
        Order.payment_status == str(PaymentStatus.AUTHORISED),
    ),
    "unpicked": and_(
        _SHELF,
        Order.status == str(OrderStatus.CONFIRMED),
        Order.payment_status.not_in((str(PaymentStatus.FAILED), str(PaymentStatus.AUTHORISED))),
    ),
}


@dataclass(frozen=True, slots=True)
class StageAge:
    """A stage as it is now: how many orders are in it, how many too long, since when the oldest."""

    stage: Stage
    count: int
    late: int
    oldest: datetime | None


def _stage(code: str, capture_rule: str) -> Stage:
    """The stage of a condition. A shop that takes the money when it ships waits for the shelf, not for the money."""
    return STAGES["unpicked" if code == "uncaptured" and capture_rule == "ship" else code]


def stage_ages(session: Session, now: datetime, capture_rule: str = "confirm") -> Sequence[StageAge]:
    """Every open stage with its orders. Counts open orders only, which are few in any shop that ships."""
    found = []
    for code, condition in _CONDITIONS.items():
        stage = _stage(code, capture_rule)
        count, late, oldest = session.execute(
            select(
                func.count(),
                func.count().filter(Order.updated_at < now - stage.limit),
                func.min(Order.updated_at),
            ).where(condition)
        ).one()
        found.append(StageAge(stage, count, late, oldest))
    order = list(STAGES)
    return sorted(found, key=lambda one: order.index(one.stage.code))


@dataclass(frozen=True, slots=True)
class Stuck:
    """An order that is late in its stage, and what is known about why."""

    row: Any
    stage: Stage
    why: Why


def stuck_orders(
    session: Session, now: datetime, only: str = "", capture_rule: str = "confirm"
) -> Sequence[Stuck]:
    """The orders that are late, longest first, with their reasons."""
    rows: list[tuple[Any, Stage]] = []
    for code, condition in _CONDITIONS.items():
        stage = _stage(code, capture_rule)
        if only and stage.code != only:
            continue
        # The keys first: thousands that are late are passed over in the index of open orders alone.
        oldest = (
            select(Order.id)
            .where(condition, Order.updated_at < now - stage.limit)
            .order_by(Order.updated_at)
            .limit(SHOWN)
            .subquery()
        )
        late = session.execute(
            select(
                Order.id, Order.number, Order.name, Order.is_held, Order.hold_reason, Order.updated_at,
                Order.total_minor, Order.currency, Order.status, Order.payment_status, Order.fulfilment_status,
                Order.version,
            ).join(oldest, oldest.c.id == Order.id)
        ).all()  # fmt: skip
        rows += [(row, stage) for row in late]
    rows.sort(key=lambda pair: pair[0].updated_at + pair[1].limit)
    rows = rows[:SHOWN]
    known = reasons(session, now, [row.id for row, _ in rows])
    return [Stuck(row, stage, known[row.id]) for row, stage in rows]
