"""The order list's pages: search, saved views, export."""

from __future__ import annotations

from urllib.parse import parse_qsl
from uuid import UUID

from flask import abort, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from orders.domain.order import FulfilmentStatus, OrderStatus, PaymentStatus
from webapp.console.door import console, current_staff, requires
from webapp.console.jobs.bulk_routes import bulk_menu
from webapp.console.orders import queries, views
from webapp.console.orders.search import ASIDES, COLUMNS, PAGE_SIZES, SORTS, Cursor, OrderSearch, columns_of
from webapp.console.permissions import Permission
from webapp.console.shop_time import shop_zone
from webapp.extensions import db
from webapp.wiring import wiring

_COLUMNS_CHOSEN = "console_columns"


@console.get("/orders")
@requires(Permission.ORDERS_VIEW)
def orders() -> ResponseReturnValue:
    """The order list."""
    search = OrderSearch.parse(request.args, shop_zone())
    if given := request.args.getlist("col"):
        session[_COLUMNS_CHOSEN] = list(columns_of(given))
    size = request.args.get("size", type=int)
    page = queries.find_orders(
        db.session(),
        search,
        Cursor.decode(request.args.get("at")),
        size if size in PAGE_SIZES else PAGE_SIZES[1],
    )
    return render_template(
        "console/orders/list.html",
        search=search,
        page=page,
        columns=columns_of(session.get(_COLUMNS_CHOSEN, [])),
        all_columns=COLUMNS,
        asides=ASIDES,
        sorts=SORTS,
        statuses={"status": OrderStatus, "payment": PaymentStatus, "fulfilment": FulfilmentStatus},
        deliveries=queries.shipping_codes(db.session()),
        built_in=views.BUILT_IN,
        saved=views.views_for(db.session(), current_staff()),
        count_to=queries.COUNT_TO,
        bulk_actions=bulk_menu(),
    )


@console.post("/orders/views")
@requires(Permission.ORDERS_VIEW)
def save_view() -> ResponseReturnValue:
    """Keep the search under a name."""
    name = " ".join(request.form.get("name", "").split())[:60] or abort(422, "Give the view a name.")
    search = OrderSearch.parse(_pairs(request.form.get("query", "")))
    views.save_view(
        db.session(),
        current_staff(),
        name=name,
        query=search.query(),
        is_shared="is_shared" in request.form,
        now=wiring().clock.now(),
    )
    db.session.commit()
    flash(f"The view “{name}” is saved.")
    return redirect(f"{url_for('console.orders')}?{search.query()}")


@console.post("/orders/views/<uuid:view_id>/remove")
@requires(Permission.ORDERS_VIEW)
def remove_view(view_id: UUID) -> ResponseReturnValue:
    """Remove one of one's own views."""
    if not views.remove_view(db.session(), current_staff(), view_id):
        abort(404)
    db.session.commit()
    return redirect(url_for("console.orders"))


def _pairs(query: str) -> MultiDict[str, str]:
    return MultiDict(parse_qsl(query[:2000]))
