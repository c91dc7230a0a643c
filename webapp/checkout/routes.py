"""Order path 1/9: the checkout's pages: details, delivery, payment, review, and the click that places the order."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from orders import links
from orders.domain.coupon import CouponRefused
from orders.domain.errors import InvalidRequest, VersionConflict
from orders.domain.ids import OrderId
from webapp.account import prefill
from webapp.account.sessions import current_customer_id
from webapp.cart.cookie import read_cart_id
from webapp.cart.queries import CartView, view_cart
from webapp.cart.routes import current_cart
from webapp.checkout import mending, placing, queries
from webapp.checkout.coupons import Weighed, value_of, weigh
from webapp.checkout.forms import CardForm, DeliveryForm, DetailsForm, HostedForm, PlaceForm
from webapp.checkout.models import IN_FLIGHT, Checkout, CheckoutStatus
from webapp.checkout.payment import HOSTED, test_cards, tokenise
from webapp.checkout.quote import Quote, default_country, quote
from webapp.errors import wants_json
from webapp.extensions import db
from webapp.rate_limit import limited
from webapp.wiring import wiring

log = logging.getLogger(__name__)
bp = Blueprint("checkout", __name__, url_prefix="/checkout")

STEPS = (("details", "Details"), ("delivery", "Delivery"), ("payment", "Payment"), ("review", "Review"))
View = Callable[[Checkout, list[str]], Any]


def step(view: View) -> Callable[[], Any]:
    """Load the visitor's checkout for a step: with today's lines, unless it is being placed, refused or impossible."""

    @wraps(view)
    def loaded() -> Any:
        # Prices and stock are looked at anew where the order is read through and where it is placed; on the way there
        # the short memory of Availability does, which spares three quarters of an order's reads.
        cart = _cart_view(is_fresh=view.__name__ == "review")
        if cart is None or not cart.lines:
            return _without_cart()
        now = wiring().clock.now()
        checkout = queries.find_unfinished(cart.id)
        if checkout is None and cart.can_check_out:
            checkout = queries.open_checkout(cart, current_customer_id(), now)
        if checkout is not None and checkout.status in IN_FLIGHT:
            return redirect(url_for("checkout.checking", checkout_id=checkout.id), 303)
        if checkout is not None and checkout.refusals:
            return _refused_page(checkout)
        if checkout is None or not cart.can_check_out:
            flash("Something in your cart has changed. Please look at it before you pay.", "notice")
            return redirect(url_for("cart.show"), 303)
        return view(checkout, queries.refresh_lines(checkout, cart, now))

    return loaded


@bp.get("/")
@step
def start(checkout: Checkout, told: list[str]) -> Response:
    """The first step that is not done yet."""
    return redirect(url_for(f"checkout.{_first_undone(checkout)}"), 303)


@bp.route("/details", methods=["GET", "POST"])
@limited("checkout", burst=40, per_seconds=60)
@step
def details(checkout: Checkout, told: list[str]) -> Response | str:
    """Step 1: who orders, and where it goes."""
    form = DetailsForm(data=prefill.details(checkout, _typed_details(checkout)))
    if form.validate_on_submit():
        prefill.remember(form)
        queries.save_fields(
            checkout,
            wiring().clock.now(),
            contact=form.contact(),
            shipping_address=form.shipping.form.address(),
            billing_address=form.billing.form.address() if form.has_other_billing.data else {},
        )
        return redirect(url_for("checkout.start"), 303)
    return _page("details", checkout, told, form)


@bp.route("/delivery", methods=["GET", "POST"])
@limited("checkout", burst=40, per_seconds=60)
@step
def delivery(checkout: Checkout, told: list[str]) -> Response | str:
    """Step 2: how it gets there."""
    if not checkout.shipping_address:
        return redirect(url_for("checkout.details"), 303)
    quoted = _quote(checkout)
    form = DeliveryForm(
        data={
            "shipping_code": checkout.shipping_code or (quoted.offers[0].code if quoted.offers else ""),
            "note": checkout.note,
        }
    )
    form.shipping_code.choices = [(offer.code, offer.name) for offer in quoted.offers]
    if form.validate_on_submit():
        queries.save_fields(
            checkout,
            wiring().clock.now(),
            shipping_code=form.shipping_code.data,
            note=form.note.data or "",
        )
        return redirect(url_for("checkout.start"), 303)
    return _page("delivery", checkout, told, form)


@bp.route("/payment", methods=["GET", "POST"])
@limited("payment", burst=15, per_seconds=300)
@step
def payment(checkout: Checkout, told: list[str]) -> Response | str:
    """Step 3: a card becomes the provider's token here, and only that is kept."""
    if _first_undone(checkout) in {"details", "delivery"}:
        return redirect(url_for("checkout.start"), 303)
    now = wiring().clock.now()
    if wiring().settings.payment_provider == "stripe":
        return _hosted_payment(checkout, told)
    form = CardForm(today=now.date(), data={"holder": checkout.contact.get("name", "")})
    if form.validate_on_submit():
        card = tokenise(form.number.data or "")
        queries.save_fields(
            checkout, now, payment_token=card.token, payment_label=card.label, notice="", refusals=[]
        )
        return redirect(url_for("checkout.review"), 303)
    form.forget_card()
    return _page("payment", checkout, told, form)


def _hosted_payment(checkout: Checkout, told: list[str]) -> Response | str:
    """The card is typed on the provider's page, after the last look: here the shopper only learns so."""
    form = HostedForm()
    if form.validate_on_submit():
        queries.save_fields(
            checkout,
            wiring().clock.now(),
            payment_token=HOSTED,
            payment_label="Card, on Stripe's page",
            notice="",
            refusals=[],
        )
        return redirect(url_for("checkout.review"), 303)
    return _page("payment", checkout, told, form, template="payment_hosted")


@bp.get("/review")
@step
def review(checkout: Checkout, told: list[str]) -> Response | str:
    """Step 4: everything once more, with what changed since the last look."""
    undone = _first_undone(checkout)
    if undone != "review":
        return redirect(url_for(f"checkout.{undone}"), 303)
    return _page("review", checkout, told, PlaceForm())


@bp.post("/place")
@limited("place", burst=20, per_seconds=120)
def place() -> Response | tuple[str, int]:
    """Place the order: once, however often and from however many windows it is asked."""
    cart = _cart_view()
    checkout_id = _uuid(request.form.get("checkout_id"))
    if cart is None or checkout_id is None:
        return _without_cart()
    checkout = queries.find_of_cart(checkout_id, cart.id, lock=True)
    if checkout is None or checkout.status == CheckoutStatus.ABANDONED:
        db.session.rollback()
        return redirect(url_for("cart.show"), 303)
    if checkout.status != CheckoutStatus.OPEN:
        db.session.rollback()
        return _onwards(checkout)
    if not cart.can_check_out or checkout.refusals or _first_undone(checkout) != "review":
        db.session.rollback()
        return redirect(url_for("checkout.start"), 303)
    now = wiring().clock.now()
    told = queries.refresh_lines(checkout, cart, now)
    if told or request.form.get("version") != str(checkout.version):
        db.session.rollback()
        told = told or ["The order was changed in another window. This is how it is now."]
        return _page("review", checkout, told, PlaceForm()), 409
    try:
        placing.begin(checkout, wiring(), now)
    except CouponRefused as refused:
        return _without_coupon(checkout_id, cart, refused)
    except (InvalidRequest, VersionConflict) as error:
        db.session.rollback()
        return _page("review", checkout, [_words(error)], PlaceForm()), 409
    return _onwards(placing.advance(checkout_id, wiring()))


def _without_coupon(checkout_id: UUID, cart: CartView, refused: CouponRefused) -> tuple[str, int]:
    """Somebody else's order took the last use between the look and the click: show the order as it costs now."""
    db.session.rollback()
    log.info("coupon_refused", extra={"order_id": str(checkout_id), "reason": str(refused.problem)})
    checkout = db.session.get_one(Checkout, checkout_id, populate_existing=True)
    told = queries.refresh_lines(checkout, cart, wiring().clock.now())
    told = told or [f"The coupon {refused.coupon_code} does not count any more."]
    return _page("review", checkout, told, PlaceForm()), 409


@bp.get("/checking/<uuid:checkout_id>")
def checking(checkout_id: UUID) -> Response:
    """The page between the click and the answer: it goes on by itself, and never charges twice."""
    cart_id = read_cart_id(request)
    checkout = queries.find_of_cart(checkout_id, cart_id) if cart_id else None
    if checkout is None:
        abort(404, "This order is not open in this browser.")
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
    onwards = _onwards(checkout)
    return jsonify(location=onwards.location) if wants_json() else onwards


@bp.post("/other-card/<uuid:checkout_id>")
@limited("place", burst=20, per_seconds=120)
def other_card(checkout_id: UUID) -> Response:
    """Leave the bank's question unanswered and pay in another way."""
    cart_id = read_cart_id(request)
    checkout = queries.find_of_cart(checkout_id, cart_id) if cart_id else None
    if checkout is None:
        abort(404, "This order is not open in this browser.")
    db.session.commit()
    if checkout.status == CheckoutStatus.CHALLENGED:
        placing.give_up_challenge(checkout_id, wiring())
        checkout = db.session.get_one(Checkout, checkout_id, populate_existing=True)
    return _onwards(checkout)


@bp.get("/return")
def back_from_bank() -> Response:
    """Where the bank's page sends the shopper back to; what it decided is asked of the provider, not read from the address."""
    cart_id = read_cart_id(request)
    checkout = queries.find_latest(cart_id) if cart_id else None
    if checkout is None:
        return redirect(url_for("cart.show"), 303)
    db.session.commit()
    if checkout.status in IN_FLIGHT:
        checkout = placing.advance(checkout.id, wiring())
    if checkout.status == CheckoutStatus.CHALLENGED:
        # Not answered yet: our own page offers the bank again, and another way to pay.
        return redirect(url_for("checkout.checking", checkout_id=checkout.id), 303)
    return _onwards(checkout)


@bp.post("/mend")
def mend() -> Response:
    """Change the cart so that it can be had, as the refusal offered, and look at the order again."""
    cart = current_cart(lock=True)
    checkout = queries.find_unfinished(cart.id) if cart else None
    if cart is None or checkout is None or checkout.status != CheckoutStatus.OPEN:
        db.session.rollback()
        return redirect(url_for("cart.show"), 303)
    mending.mend(cart, checkout.refusals, wiring().clock.now())
    checkout.refusals, checkout.notice = [], ""
    queries.commit()
    return redirect(url_for("checkout.review" if cart.lines else "cart.show"), 303)


def _onwards(checkout: Checkout) -> Response:
    """Where a checkout's state leads."""
    if checkout.status == CheckoutStatus.PLACED:
        token = links.sign(OrderId(str(checkout.id)), links.keys_of(wiring().settings))
        return redirect(url_for("tracking.order", token=token), 303)
    if checkout.status == CheckoutStatus.CHALLENGED and checkout.action_url:
        return redirect(checkout.action_url, 303)
    if checkout.status in IN_FLIGHT:
        return redirect(url_for("checkout.checking", checkout_id=checkout.id), 303)
    if checkout.status == CheckoutStatus.ABANDONED:
        return redirect(url_for("cart.show"), 303)
    return redirect(url_for(f"checkout.{_first_undone(checkout)}"), 303)


def _page(name: str, checkout: Checkout, told: list[str], form: Any, template: str = "") -> str:
    return render_template(
        f"checkout/{template or name}.html",
        checkout=checkout,
        quote=_quote(checkout),
        form=form,
        told=told,
        notice=checkout.notice,
        steps=STEPS,
        current=name,
        undone=_first_undone(checkout),
        test_cards=test_cards() if wiring().settings.stage != "prod" else (),
        checking_url=url_for("checkout.checking", checkout_id=checkout.id),
        coupon=_coupon(checkout),
        saved_addresses=prefill.saved_addresses() if name == "details" else (),
    )


def _coupon(checkout: Checkout) -> Weighed | None:
    """The coupon in use, for its line beside the sums."""
    goods_minor = value_of(checkout.lines)
    return weigh(checkout.discount_code, goods_minor, checkout.currency, wiring().clock.now())


def _refused_page(checkout: Checkout) -> str:
    return render_template(
        "checkout/refused.html", checkout=checkout, refusals=mending.explain(checkout), notice=checkout.notice
    )


def _first_undone(checkout: Checkout) -> str:
    if not (checkout.contact and checkout.shipping_address):
        return "details"
    if _quote(checkout).shipping is None:
        return "delivery"
    return "review" if checkout.payment_token else "payment"


def _quote(checkout: Checkout) -> Quote:
    return quote(checkout, wiring().settings, wiring().clock.now())


def _typed_details(checkout: Checkout) -> dict[str, Any]:
    """What was typed before, for the form."""
    home = {"country": default_country(wiring().settings)}
    return {
        **{name: checkout.contact.get(name) for name in ("email", "phone", "wants_sms")},
        "shipping": checkout.shipping_address or home,
        "has_other_billing": bool(checkout.billing_address),
        "billing": checkout.billing_address or {"country": checkout.shipping_address.get("country", "DE")},
    }


def _cart_view(*, is_fresh: bool = True) -> CartView | None:
    cart = current_cart()
    view = view_cart(cart, wiring().availability, fresh=is_fresh) if cart else None
    db.session.commit()
    return view


def _without_cart() -> Response:
    """No cart to check out: perhaps because it was ordered a moment ago, in this window or another."""
    cart_id = read_cart_id(request)
    latest = queries.find_latest(cart_id) if cart_id else None
    if latest is not None and latest.status == CheckoutStatus.PLACED:
        return _onwards(latest)
    flash("Your cart is empty.", "notice")
    return redirect(url_for("cart.show"), 303)


def _words(error: Exception) -> str:
    if isinstance(error, InvalidRequest):
        return " ".join(problem.detail for problem in error.problems)
    return str(error).capitalize() + "."


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
