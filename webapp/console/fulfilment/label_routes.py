"""Labels in the console: made while packing, printed as PDF."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from flask import Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from orders.adapters.rds.label_models import LabelRow
from webapp.console.door import console, current_staff, requires
from webapp.console.fulfilment.labels import buy_label
from webapp.console.fulfilment.parts import chosen_place
from webapp.console.orders.reading import read_order
from webapp.console.people.audit import record
from webapp.console.permissions import Permission
from webapp.console.warehouses.names import place_name
from webapp.console.wiring import console_wiring, desk
from webapp.extensions import db
from webapp.wiring import wiring


@console.post("/orders/<uuid:order_id>/label")
@requires(Permission.ORDERS_FULFIL)
def make_label(order_id: UUID) -> ResponseReturnValue:
    """Have the carrier make the label of the parcel that is being packed; the packing goes on with its number filled in."""
    carriers = console_wiring().carriers
    carrier = carriers.get(request.form.get("label_from", "")) or abort(
        422, "Choose a carrier that makes labels."
    )
    command_id = request.form.get("command_id", "")[:70]
    if not command_id.startswith("console:"):
        abort(400, "The form is incomplete; open it again.")
    said = request.form.get("warehouse", "")[:40]
    place = chosen_place(said)
    file = read_order(db.session(), desk(), order_id)
    label = buy_label(
        db.session(),
        carrier,
        file.record,
        label_id=f"label:{command_id}",
        sender=f"{wiring().settings.shop_name}, {place_name(place)}"
        if place
        else wiring().settings.shop_name,
        by=current_staff().email,
        now=wiring().clock.now(),
    )
    record("label.made", f"order:{order_id}", carrier=label.carrier, tracking_number=label.tracking_number)
    db.session.commit()
    flash(f"The label {label.tracking_number} is ready to print.")
    packed = [(name, value) for name, value in request.form.items() if name.startswith("ship:")]
    packed += [("warehouse", said)] if said else []
    return redirect(
        f"{url_for('console.pack', order_id=order_id)}?{urlencode([('label', label.id), *packed])}"
    )


@console.get("/labels/<path:label_id>.pdf")
@requires(Permission.ORDERS_FULFIL)
def label(label_id: str) -> ResponseReturnValue:
    """A label, to print."""
    row = db.session.get(LabelRow, label_id[:80]) or abort(404)
    name = f'inline; filename="label-{row.tracking_number}.pdf"'
    return Response(row.document, mimetype="application/pdf", headers={"Content-Disposition": name})
