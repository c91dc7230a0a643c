"""Claiming and giving back the uses of a coupon: the row of the coupon is the lock, its counter the limit.

A use is claimed in the transaction that begins a placing and given back in the one that ends it, so that it is never
half done: docs/adr/0005-a-coupon-use-is-claimed-before-the-payment.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from orders.adapters.rds.base import table_of
from orders.adapters.rds.coupon_models import CouponRow, CouponUse
from orders.domain.coupon import Coupon, CouponKind, CouponProblem, CouponRefused, same_inbox
from orders.domain.ids import OrderId

_COUPONS, _USES = table_of(CouponRow), table_of(CouponUse)


def find(connection: Connection, code: str) -> Coupon | None:
    """The coupon of a tidy code, or None."""
    row = connection.execute(select(_COUPONS).where(_COUPONS.c.code == code)).mappings().first()
    return to_coupon(row) if row else None


def to_coupon(row: Mapping[Any, Any]) -> Coupon:
    """A row as the domain knows it."""
    names = (name for name in Coupon.__dataclass_fields__ if name != "kind")
    return Coupon(kind=CouponKind(row["kind"]), **{name: row[name] for name in names})


def used_by(connection: Connection, code: str, email: str) -> int:
    """How many orders of the shopper behind an e-mail address hold a use of a coupon."""
    statement = (
        select(func.count())
        .select_from(_USES)
        .where(_USES.c.code == code, _USES.c.customer_key == customer_key(code, email))
    )
    return connection.scalar(statement) or 0


def claim(
    connection: Connection, *, code: str, order_id: UUID, email: str, goods_minor: int, currency: str, now: datetime
) -> Coupon:  # fmt: skip
    """Claim one use for an order; the same order again claims no second one. Raises CouponRefused.

    Two orders that want the last use wait for each other at the coupon's row: the second one reads what the first
    has done. The lock is held until the caller's transaction ends, which makes no call to anybody meanwhile.
    """
    locked = select(_COUPONS).where(_COUPONS.c.code == code).with_for_update()
    row = connection.execute(locked).mappings().first()
    if row is None:
        raise CouponRefused(code, CouponProblem.UNKNOWN)
    coupon = to_coupon(row)
    if connection.scalar(select(_USES.c.code).where(_USES.c.order_id == order_id)) == code:
        return coupon
    coupon.check(
        goods_minor=goods_minor, currency=currency, now=now, used_by_customer=used_by(connection, code, email)
    )
    key = customer_key(code, email)
    connection.execute(insert(_USES).values(order_id=order_id, code=code, customer_key=key, claimed_at=now))
    connection.execute(update(_COUPONS).where(_COUPONS.c.code == code).values(used=_COUPONS.c.used + 1))
    return coupon


def give_back(connection: Connection, order_id: OrderId | UUID) -> bool:
    """Give back the use that an order holds; False when it holds none, as at every repeat."""
    code = connection.scalar(delete(_USES).where(_USES.c.order_id == order_id).returning(_USES.c.code))
    if code is None:
        return False
    connection.execute(update(_COUPONS).where(_COUPONS.c.code == code).values(used=_COUPONS.c.used - 1))
    return True


def customer_key(code: str, email: str) -> str:
    """What stands for a shopper in the count: the code is in the hash, so that keys of two coupons tell nothing together."""
    return hashlib.sha256(f"{code}|{same_inbox(email)}".encode()).hexdigest()
