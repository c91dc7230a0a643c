"""The overview, the order history, and an order's page for its owner."""

from __future__ import annotations

from uuid import UUID

from flask import abort, render_template, request
from flask.typing import ResponseReturnValue

from orders import links
from orders.domain.ids import OrderId, is_order_id
from webapp.account import address_book, history
from webapp.account.door import account, signed_in
from webapp.account.order_access import is_owner
from webapp.tracking.routes import order_page
from webapp.wiring import wiring

LATEST = 3


@account.get("/")
def overview() -> ResponseReturnValue:
    """The latest orders, and the ways to everything else."""
    customer = signed_in()
    return render_template(
        "account/overview.html",
        customer=customer,
        orders=history.find_orders(customer.id, size=LATEST).rows[:LATEST],
        address_count=address_book.count(customer.id),
    )


@account.get("/orders")
def orders() -> ResponseReturnValue:
    """Every order of the customer, a page at a time."""
    query = request.args.get("q", "")[: history.LONGEST_QUERY]
    after = request.args.get("after", "")[:100]
    page = history.find_orders(signed_in().id, query=query, after=after)
    return render_template("account/orders.html", page=page, query=query, is_first=not after)


@account.get("/orders/<uuid:order_id>")
def order(order_id: UUID) -> ResponseReturnValue:
    """One order: the same page as by link, for its owner alone. Another's answers as one that is not there."""
    wanted = OrderId(str(order_id))
    if not is_order_id(wanted) or not is_owner(wanted, signed_in().id):
        abort(404)
    return order_page(wanted, links.sign(wanted, links.keys_of(wiring().settings)))
