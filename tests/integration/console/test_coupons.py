"""Staff make coupons, see what was used, and end them; what cannot be is said beside its field."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from orders.adapters.rds.coupon_models import CouponRow
from tests.integration.console.shop import AsRole
from webapp.console.people.models import StaffAction
from webapp.console.permissions import Role
from webapp.extensions import db

TEN = {"code": "autumn 10", "kind": "percent", "value": "12,5", "minimum": "50", "max_uses": "3"}


def rows(app: Flask) -> list[CouponRow]:
    """Every coupon."""
    with app.app_context():
        return list(db.session.scalars(select(CouponRow)))


def test_a_manager_makes_a_coupon_and_ends_it(app: Flask, as_role: AsRole) -> None:
    """Typed as people type; both acts are in the audit; ending twice is ending once."""
    client = as_role(Role.MANAGER)
    page = client.post("/console/coupons", data=TEN, follow_redirects=True)
    assert "AUTUMN10" in page.text
    assert "12.5 %" in page.text
    (made,) = rows(app)
    assert (made.rate_ppm, made.minimum_minor, made.max_uses, made.used) == (125_000, 5000, 3, 0)
    assert made.created_by == "manager@shop.example"
    for _ in range(2):
        assert "ended" in client.post("/console/coupons/AUTUMN10/end", follow_redirects=True).text
    with app.app_context():
        actions = [a.action for a in db.session.scalars(select(StaffAction).order_by(StaffAction.id))]
    assert [a for a in actions if a.startswith("coupon")] == ["coupon_created", "coupon_ended"]
    assert client.post("/console/coupons/NONE/end").status_code == 404


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"code": "x"}, "3 to 32 letters"),
        ({"value": "0"}, "a share is more than 0"),
        ({"value": "100.01"}, "a share is more than 0"),
        ({"value": "ten"}, "is not an amount"),
        ({"kind": "fixed", "value": ""}, "how much does it take off?"),
        ({"minimum": "-5"}, "is not an amount"),
        ({"max_uses": "0"}, "1 or more, please"),
        ({"ends_at": "2020-01-01T00:00"}, "this moment has passed"),
        ({"starts_at": "2031-01-02T00:00", "ends_at": "2031-01-01T00:00"}, "it would end before it starts"),
    ],
)
def test_a_coupon_that_cannot_be_is_refused_beside_its_field(
    app: Flask, as_role: AsRole, change: dict[str, str], said: str
) -> None:
    """Nothing is made, and what was typed is still there."""
    page = as_role(Role.MANAGER).post("/console/coupons", data={**TEN, "note": "kept text", **change})
    assert page.status_code == 422
    assert said in page.text
    assert "kept text" in page.text
    assert rows(app) == []


def test_a_code_is_taken_once(app: Flask, as_role: AsRole) -> None:
    """Also after its coupon has ended: orders refer to it."""
    client = as_role(Role.ADMIN)
    client.post("/console/coupons", data=TEN)
    client.post("/console/coupons/AUTUMN10/end")
    again = client.post("/console/coupons", data={**TEN, "value": "50"})
    assert again.status_code == 422
    assert "there is a coupon with this code" in again.text
    (kept,) = rows(app)
    assert kept.rate_ppm == 125_000


def test_support_sees_coupons_and_makes_none(as_role: AsRole) -> None:
    """They answer shoppers; the warehouse does not even see them."""
    assert "New coupon" not in as_role(Role.SUPPORT).get("/console/coupons").text
    assert as_role(Role.SUPPORT).post("/console/coupons", data=TEN).status_code == 403
    assert as_role(Role.WAREHOUSE).get("/console/coupons").status_code == 403
