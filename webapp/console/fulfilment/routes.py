"""The warehouse's pages: what to pick, the pick list, packing with a scanner, the papers, returns that are expected."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from orders.adapters.rds.fulfilment_models import ReturnLine, ReturnRow
from orders.adapters.rds.models import Order
from orders.domain.errors import Refused, Unavailable
from orders.domain.ids import OrderId, order_number, uuid7
from orders.ports import ReturnStatus
from orders.services.ship_order import start_picking
from webapp.console.door import console, requires
from webapp.console.fulfilment import queries
from webapp.console.fulfilment.labels import chosen_label
from webapp.console.fulfilment.parts import parts_of, slips_of
from webapp.console.orders.reading import read_order
from webapp.console.people.audit import record
from webapp.console.permissions import Permission
from webapp.console.warehouses.names import several_places
from webapp.console.wiring import actor, console_wiring, desk
from webapp.extensions import db
from webapp.wiring import wiring


@console.get("/picking")
@requires(Permission.ORDERS_FULFIL)
def picking() -> ResponseReturnValue:
    """What to pick next, and what is being picked."""
    return render_template(
        "console/fulfilment/picking.html",
        waiting=queries.to_pick(db.session()),
        working=queries.in_picking(db.session()),
        batch=queries.BATCH,
        batch_id=uuid7(wiring().clock.now()),
    )


@console.post("/picking")
@requires(Permission.ORDERS_FULFIL)
def start_batch() -> ResponseReturnValue:
    """Begin to pick the chosen orders and show their pick list; what cannot be picked any more is told and left out."""
    chosen = queries.order_ids_of(request.form.getlist("order"))
    batch_id = request.form.get("batch_id", "")[:40]
    begun: list[UUID] = []
    for order_id in chosen:
        command_id = f"console:{batch_id}:{order_id}"[:80]
        try:
            start_picking(desk(), OrderId(str(order_id)), command_id=command_id, actor=actor())
        except (Refused, Unavailable) as refused:
            flash(f"{order_number(str(order_id))} is left out: {refused}")
        else:
            begun.append(order_id)
            record("order.pick", f"order:{order_id}", batch=batch_id)
    db.session.commit()
    if not begun:
        return redirect(url_for("console.picking"))
    return redirect(url_for("console.pick_list", order=begun))


@console.get("/picking/list")
@requires(Permission.ORDERS_FULFIL)
def pick_list() -> ResponseReturnValue:
    """The pick list of a batch: one walk past the shelves of each warehouse, with the slot of each order."""
    ids = [OrderId(str(order_id)) for order_id in queries.order_ids_of(request.args.getlist("order"))]
    places, is_known = _places_to_walk()
    lies = queries.batch_lies(desk(), console_wiring().inventory, ids) if places else {}
    with desk().book.transaction() as tx:
        records = tx.get_orders(ids)
    sections = queries.pick_sections(records, lies, list(places))
    wanted = request.args.get("warehouse", "")
    return render_template(
        "console/fulfilment/pick_list.html",
        sections=[one for one in sections if one.place == wanted] or sections,
        all_sections=sections,
        wanted=wanted,
        ids=ids,
        lies=lies,
        places=places,
        is_known=is_known,
    )


def _places_to_walk() -> tuple[Mapping[str, str], bool]:
    """The warehouses of a shop with several, and whether that could be read: what is to pick is told without it, too."""
    try:
        return several_places(), True
    except Unavailable:
        return {}, False


@console.get("/orders/<uuid:order_id>/pack")
@requires(Permission.ORDERS_FULFIL)
def pack(order_id: UUID) -> ResponseReturnValue:
    """Pack one order: every scanned SKU counts up. Without scripts the same page counts on the server."""
    file = read_order(db.session(), desk(), order_id)
    parts = parts_of(file, request.args.get("warehouse", "")[:40])
    left = parts.pieces
    label = chosen_label(db.session(), order_id, request.args.get("label", "")[:80])
    packed = {sku: min(request.args.get(f"ship:{sku}", 0, type=int), pieces) for sku, pieces in left.items()}
    scanned = request.args.get("scan", "").strip()
    answer, is_good = "", False
    if scanned:
        sku = next((known for known in left if known.lower() == scanned.lower()), None)
        if sku is None:
            answer = f"{scanned} does not belong into this parcel."
        elif packed[sku] >= left[sku]:
            answer = f"All {left[sku]} of {sku} are in already."
        else:
            packed[sku] += 1
            answer, is_good = f"{sku}: {packed[sku]} of {left[sku]}", True
    return render_template(
        "console/fulfilment/pack.html",
        file=file,
        record=file.record,
        left=left,
        parts=parts,
        packed=packed,
        answer=answer,
        is_good=is_good,
        label=label,
        label_id=request.args.get("label", "") if label else "",
        carriers=sorted(console_wiring().carriers),
        command_id=f"console:{uuid7(wiring().clock.now())}",
    )


@console.get("/orders/<uuid:order_id>/slip.pdf")
@requires(Permission.ORDERS_VIEW)
def packing_slip(order_id: UUID) -> ResponseReturnValue:
    """The packing slip of one parcel; else of what is still to ship, on a page for each warehouse where it lies."""
    file = read_order(db.session(), desk(), order_id)
    slips = slips_of(file, request.args.get("shipment", ""), request.args.get("warehouse", ""))
    # Drawn seldom, and fpdf with fontTools is a fifth of what the program imports: not at its start.
    from orders.adapters.papers import order_papers

    return _pdf(
        order_papers.packing_slip(file.record, wiring().settings.shop_name, slips), f"slip-{file.number}"
    )


@console.get("/orders/<uuid:order_id>/invoice.pdf")
@requires(Permission.ORDERS_VIEW)
def invoice(order_id: UUID) -> ResponseReturnValue:
    """The invoice of an order."""
    file = read_order(db.session(), desk(), order_id)
    from orders.adapters.papers import order_papers

    return _pdf(order_papers.invoice(file.record, wiring().settings.shop_name), f"invoice-{file.number}")


def _pdf(content: bytes, name: str) -> Response:
    plain = "".join(letter if letter.isalnum() or letter == "-" else "_" for letter in name)
    return Response(
        content,
        mimetype="application/pdf",
        headers={"Content-Disposition": f'inline; filename="{plain}.pdf"'},
    )


@console.get("/returns")
@requires(Permission.ORDERS_VIEW)
def returns() -> ResponseReturnValue:
    """Returns that wait for a decision or for their parcel, oldest first."""
    statement = (
        select(
            ReturnRow.id, ReturnRow.order_id, ReturnRow.status, ReturnRow.reason, ReturnRow.comment,
            ReturnRow.requested_at, Order.number, Order.name, func.sum(ReturnLine.quantity).label("pieces"),
        )
        .join(Order, Order.id == ReturnRow.order_id)
        .join(ReturnLine, ReturnLine.return_id == ReturnRow.id)
        .where(ReturnRow.status.in_([str(ReturnStatus.REQUESTED), str(ReturnStatus.APPROVED)]))
        .group_by(ReturnRow.id, Order.id)
        .order_by(ReturnRow.requested_at)
        .limit(200)
    )  # fmt: skip
    return render_template("console/fulfilment/returns.html", rows=db.session.execute(statement).all())
