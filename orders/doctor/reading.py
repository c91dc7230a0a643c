"""Reads every store into a Snapshot: the book through SQLAlchemy, the rest through the ports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, func, select

from orders.adapters.rds.coupon_models import CouponRow, CouponUse
from orders.adapters.rds.engine import database_errors
from orders.adapters.rds.models import (
    LedgerEntry,
    Order,
    OrderLine,
    Outbox,
    PaymentAttemptRow,
    QuarantinedMessage,
    TestCharge,
    TimelineEvent,
)
from orders.adapters.rds.staff_journal import BY_STAFF, journaled
from orders.doctor.snapshot import CouponFacts, LineFacts, OrderFacts, ProviderFacts, QueueFacts, Snapshot
from orders.domain.events import EventType
from orders.domain.ids import OrderId, Sku
from orders.domain.order import FulfilmentStatus, OrderState, OrderStatus, PaymentStatus
from orders.ports import AttemptStatus, Clock, InventoryStore, PaymentAttempt, TrackingStore


class QueueDepths(Protocol):
    """Tells how full the queues are."""

    def depths(self) -> Sequence[QueueFacts]:
        """One QueueFacts per queue."""
        ...


@dataclass(frozen=True, slots=True)
class Stores:
    """Everything that the doctor reads."""

    engine: Engine
    inventory: InventoryStore
    tracking: TrackingStore
    queues: QueueDepths
    clock: Clock


def read(stores: Stores) -> Snapshot:
    """Look at every store once, the book in one repeatable-read transaction. Raises Unavailable."""
    queues = stores.queues.depths()
    reservations = {reservation.order_id: reservation for reservation in stores.inventory.all_reservations()}
    levels = {level.sku: level for level in stores.inventory.all_levels()}
    tracking = {view.order_id: view for view in stores.tracking.all_views()}
    open_claims = tuple(stores.tracking.open_claims())
    movements = {each.id: each for each in stores.inventory.all_movements() if each.id.startswith(BY_STAFF)}
    with (
        database_errors("the order book"),
        stores.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection,
    ):
        orders = _orders(connection)
        waiting, oldest = connection.execute(select(func.count(), func.min(Outbox.created_at))).one()
        return Snapshot(
            taken_at=stores.clock.now(),
            levels=levels,
            reservations=reservations,
            tracking=tracking,
            orders=orders,
            orphan_attempts=_orphans(connection),
            charges=_charges(connection),
            outbox_waiting=waiting,
            outbox_oldest=oldest,
            outbox_orders=frozenset(
                OrderId(str(order_id)) for order_id in connection.scalars(select(Outbox.order_id).distinct())
            ),
            queues=queues,
            open_claims=open_claims,
            quarantined=connection.scalar(
                select(func.count())
                .select_from(QuarantinedMessage)
                .where(QuarantinedMessage.resolved_at.is_(None))
            )
            or 0,
            coupons=_coupons(connection),
            movements=movements,
            journal=journaled(connection),
        )


def _orders(connection: Connection) -> Mapping[OrderId, OrderFacts]:
    lines = _lines(connection)
    postings = _postings(connection)
    events = _events(connection)
    attempts = _attempts(connection)
    table = Order.__table__
    return {
        order_id: OrderFacts(
            id=order_id,
            state=OrderState(
                OrderStatus(row["status"]),
                PaymentStatus(row["payment_status"]),
                FulfilmentStatus(row["fulfilment_status"]),
                row["is_held"],
                row["version"],
            ),
            is_edited=any(event is EventType.ORDER_EDITED for _, event in events[order_id]),
            lines=lines[order_id],
            postings=postings[order_id],
            events=events[order_id],
            attempts=attempts[order_id],
            **{name: row[name] for name in _SAME_NAMES},
        )
        for row in connection.execute(select(table)).mappings()
        for order_id in [OrderId(str(row["id"]))]
    }


_SAME_NAMES = (
    "currency",
    "total_minor",
    "subtotal_minor",
    "shipping_minor",
    "shipping_tax_minor",
    "tax_minor",
    "discount_minor",
    "tax_is_inclusive",
    "tax_rate_ppm",
    "updated_at",
    "discount_code",
)
_LINE_NAMES = (
    "quantity",
    "unit_price_minor",
    "discount_minor",
    "net_minor",
    "tax_minor",
    "shipped",
    "returned",
    "restocked",
    "cancelled",
)


def _lines(connection: Connection) -> Mapping[OrderId, list[LineFacts]]:
    found: dict[OrderId, list[LineFacts]] = defaultdict(list)
    statement = select(OrderLine.__table__).order_by(OrderLine.order_id, OrderLine.position)
    for row in connection.execute(statement).mappings():
        facts: dict[str, Any] = {name: row[name] for name in _LINE_NAMES}
        found[OrderId(str(row["order_id"]))].append(LineFacts(sku=Sku(row["sku"]), **facts))
    return found


def _postings(connection: Connection) -> Mapping[OrderId, dict[str, list[tuple[str, int]]]]:
    found: dict[OrderId, dict[str, list[tuple[str, int]]]] = defaultdict(lambda: defaultdict(list))
    statement = select(
        LedgerEntry.order_id, LedgerEntry.posting_key, LedgerEntry.account, LedgerEntry.amount_minor
    ).order_by(LedgerEntry.id)
    for order_id, key, account, amount in connection.execute(statement):
        found[OrderId(str(order_id))][key].append((account, amount))
    return found


def _events(connection: Connection) -> Mapping[OrderId, list[tuple[int, EventType]]]:
    found: dict[OrderId, list[tuple[int, EventType]]] = defaultdict(list)
    statement = select(TimelineEvent.order_id, TimelineEvent.version, TimelineEvent.type)
    for order_id, version, event in connection.execute(
        statement.order_by(TimelineEvent.order_id, TimelineEvent.version, TimelineEvent.id)
    ):
        found[OrderId(str(order_id))].append((version, EventType(event)))
    return found


def _attempt(row: Any) -> PaymentAttempt:
    return PaymentAttempt(
        id=row["id"],
        order_id=OrderId(str(row["order_id"])),
        kind=row["kind"],
        provider=row["provider"],
        reference=row["reference"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        status=AttemptStatus(row["status"]),
        created_at=row["created_at"],
        decline_code=row["decline_code"],
        detail=row["detail"],
    )


def _attempts(connection: Connection) -> Mapping[OrderId, list[PaymentAttempt]]:
    found: dict[OrderId, list[PaymentAttempt]] = defaultdict(list)
    statement = select(PaymentAttemptRow.__table__).order_by(PaymentAttemptRow.created_at)
    for row in connection.execute(statement).mappings():
        attempt = _attempt(row)
        found[attempt.order_id].append(attempt)
    return found


def _orphans(connection: Connection) -> list[PaymentAttempt]:
    """Authorisations that hold money for an order that the book does not have and that were not voided."""
    table = PaymentAttemptRow.__table__
    voided = select(table.c.reference).where(
        table.c.kind == "void", table.c.status == AttemptStatus.SUCCEEDED
    )
    statement = (
        select(table)
        .where(table.c.kind == "authorise", table.c.status == AttemptStatus.SUCCEEDED)
        .where(table.c.reference.not_in(voided))
        .where(table.c.order_id.not_in(select(Order.id)))
    )
    return [_attempt(row) for row in connection.execute(statement).mappings()]


def _coupons(connection: Connection) -> list[CouponFacts]:
    uses: dict[str, dict[OrderId, datetime]] = defaultdict(dict)
    for code, order_id, claimed_at in connection.execute(
        select(CouponUse.code, CouponUse.order_id, CouponUse.claimed_at)
    ):
        uses[code][OrderId(str(order_id))] = claimed_at
    statement = select(CouponRow.code, CouponRow.used, CouponRow.max_uses)
    return [CouponFacts(code, used, most, uses[code]) for code, used, most in connection.execute(statement)]


def _charges(connection: Connection) -> list[ProviderFacts]:
    """The embedded test provider's books; a real provider's are compared by its own settlement report."""
    return [
        ProviderFacts(**{name: row[name] for name in ProviderFacts.__dataclass_fields__})
        for row in connection.execute(select(TestCharge.__table__)).mappings()
    ]
