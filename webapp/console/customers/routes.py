"""The people who order: found by e-mail or name, with everything that they ordered."""

from __future__ import annotations

from flask import abort, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from orders.adapters.rds.models import Order
from webapp.console.customers.queries import SHOWN, find_customers
from webapp.console.door import console, requires
from webapp.console.permissions import Permission
from webapp.extensions import db


@console.get("/customers")
@requires(Permission.CUSTOMERS_VIEW)
def customers() -> ResponseReturnValue:
    """Find a person; without a search, those who ordered last."""
    typed = request.args.get("q", "").replace("\x00", "").strip()[:120]
    rows = find_customers(db.session(), typed)
    return render_template("console/customers/list.html", rows=rows, typed=typed)


@console.get("/customers/<email>")
@requires(Permission.CUSTOMERS_VIEW)
def customer(email: str) -> ResponseReturnValue:
    """One person: what they ordered, what it was worth, where it went."""
    found = db.session.scalars(
        select(Order)
        .where(func.lower(Order.email) == email.lower())
        .order_by(Order.placed_at.desc(), Order.id.desc())
        .limit(SHOWN)
    ).all()
    if not found:
        abort(404)
    kept = [order for order in found if order.status not in {"cancelled", "expired"}]
    return render_template(
        "console/customers/customer.html",
        email=email.lower(),
        orders=found,
        worth_minor=sum(order.total_minor for order in kept),
        shown=SHOWN,
    )
