"""A shopper asks to send something back; staff decide, and the order's page and the letters tell what became of it.

Who may ask is who may change the order (order_access.changeable). The return's id is made from the version that the form
was shown with, so that a second click asks for nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from orders.domain.errors import InvalidRequest, TransitionRefused, VersionConflict
from orders.domain.ids import OrderId, Sku
from orders.services.return_order import request_return, returnable
from webapp.account.forms import ButtonForm
from webapp.account.order_access import changeable, keep_private, shopper
from webapp.account.wiring import desk
from webapp.extensions import db
from webapp.languages import _, _l, ngettext
from webapp.rate_limit import limited

bp = Blueprint("order_returns", __name__, url_prefix="/orders/<token>")
bp.after_request(keep_private)

LONGEST_COMMENT = 500
_LINE = "return:"
"""What the fields of the lines are called before their SKU."""
WORDS = {
    "changed_mind": _l("I changed my mind"),
    "damaged": _l("It is damaged or does not work"),
    "wrong_item": _l("It is not what I ordered"),
    "not_as_described": _l("It is not as described"),
    "arrived_late": _l("It came too late"),
    "other": _l("Something else"),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What was typed into the form, as it was typed."""

    version: str
    """Of the order, when the form was shown."""
    lines: Mapping[str, str] = field(default_factory=dict)
    """By SKU."""
    reason: str = ""
    comment: str = ""

    @property
    def asked(self) -> dict[Sku, int]:
        """The pieces to send back, without lines of none. Only where `mistakes` finds none."""
        return {Sku(sku): int(typed) for sku, typed in self.lines.items() if not _is_none(typed)}

    def return_id(self, order_id: OrderId) -> str:
        """The same for the same form, however often it is sent."""
        return f"shopper-return:{order_id}:v{int(self.version)}"

    def mistakes(self, left: Mapping[Sku, int]) -> dict[str, str]:
        """What is wrong with it, by field: a SKU, `lines` for all of them, or `reason`. `left` can still be sent back."""
        wrong = {
            sku: said for sku, typed in self.lines.items() if (said := _mistake(typed, left.get(Sku(sku), 0)))
        }
        if all(_is_none(typed) for typed in self.lines.values()):
            wrong["lines"] = _("Choose at least one piece.")
        if self.reason not in WORDS:
            wrong["reason"] = _("Say why, so that we can put it right.")
        return wrong


@bp.route("/return", methods=["GET", "POST"])
@limited("order-change", burst=20, per_seconds=60)
def ask(token: str) -> ResponseReturnValue:
    """Which pieces, and why."""
    order = changeable(token)
    order_id = OrderId(str(order.id))
    db.session.commit()  # No connection is held while the desk works on its own.
    with desk().book.transaction() as tx:
        record = tx.get_order(order_id)
        known = tx.returns(order_id)
    left = returnable(record, known) if record else {}
    form, wrong = ButtonForm(), {}
    wish = _typed() if form.is_submitted() else Wish(str(order.version), _one_piece(left))
    if form.validate_on_submit():
        if not _is_version(wish.version):
            return _changed_meanwhile(token)
        if any(each.id == wish.return_id(order_id) for each in known):
            return _asked(token)
        wrong = wish.mistakes(left)
        if not wrong:
            return _request(token, order_id, wish)
    if not left:
        return _nothing(token)
    page = {"token": token, "order": order, "record": record, "left": left, "form": form}
    return _page(wish, wrong, page), 422 if wrong else 200


def _request(token: str, order_id: OrderId, wish: Wish) -> ResponseReturnValue:
    try:
        request_return(
            desk(),
            order_id,
            wish.asked,
            return_id=wish.return_id(order_id),
            actor=shopper(),
            reason=wish.reason,
            comment=wish.comment.strip()[:LONGEST_COMMENT],
            expected_version=int(wish.version),
        )
    except (VersionConflict, InvalidRequest):
        # The wish was right a moment ago: another window was quicker.
        return _changed_meanwhile(token)
    except TransitionRefused:
        return _nothing(token)
    return _asked(token)


def _typed() -> Wish:
    form = request.form
    lines = {name.removeprefix(_LINE): typed for name, typed in form.items() if name.startswith(_LINE)}
    return Wish(form.get("version", ""), lines, form.get("reason", ""), form.get("comment", ""))


def _one_piece(left: Mapping[Sku, int]) -> dict[str, str]:
    """What the form begins with: when there is one piece only, that one."""
    return dict.fromkeys(left, "1") if sum(left.values()) == 1 else {}


def _page(wish: Wish, wrong: Mapping[str, str], page: Mapping[str, Any]) -> str:
    return render_template(
        "account/order_return.html", **page, wish=wish, wrong=wrong, reasons=WORDS, longest=LONGEST_COMMENT
    )


def _mistake(typed: str, left: int) -> str:
    if _is_none(typed):
        return ""
    if not typed.strip().isdecimal() or len(typed) > 6:
        return _("Type how many pieces as a number.")
    if int(typed) <= left:
        return ""
    return ngettext(
        "%(num)s piece can be sent back, not %(typed)s.",
        "%(num)s pieces can be sent back, not %(typed)s.",
        left,
        typed=int(typed),
    )


def _is_none(typed: str) -> bool:
    return typed.strip() in {"", "0"}


def _is_version(seen: str) -> bool:
    return seen.isdecimal() and len(seen) < 10


def _asked(token: str) -> ResponseReturnValue:
    flash(_("We have your request, and write to you as soon as we have looked at it."), "success")
    return redirect(url_for("tracking.order", token=token), 303)


def _changed_meanwhile(token: str) -> ResponseReturnValue:
    flash(_("Something happened to your order meanwhile. Please look again."), "notice")
    return redirect(url_for("order_returns.ask", token=token), 303)


def _nothing(token: str) -> ResponseReturnValue:
    flash(
        _(
            "There is nothing of this order that can be sent back now. If you think otherwise, answer our e-mail."
        ),
        "error",
    )
    return redirect(url_for("tracking.order", token=token), 303)
