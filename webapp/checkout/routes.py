"""Order path 1/9: the click that places the order, and the pages between the click and the answer.

The steps before it, with the same blueprint, are in steps.py.
"""

from __future__ import annotations

import logging
from uuid import UUID

from flask import abort, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from orders.domain.coupon import CouponRefused
from orders.domain.errors import InvalidRequest, VersionConflict
from webapp.cart.cookie import read_cart_id
from webapp.cart.queries import CartView
from webapp.cart.routes import current_cart
from webapp.checkout import mending, placing, queries, store
from webapp.checkout.forms import PlaceForm
from webapp.checkout.models import IN_FLIGHT, Checkout, CheckoutStatus
from webapp.checkout.pages import cart_and_checkout, first_undone, onwards, page, without_cart
from webapp.checkout.payment import HOSTED
from webapp.checkout.steps import bp
from webapp.errors import wants_json
from webapp.extensions import db
from webapp.languages import _, current_language
from webapp.rate_limit import limited
from webapp.refusal_words import refusal_words
from webapp.wiring import wiring

log = logging.getLogger(__name__)


@bp.post("/place")
@limited("place", burst=20, per_seconds=120)
def place() -> Response | tuple[str, int]:
    """Place the order: once, however often and from however many windows it is asked."""
    checkout_id = _uuid(request.form.get("checkout_id"))
    if checkout_id is None:
        return without_cart()
    cart, checkout = cart_and_checkout(checkout_id, fresh=True)
    if cart is None:
        return without_cart()
    if checkout is None or checkout.status == CheckoutStatus.ABANDONED:
        db.session.rollback()
        return redirect(url_for("cart.show"), 303)
    if checkout.status != CheckoutStatus.OPEN:
        db.session.rollback()
        return onwards(checkout)
    if not cart.can_check_out or checkout.refusals or first_undone(checkout) != "review":
        db.session.rollback()
        return redirect(url_for("checkout.start"), 303)
    now = wiring().clock.now()
    told = queries.refresh_lines(checkout, cart, now)
    if told or request.form.get("version") != str(checkout.version):
        db.session.rollback()
        told = told or [_("The order was changed in another window. This is how it is now.")]
        return page("review", checkout, told, PlaceForm()), 409
    _speak(checkout)
    try:
        placed = placing.place(checkout, wiring(), now)
    except CouponRefused as refused:
        return _without_coupon(checkout_id, cart, refused)
    except (InvalidRequest, VersionConflict) as error:
        db.session.rollback()
        checkout = store.get(checkout_id)
        if checkout.status != CheckoutStatus.OPEN:
            return onwards(checkout)  # A second click at the same moment: the first one is at it.
        return page("review", checkout, [_sentence(error)], PlaceForm()), 409
    return onwards(placed)


def _speak(checkout: Checkout) -> None:
    """The order speaks the language of its click, and so do its letters, whatever the first step was filled in in."""
    spoken = current_language().code
    if checkout.contact.get("locale") != spoken:
        checkout.contact = {**checkout.contact, "locale": spoken}


def _without_coupon(checkout_id: UUID, cart: CartView, refused: CouponRefused) -> tuple[str, int]:
    """Somebody else's order took the last use between the look and the click: show the order as it costs now."""
    db.session.rollback()
    log.info("coupon_refused", extra={"order_id": str(checkout_id), "reason": str(refused.problem)})
    checkout = store.get(checkout_id)
    told = queries.refresh_lines(checkout, cart, wiring().clock.now())
    told = told or [_("The coupon %(code)s does not count any more.", code=refused.coupon_code)]
    return page("review", checkout, told, PlaceForm()), 409


@bp.get("/checking/<uuid:checkout_id>")
def checking(checkout_id: UUID) -> Response:
    """The page between the click and the answer: it goes on by itself, and never charges twice."""
    cart_id = read_cart_id(request)
    checkout = store.find_of_cart(checkout_id, cart_id) if cart_id else None
    if checkout is None:
        abort(404, _("This order is not open in this browser."))
    db.session.commit()
    if checkout.status in IN_FLIGHT:
        checkout = placing.advance(checkout_id, wiring())
    if checkout.status in IN_FLIGHT:
        if wants_json():
            return jsonify(location=None, is_challenged=checkout.status == CheckoutStatus.CHALLENGED)
        return make_response(
            render_template(
                "checkout/checking.html", checkout=checkout, is_hosted=checkout.payment_token == HOSTED
            )
        )
    response = onwards(checkout)
    return jsonify(location=response.location) if wants_json() else response


@bp.post("/other-card/<uuid:checkout_id>")
@limited("place", burst=20, per_seconds=120)
def other_card(checkout_id: UUID) -> Response:
    """Leave the bank's question unanswered and pay in another way."""
    cart_id = read_cart_id(request)
    checkout = store.find_of_cart(checkout_id, cart_id) if cart_id else None
    if checkout is None:
        abort(404, _("This order is not open in this browser."))
    db.session.commit()
    if checkout.status == CheckoutStatus.CHALLENGED:
        placing.give_up_challenge(checkout_id, wiring())
        checkout = store.get(checkout_id)
    return onwards(checkout)


@bp.get("/return")
def back_from_bank() -> Response:
    """Where the bank's page sends the shopper back to; what it decided is asked of the provider, not read from the address."""
    cart_id = read_cart_id(request)
    checkout = store.find_latest(cart_id) if cart_id else None
    if checkout is None:
        return redirect(url_for("cart.show"), 303)
    db.session.commit()
    if checkout.status in IN_FLIGHT:
        checkout = placing.advance(checkout.id, wiring())
    if checkout.status == CheckoutStatus.CHALLENGED:
        # Not answered yet: our own page offers the bank again, and another way to pay.
        return redirect(url_for("checkout.checking", checkout_id=checkout.id), 303)
    return onwards(checkout)


@bp.post("/mend")
def mend() -> Response:
    """Change the cart so that it can be had, as the refusal offered, and look at the order again."""
    cart = current_cart(lock=True)
    checkout = store.find_unfinished(cart.id) if cart else None
    if cart is None or checkout is None or checkout.status != CheckoutStatus.OPEN:
        db.session.rollback()
        return redirect(url_for("cart.show"), 303)
    mending.mend(cart, checkout.refusals, wiring().clock.now())
    checkout.refusals, checkout.notice = [], ""
    store.keep(checkout, wiring().clock.now())
    return redirect(url_for("checkout.review" if cart.lines else "cart.show"), 303)


def _sentence(error: InvalidRequest | VersionConflict) -> str:
    said = refusal_words(error)
    return said if said.endswith(".") else f"{said.capitalize()}."


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
