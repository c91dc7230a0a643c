"""The statements that read orders, as the driver takes them."""

from __future__ import annotations

from sqlalchemy import String, Uuid, bindparam, column, func, select, table
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from orders.adapters.rds.base import table_of
from orders.adapters.rds.models import LedgerEntry, Order, OrderLine, PaymentAttemptRow, TimelineEvent
from orders.adapters.rds.statements import compiled

_ORDERS, _LINES, _LEDGER = table_of(Order), table_of(OrderLine), table_of(LedgerEntry)
_TIMELINE, _ATTEMPTS = table_of(TimelineEvent), table_of(PaymentAttemptRow)
_PREFERENCES = table("notification_preferences", column("email"), column("wants", JSONB))
"""The web application's table: what a shopper chose is read with the order, so that each event carries it."""
_WANTS = (
    select(_PREFERENCES.c.wants)
    .where(_PREFERENCES.c.email == func.lower(_ORDERS.c.email))
    .scalar_subquery()
    .label("notify")
)
_ORDER = select(_ORDERS, _WANTS).where(_ORDERS.c.id == bindparam("order_id"))

ORDER = compiled(_ORDER)
LOCKED_ORDER = compiled(_ORDER.with_for_update(of=_ORDERS))
ORDERS = compiled(
    select(_ORDERS)
    .where(_ORDERS.c.id == func.any(bindparam("order_ids", type_=ARRAY(Uuid))))
    .order_by(_ORDERS.c.id)
)
LINES = compiled(
    select(_LINES)
    .where(_LINES.c.order_id == func.any(bindparam("order_ids", type_=ARRAY(Uuid))))
    .order_by(_LINES.c.order_id, _LINES.c.position)
)
PREFERENCES = compiled(
    select(_PREFERENCES).where(_PREFERENCES.c.email == func.any(bindparam("emails", type_=ARRAY(String))))
)
LEDGER = compiled(
    select(_LEDGER.c.posting_key, _LEDGER.c.account, _LEDGER.c.amount_minor)
    .where(_LEDGER.c.order_id == bindparam("order_id"))
    .order_by(_LEDGER.c.id)
)
EVENTS = compiled(
    select(_TIMELINE)
    .where(_TIMELINE.c.order_id == bindparam("order_id"))
    .order_by(_TIMELINE.c.version, _TIMELINE.c.id)
)
ATTEMPTS = compiled(
    select(_ATTEMPTS)
    .where(_ATTEMPTS.c.order_id == bindparam("order_id"))
    .order_by(_ATTEMPTS.c.created_at, func.length(_ATTEMPTS.c.id), _ATTEMPTS.c.id)
)
