"""The page of the test bank, where a shopper confirms a payment: it plays an outside company, on the local and dev stages only."""

from __future__ import annotations

from flask import Blueprint, abort, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from orders.adapters.payments.test_provider import TestPaymentProvider
from orders.domain.errors import NotFound
from webapp.rate_limit import limited
from webapp.wiring import wiring

bp = Blueprint("test_bank", __name__)


@bp.route("/bank/<reference>", methods=["GET", "POST"])
@limited("bank", burst=30, per_seconds=60)
def challenge(reference: str) -> Response:
    """Ask the shopper; the answer goes into the bank's own books, and the shop asks the bank, not the browser."""
    bank = wiring().payments
    if not isinstance(bank, TestPaymentProvider):
        abort(404)
    try:
        asked = bank.challenge(reference[:40])
    except NotFound:
        abort(404, "The test bank knows no such payment.")
    if request.method == "POST":
        bank.answer_challenge(asked.reference, is_confirmed=request.form.get("answer") == "approve")
        return redirect(asked.return_url, 303)
    return make_response(
        render_template(
            "bank/challenge.html",
            amount_minor=asked.amount_minor if asked.is_open else None,
            currency=asked.currency,
            return_url=asked.return_url,
        )
    )
