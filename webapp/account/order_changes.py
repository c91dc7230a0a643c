"""What a shopper changes of an order until we start to pack: cancelled, sent elsewhere, fewer pieces, taken into an account.

A guest's order is changed by whoever holds its signed link; a customer's order by its owner alone, signed in, because
links are forwarded. The book decides by the state machine; the command's id makes a second click the same click.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from orders.adapters.rds.models import Order
from orders.domain.errors import InvalidRequest, Problem, TransitionRefused, VersionConflict
from orders.domain.ids import OrderId, Sku
from orders.domain.request import Address
from orders.ports import OrderRecord
from orders.services.cancel_order import cancel_order
from orders.services.change_address import change_address
from orders.services.edit_order import difference_minor, edit_order
from webapp.account.door import signed_in
from webapp.account.forms import ButtonForm, OrderAddressForm
from webapp.account.order_access import actions_for, changeable, claim, keep_private, opened, shopper
from webapp.account.sessions import current_customer_id
from webapp.account.wiring import desk
from webapp.extensions import db
from webapp.languages import _, _l, ngettext
from webapp.rate_limit import limited

bp = Blueprint("order_changes", __name__, url_prefix="/orders/<token>")
bp.after_request(keep_private)

_TOO_LATE = _l(
    "We have started to pack this order: it is too late to change it here. Answer our e-mail, and we see what we can do."
)


@bp.route("/cancel", methods=["GET", "POST"])
@limited("order-change", burst=20, per_seconds=60)
def cancel(token: str) -> ResponseReturnValue:
    """Ask whether it is meant, then cancel."""
    order = changeable(token)
    if not actions_for(order).can_cancel:
        return _too_late(token)
    form = ButtonForm()
    if not form.validate_on_submit():
        return render_template("account/cancel_order.html", form=form, token=token, order=order)
    db.session.commit()  # No connection is held while the desk works on its own.
    try:
        cancel_order(
            desk(),
            _id(order),
            command_id=f"shopper-cancel:{order.id}:v{order.version}",
            actor=shopper(),
            reason="cancelled by the shopper",
        )
    except TransitionRefused:
        return _too_late(token)
    flash(_("Your order is cancelled. What was reserved or paid goes back to you."), "success")
    return redirect(url_for("tracking.order", token=token), 303)


@bp.route("/address", methods=["GET", "POST"])
@limited("order-change", burst=20, per_seconds=60)
def address(token: str) -> ResponseReturnValue:
    """Another address in the same country."""
    order = changeable(token)
    if not actions_for(order).can_change_address:
        return _too_late(token)
    form = OrderAddressForm(data={**order.shipping_address, "version": str(order.version)})
    form.country.data = country = order.shipping_address["country"]
    if not form.validate_on_submit():
        status = 422 if form.is_submitted() else 200
        return render_template("account/order_address.html", form=form, token=token, order=order), status
    db.session.commit()
    seen = form.version.data if (form.version.data or "").isdecimal() else "0"
    try:
        change_address(
            desk(),
            _id(order),
            Address(**{**form.address(), "country": country}),
            command_id=f"shopper-address:{order.id}:v{int(seen)}"[:80],
            actor=shopper(),
            expected_version=int(seen),
        )
    except VersionConflict:
        flash(
            _("Something happened to your order meanwhile. This is how it is now; please look again."),
            "notice",
        )
        return redirect(url_for("order_changes.address", token=token), 303)
    except (TransitionRefused, InvalidRequest):
        return _too_late(token)
    flash(_("Your order goes to the new address."), "success")
    return redirect(url_for("tracking.order", token=token), 303)


@bp.route("/quantities", methods=["GET", "POST"])
@limited("order-change", burst=20, per_seconds=60)
def quantities(token: str) -> ResponseReturnValue:
    """Fewer pieces: typed, shown with the money that comes off, then meant."""
    order = changeable(token)
    if not actions_for(order).can_change_quantity:
        return _too_late(token)
    record = _recorded(order)
    present = {
        line.sku: line.quantity - record.counts_of(line.sku).cancelled for line in record.request.lines
    }
    form, problem, comes_off = ButtonForm(), "", None
    wanted, seen = dict(present), record.state.version
    if form.validate_on_submit():
        wanted = {sku: _pieces(request.form.get(f"quantity:{sku}"), has) for sku, has in present.items()}
        seen = _pieces(request.form.get("version"), 0)
        try:
            if "confirmed" in request.form:
                return _edited(token, order, wanted, seen)
            comes_off = difference_minor(record, wanted)
        except InvalidRequest as error:
            problem = _said(error.problems[0], present, wanted)
        except VersionConflict:
            flash(_("Something happened to your order meanwhile. This is how it is now."), "notice")
            return redirect(url_for("order_changes.quantities", token=token), 303)
        except TransitionRefused:
            return _too_late(token)
    page = render_template(
        "account/order_quantities.html",
        form=form, token=token, order=order, record=record, present=present, wanted=wanted, version=seen,
        problem=problem, comes_off=comes_off,
    )  # fmt: skip
    return page, 422 if problem else 200


def _recorded(order: Order) -> OrderRecord:
    """The order as the book has it; 404 where it has none."""
    db.session.commit()  # No connection is held while the desk works on its own.
    with desk().book.transaction() as tx:
        record = tx.get_order(_id(order))
    if record is None:
        abort(404)
    return record


def _edited(token: str, order: Order, wanted: Mapping[Sku, int], seen: int) -> ResponseReturnValue:
    """Change the order once, however often this is sent. Raises what `edit_order` raises."""
    edit_order(
        desk(),
        _id(order),
        wanted,
        command_id=f"shopper-quantity:{order.id}:v{seen}"[:80],
        actor=shopper(),
        reason="changed by the shopper",
        expected_version=seen,
    )
    flash(_("Your order is changed; the difference is not charged, or goes back to you."), "success")
    return redirect(url_for("tracking.order", token=token), 303)


def _said(problem: Problem, present: Mapping[Sku, int], wanted: Mapping[Sku, int]) -> str:
    """What is wrong with the wanted quantities, in the shopper's words."""
    has = present.get(Sku(problem.pointer.removeprefix("/lines/")))
    if has is not None:
        return ngettext(
            "The order has %(num)s piece; choose fewer, or order anew.",
            "The order has %(num)s pieces; choose fewer, or order anew.",
            has,
        )
    if dict(wanted) == dict(present):
        return _("Nothing is changed.")
    return _("Nothing would be left: cancel the order.")


def _pieces(typed: str | None, otherwise: int) -> int:
    """A typed count; what is no number changes nothing."""
    return int(typed) if typed is not None and typed.isdecimal() and len(typed) < 7 else otherwise


@bp.post("/claim")
@limited("order-change", burst=20, per_seconds=60)
def claim_order(token: str) -> ResponseReturnValue:
    """Take a guest's order into the account of its proven address."""
    order_id = opened(token)
    if not current_customer_id() or not claim(signed_in(), order_id):
        db.session.rollback()
        abort(403, _("This order was placed with another e-mail address than your account's."))
    db.session.commit()
    flash(_("The order is in your account."), "success")
    return redirect(url_for("account.order", order_id=UUID(order_id)), 303)


def _too_late(token: str) -> ResponseReturnValue:
    db.session.rollback()
    flash(str(_TOO_LATE), "error")
    return redirect(url_for("tracking.order", token=token), 303)


def _id(order: Order) -> OrderId:
    return OrderId(str(order.id))
