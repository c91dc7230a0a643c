"""The pages of the address book."""

from __future__ import annotations

from uuid import UUID

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from webapp.account import address_book
from webapp.account.door import account, signed_in
from webapp.account.forms import SavedAddressForm
from webapp.checkout.quote import default_country
from webapp.extensions import db
from webapp.languages import _
from webapp.rate_limit import limited
from webapp.wiring import wiring


@account.get("/addresses")
def addresses() -> ResponseReturnValue:
    """Every address of the book."""
    return render_template(
        "account/addresses.html",
        addresses=address_book.all_of(signed_in().id),
    )


@account.route("/addresses/new", methods=["GET", "POST"])
@limited("account", burst=40, per_seconds=60)
def new_address() -> ResponseReturnValue:
    """Add an address."""
    customer = signed_in()
    form = SavedAddressForm(data={"country": default_country(wiring().settings), "name": customer.name})
    if form.validate_on_submit():
        try:
            address_book.save(customer.id, form.address(), is_default=bool(form.is_default.data))
        except address_book.BookFull as refused:
            db.session.rollback()
            flash(str(refused), "error")
        else:
            db.session.commit()
            flash(_("The address is in your book."), "success")
        return redirect(url_for("account.addresses"), 303)
    return _page(form, _("A new address"))


@account.route("/addresses/<uuid:address_id>", methods=["GET", "POST"])
@limited("account", burst=40, per_seconds=60)
def address(address_id: UUID) -> ResponseReturnValue:
    """Change an address of one's own."""
    saved = address_book.find(signed_in().id, address_id)
    form = SavedAddressForm(data={**saved.address, "is_default": saved.is_default})
    if form.validate_on_submit():
        address_book.change(saved, form.address(), is_default=bool(form.is_default.data))
        db.session.commit()
        flash(_("The address is changed."), "success")
        return redirect(url_for("account.addresses"), 303)
    return _page(form, _("Change the address"))


@account.post("/addresses/<uuid:address_id>/delete")
@limited("account", burst=40, per_seconds=60)
def delete_address(address_id: UUID) -> ResponseReturnValue:
    """Take an address of one's own out of the book."""
    address_book.remove(signed_in().id, address_id)
    db.session.commit()
    flash(_("The address is deleted."), "success")
    return redirect(url_for("account.addresses"), 303)


def _page(form: SavedAddressForm, title: str) -> ResponseReturnValue:
    return render_template(
        "account/address.html", form=form, title=title
    ), 422 if form.is_submitted() else 200
