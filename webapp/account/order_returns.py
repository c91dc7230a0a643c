"""A shopper asks to send something back; staff decide, and the order's page and the letters tell what became of it.

Who may ask is who may change the order (order_access.changeable). The return's id is made from the version that the form
was shown with, so that a second click asks for nothing more.
"""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from orders.domain.errors import InvalidRequest, Problem, TransitionRefused, VersionConflict
from orders.domain.ids import OrderId, Sku
from orders.services.return_order import request_return, returnable
from webapp.account.forms import ButtonForm
from webapp.account.order_access import changeable, keep_private, shopper
from webapp.account.wiring import desk
from webapp.extensions import db
from webapp.rate_limit import limited

bp = Blueprint("order_returns", __name__, url_prefix="/orders/<token>")
bp.after_request(keep_private)

LONGEST_COMMENT = 500
WORDS = {
    "changed_mind": "I changed my mind",
    "damaged": "It is damaged or does not work",
    "wrong_item": "It is not what I ordered",
    "not_as_described": "It is not as described",
    "arrived_late": "It came too late",
    "other": "Something else",
}
_NOTHING_TO_RETURN = (
    "There is nothing of this order that can be sent back now. If you think otherwise, answer our e-mail."
)


@bp.route("/return", methods=["GET", "POST"])
@limited("order-change", burst=20, per_seconds=60)
def ask(token: str) -> ResponseReturnValue:
    """Which pieces, and why."""
    order = changeable(token)
    order_id = OrderId(str(order.id))
    db.session.commit()  # No connection is held while the desk works on its own.
    with desk().book.transaction() as tx:
        record = tx.get_order(order_id)
        left = returnable(record, tx.returns(order_id)) if record else {}
    form, problem = ButtonForm(), ""
    seen = request.form.get("version", "") if request.method == "POST" else str(order.version)
    wanted = {sku: request.form.get(f"return:{sku}", "0").strip() for sku in left}
    if form.validate_on_submit() and seen.isdecimal() and len(seen) < 10:
        try:
            request_return(
                desk(),
                order_id,
                _pieces(),
                return_id=f"shopper-return:{order.id}:v{int(seen)}",
                actor=shopper(),
                reason=_reason(),
                comment=request.form.get("comment", "").strip()[:LONGEST_COMMENT],
                expected_version=int(seen),
            )
        except InvalidRequest as error:
            problem = error.problems[0].detail
        except VersionConflict:
            flash("Something happened to your order meanwhile. Please look again.", "notice")
            return redirect(url_for("order_returns.ask", token=token), 303)
        except TransitionRefused:
            return _nothing(token)
        else:
            flash("We have your request, and write to you as soon as we have looked at it.", "success")
            return redirect(url_for("tracking.order", token=token), 303)
    if not left:
        return _nothing(token)
    page = render_template(
        "account/order_return.html",
        form=form, token=token, order=order, record=record, left=left, wanted=wanted, version=seen, problem=problem,
        reasons=WORDS, reason=request.form.get("reason", ""), comment=request.form.get("comment", ""),
        longest=LONGEST_COMMENT,
    )  # fmt: skip
    return page, 422 if problem else 200


def _pieces() -> dict[Sku, int]:
    """What was typed, without lines of none. Raises InvalidRequest for what is no number."""
    wanted = {}
    for name, typed in request.form.items():
        if name.startswith("return:") and typed.strip() not in {"", "0"}:
            if not typed.strip().isdecimal() or len(typed) > 6:
                raise InvalidRequest([Problem("/lines", "type how many pieces as a number")])
            wanted[Sku(name.removeprefix("return:"))] = int(typed)
    return wanted


def _reason() -> str:
    given = request.form.get("reason", "")
    if given not in WORDS:
        raise InvalidRequest([Problem("/reason", "say why, so that we can put it right")])
    return given


def _nothing(token: str) -> ResponseReturnValue:
    flash(_NOTHING_TO_RETURN, "error")
    return redirect(url_for("tracking.order", token=token), 303)
