"""When an order will be with its shopper: learned from the orders that have arrived, else what the tariff promises."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, time, timedelta

from flask import current_app
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from orders.adapters.rds.models import Order, TimelineEvent
from orders.domain.events import EventType
from orders.domain.order import FulfilmentStatus
from webapp.catalog.memory import Memory
from webapp.checkout.tariffs import ShippingOffer
from webapp.extensions import db

LEARNED_FROM = 200
"""The newest arrived orders of the same delivery and country: old enough parcels tell nothing of today."""
FEWEST = 20
"""Fewer say nothing; then the tariff's latest day stands."""
SHARE = 0.8
"""Four of five orders were faster: an estimate that is mostly beaten, not mostly broken."""
PATIENCE_MILLISECONDS = 250
_FRESH_FOR_SECONDS = 900.0
log = logging.getLogger(__name__)


def expected_arrival(offer: ShippingOffer, country: str, now: datetime) -> datetime:
    """The moment by which an order that is placed now is expected to have arrived."""
    memory: Memory[tuple[str, str], timedelta | None] = current_app.extensions.setdefault(
        "cartwright-arrivals", Memory(_FRESH_FOR_SECONDS, most=500)
    )
    learned = memory.get((offer.code, country), lambda: _learned(offer.code, country))
    if learned is not None:
        return now + learned
    return datetime.combine(offer.latest, time(18), UTC)


def _learned(shipping_code: str, country: str) -> timedelta | None:
    """How long most of the newest arrivals took, from the click to the door."""
    newest = (
        select(Order.id, Order.placed_at)
        .where(
            Order.fulfilment_status == FulfilmentStatus.DELIVERED,
            Order.shipping_code == shipping_code,
            Order.country == country,
        )
        .order_by(Order.placed_at.desc())
        .limit(LEARNED_FROM)
        .subquery()
    )
    took = (
        select((func.min(TimelineEvent.at) - newest.c.placed_at).label("took"))
        .join(newest, newest.c.id == TimelineEvent.order_id)
        .where(TimelineEvent.type == EventType.ORDER_DELIVERED)
        .group_by(newest.c.id, newest.c.placed_at)
        .subquery()
    )
    # Within the checkout's own transaction: a second connection for each click would empty the pool, and whoever waits
    # for a connection while holding one may wait for ever. The savepoint keeps the limit and a failure to themselves.
    connection = db.session.connection()
    fence = connection.begin_nested()
    try:
        connection.execute(text(f"SET LOCAL statement_timeout = {PATIENCE_MILLISECONDS}"))
        count, typical = connection.execute(
            select(func.count(), func.percentile_cont(SHARE).within_group(took.c.took))
        ).one()
    except SQLAlchemyError as error:
        log.warning("arrival_not_learned", extra={"reason": type(error).__name__})
        return None
    finally:
        fence.rollback()
    return typical if count >= FEWEST else None
