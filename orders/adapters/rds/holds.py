"""The part of the order book that keeps holds of lines, the risk rules and what they said of new orders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, String, bindparam, func, select, union, update
from sqlalchemy.dialects.postgresql import ARRAY

from orders.adapters.rds.base import table_of
from orders.adapters.rds.bulk import insert_rows
from orders.adapters.rds.models import Order, OrderLine
from orders.adapters.rds.risk_models import RiskHitRow, RiskRuleRow
from orders.domain.ids import OrderId, Sku
from orders.domain.order import OrderStatus
from orders.domain.risk import HoldKind, RiskHit, RiskKind, RiskRule
from orders.ports import LineHold

_ORDERS, _LINES = table_of(Order), table_of(OrderLine)
_RULES, _HITS = table_of(RiskRuleRow), table_of(RiskHitRow)


class Holds:
    """Holds and risk on one connection; SqlOrderTransaction builds on it."""

    connection: Connection

    def save_line_holds(self, order_id: OrderId, holds: Mapping[Sku, LineHold | None]) -> None:
        """One UPDATE for each line, sent as one batch."""
        if holds:
            self.connection.execute(
                _SAVE_LINE_HOLDS,
                [
                    {
                        "for_order": order_id,
                        "for_sku": sku,
                        "hold_reason": hold.reason if hold else "",
                        "hold_until": hold.until if hold else None,
                    }
                    for sku, hold in holds.items()
                ],
            )

    def due_holds(self, now: datetime, limit: int) -> Sequence[OrderId]:
        """Two partial indexes that hold nothing but holds with an end."""
        found = self.connection.execute(_DUE_HOLDS, {"now": now, "most": limit})
        return [OrderId(str(row.id)) for row in found]

    def risk_rules(self) -> Sequence[RiskRule]:
        """A handful of rows."""
        rows = self.connection.execute(select(_RULES).order_by(_RULES.c.code)).mappings()
        return [
            RiskRule(
                **{name: row[name] for name in _RULE_NAMES},
                kind=RiskKind(row["kind"]),
                hold_kind=HoldKind(row["hold_kind"]),
                countries=frozenset(row["countries"]),
            )
            for row in rows
        ]

    def earlier_orders(self, emails: Sequence[str], limit: int) -> Mapping[str, Sequence[datetime]]:
        """One statement for a batch: a short range of the index for each address."""
        found: dict[str, list[datetime]] = defaultdict(list)
        wanted = sorted({email.lower() for email in emails})
        for row in self.connection.execute(_EARLIER, {"emails": wanted, "most": limit}):
            found[row.email].append(row.placed_at)
        return found

    def add_risk_hits(self, hits: Mapping[OrderId, Sequence[RiskHit]]) -> None:
        """One statement for a batch."""
        rows = [
            {
                **{name: getattr(hit, name) for name in _HIT_NAMES},
                "order_id": order_id,
                "kind": str(hit.kind),
                "hold_kind": str(hit.hold_kind),
                "until": hit.until.isoformat() if hit.until else None,
            }
            for order_id, found in hits.items()
            for hit in found
        ]
        insert_rows(self.connection, _HITS, rows)

    def risk_hits(self, order_id: OrderId) -> Sequence[RiskHit]:
        """By insertion: the gravest first."""
        rows = self.connection.execute(_GET_HITS, {"order_id": order_id}).mappings()
        return [
            RiskHit(
                **{name: row[name] for name in _HIT_NAMES},
                kind=RiskKind(row["kind"]),
                hold_kind=HoldKind(row["hold_kind"]),
                until=row["until"],
            )
            for row in rows
        ]


_RULE_NAMES = ("code", "name", "is_on", "holds", "hold_hours", "limit_minor", "count", "hours")
_HIT_NAMES = ("rule", "why", "holds")
_SAVE_LINE_HOLDS = (
    update(_LINES)
    .where(_LINES.c.order_id == bindparam("for_order"), _LINES.c.sku == bindparam("for_sku"))
    .values(hold_reason=bindparam("hold_reason"), hold_until=bindparam("hold_until"))
)
_OPEN = _ORDERS.c.status.in_([str(OrderStatus.PLACED), str(OrderStatus.CONFIRMED)])
_ENDS = union(
    select(_ORDERS.c.id, _ORDERS.c.hold_until.label("ended_at")).where(
        _OPEN, _ORDERS.c.hold_until.is_not(None), _ORDERS.c.hold_until <= bindparam("now")
    ),
    select(_ORDERS.c.id, _LINES.c.hold_until)
    .join(_LINES, _LINES.c.order_id == _ORDERS.c.id)
    .where(_OPEN, _LINES.c.hold_until.is_not(None), _LINES.c.hold_until <= bindparam("now")),
).subquery()
_DUE_HOLDS = (
    select(_ENDS.c.id, func.min(_ENDS.c.ended_at).label("ended_at"))
    .group_by(_ENDS.c.id)
    .order_by("ended_at", _ENDS.c.id)
    .limit(bindparam("most"))
)
_WANTED = (
    func.unnest(bindparam("emails", type_=ARRAY(String)))
    .table_valued("email", name="wanted")
    .render_derived()
)
_LATEST = (
    select(_ORDERS.c.placed_at)
    .where(func.lower(_ORDERS.c.email) == _WANTED.c.email)
    .order_by(_ORDERS.c.placed_at.desc())
    .limit(bindparam("most"))
    .lateral("latest")
)
_EARLIER = select(_WANTED.c.email, _LATEST.c.placed_at).select_from(_WANTED).order_by(_LATEST.c.placed_at)
_GET_HITS = select(_HITS).where(_HITS.c.order_id == bindparam("order_id")).order_by(_HITS.c.id)
