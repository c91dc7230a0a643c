"""The pages where customers take their data with them, or delete it; and the link that stops notifications."""

from __future__ import annotations

import json
from uuid import UUID

from flask import (
    Blueprint,
    Response,
    abort,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from orders import links
from orders.adapters.rds.models import Order
from webapp.account import customers, personal_data, preferences
from webapp.account.attempts import TooManyAttempts
from webapp.account.door import account, open_to_all, signed_in
from webapp.account.forms import DeleteForm
from webapp.account.models import Customer
from webapp.account.sessions import drop_cookie
from webapp.cart.cookie import drop_cart_cookie
from webapp.extensions import csrf, db
from webapp.languages import _
from webapp.rate_limit import limited
from webapp.wiring import wiring

bp = Blueprint("unsubscribe", __name__)


@account.get("/data")
def data() -> ResponseReturnValue:
    """What the shop knows, to take along or to delete."""
    return render_template("account/data.html", form=DeleteForm(formdata=None), customer=signed_in())


@account.post("/data/download")
@limited("download", burst=6, per_seconds=600)
def download_data() -> ResponseReturnValue:
    """Everything as one JSON file."""
    found = personal_data.export(signed_in())
    response = Response(json.dumps(found, indent=2, ensure_ascii=False), mimetype="application/json")
    response.headers["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return response


@account.post("/data/delete")
@limited("account", burst=40, per_seconds=60)
def delete_data() -> ResponseReturnValue:
    """Delete the account, against the password."""
    form, customer, status = DeleteForm(), signed_in(), 422
    if form.validate_on_submit():
        try:
            if customers.confirm_password(customer, form.current.data):
                return _deleted(customer)
            form.current.errors = [_("This is not your present password.")]
        except TooManyAttempts as refused:
            db.session.rollback()
            form.current.errors, status = [str(refused)], 429
    return render_template("account/data.html", form=form, customer=customer), status


def _deleted(customer: Customer) -> ResponseReturnValue:
    personal_data.delete_customer(customer)
    db.session.commit()
    session.clear()
    response = redirect(url_for("account.goodbye"), 303)
    drop_cookie(response)
    drop_cart_cookie(response)  # type: ignore[arg-type]
    response.headers["Clear-Site-Data"] = '"cache", "cookies"'
    return response


@account.get("/goodbye")
@open_to_all
def goodbye() -> ResponseReturnValue:
    """The account is gone."""
    return render_template("account/goodbye.html")


# A mail program posts to it without a cookie or a token (RFC 8058, one-click); the link's signature is the permission.
@bp.route("/unsubscribe/<token>", methods=["GET", "POST"])
@csrf.exempt  # type: ignore[untyped-decorator]
@limited("unsubscribe", burst=20, per_seconds=60)
def unsubscribe(token: str) -> ResponseReturnValue:
    """Stop or resume e-mails about the orders of the address that a letter went to."""
    order_id = links.read_unsubscribe(token, links.keys_of(wiring().settings)) if len(token) <= 64 else None
    email = db.session.scalar(select(Order.email).where(Order.id == UUID(order_id))) if order_id else None
    if not email:
        abort(404, _("This link does not belong to an order that we know."))
    if request.method == "POST":
        preferences.choose(email, email="resume" in request.form)
        db.session.commit()
    wants_email = preferences.wanted(email)["email"]
    db.session.rollback()
    page = render_template("account/unsubscribe.html", email=email, wants_email=wants_email)
    response = make_response(page)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
