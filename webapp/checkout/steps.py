"""The checkout's steps before the click: details, delivery, payment, review."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, flash, redirect, url_for
from werkzeug.wrappers import Response

from webapp.account import prefill
from webapp.account.sessions import current_customer_id
from webapp.checkout import queries
from webapp.checkout.forms import CardForm, DeliveryForm, DetailsForm, HostedForm, PlaceForm
from webapp.checkout.models import IN_FLIGHT, Checkout
from webapp.checkout.pages import (
    cart_and_checkout,
    first_undone,
    page,
    quote_of,
    refused_page,
    without_cart,
)
from webapp.checkout.payment import HOSTED, tokenise
from webapp.checkout.quote import default_country
from webapp.extensions import db
from webapp.languages import N_, _
from webapp.rate_limit import limited
from webapp.statements import is_in_transaction
from webapp.wiring import wiring

bp = Blueprint("checkout", __name__, url_prefix="/checkout")

View = Callable[[Checkout, list[str]], Any]


def step(view: View) -> Callable[[], Any]:
    """Load the visitor's checkout for a step: with today's lines, unless it is being placed, refused or impossible."""

    @wraps(view)
    def loaded() -> Any:
        # Prices and stock are looked at anew where the order is read through and where it is placed; on the way there
        # the short memory of Availability does, which spares three quarters of an order's reads.
        cart, checkout = cart_and_checkout(fresh=view.__name__ == "review")
        if cart is None or not cart.lines:
            return without_cart()
        now = wiring().clock.now()
        if checkout is None and cart.can_check_out:
            checkout = queries.open_checkout(cart, current_customer_id(), now)
        if is_in_transaction():
            db.session.commit()  # Of a customer's session: it is over before anything is changed.
        if checkout is not None and checkout.status in IN_FLIGHT:
            return redirect(url_for("checkout.checking", checkout_id=checkout.id), 303)
        if checkout is not None and checkout.refusals:
            return refused_page(checkout)
        if checkout is None or not cart.can_check_out:
            flash(_("Something in your cart has changed. Please look at it before you pay."), "notice")
            return redirect(url_for("cart.show"), 303)
        return view(checkout, queries.refresh_lines(checkout, cart, now))

    return loaded


@bp.get("/")
@step
def start(checkout: Checkout, told: list[str]) -> Response:
    """The first step that is not done yet."""
    return _next(checkout)


@bp.route("/details", methods=["GET", "POST"])
@limited("checkout", burst=40, per_seconds=60)
@step
def details(checkout: Checkout, told: list[str]) -> Response | str:
    """Step 1: who orders, and where it goes."""
    form = DetailsForm(data=prefill.details(checkout, _typed_details(checkout)))
    if form.validate_on_submit():
        prefill.remember(form)
        return _keep(
            checkout,
            contact=form.contact(),
            shipping_address=form.shipping.form.address(),
            billing_address=form.billing.form.address() if form.has_other_billing.data else {},
        )
    return page("details", checkout, told, form)


@bp.route("/delivery", methods=["GET", "POST"])
@limited("checkout", burst=40, per_seconds=60)
@step
def delivery(checkout: Checkout, told: list[str]) -> Response | str:
    """Step 2: how it gets there."""
    if not checkout.shipping_address:
        return redirect(url_for("checkout.details"), 303)
    offers = quote_of(checkout).offers
    chosen = checkout.shipping_code or (offers[0].code if offers else "")
    form = DeliveryForm(data={"shipping_code": chosen, "note": checkout.note})
    form.shipping_code.choices = [(offer.code, offer.name) for offer in offers]
    if form.validate_on_submit():
        return _keep(checkout, shipping_code=form.shipping_code.data, note=form.note.data or "")
    return page("delivery", checkout, told, form)


@bp.route("/payment", methods=["GET", "POST"])
@limited("payment", burst=15, per_seconds=300)
@step
def payment(checkout: Checkout, told: list[str]) -> Response | str:
    """Step 3: a card becomes the provider's token here, and only that is kept."""
    if first_undone(checkout) in {"details", "delivery"}:
        return redirect(url_for("checkout.start"), 303)
    if wiring().settings.payment_provider == "stripe":
        return _hosted_payment(checkout, told)
    form = CardForm(today=wiring().clock.now().date(), data={"holder": checkout.contact.get("name", "")})
    if form.validate_on_submit():
        card = tokenise(form.number.data or "")
        return _pay_with(checkout, card.token, card.label)
    form.forget_card()
    return page("payment", checkout, told, form)


def _hosted_payment(checkout: Checkout, told: list[str]) -> Response | str:
    """The card is typed on the provider's page, after the last look: here the shopper only learns so."""
    form = HostedForm()
    if form.validate_on_submit():
        return _pay_with(checkout, HOSTED, N_("Card, on Stripe's page"))
    return page("payment", checkout, told, form, template="payment_hosted")


def _pay_with(checkout: Checkout, token: str, label: str) -> Response:
    """Keep the means of payment. What was said of the one before is over with it."""
    return _keep(checkout, payment_token=token, payment_label=label, notice="", refusals=[])


def _keep(checkout: Checkout, **fields: Any) -> Response:
    """Save what a step asked for, and lead on. Raises VersionConflict once money is in flight."""
    queries.save_fields(checkout, wiring().clock.now(), **fields)
    return _next(checkout)


def _next(checkout: Checkout) -> Response:
    """On to the first step that is not done yet: no way over a page that only leads on."""
    return redirect(url_for(f"checkout.{first_undone(checkout)}"), 303)


@bp.get("/review")
@step
def review(checkout: Checkout, told: list[str]) -> Response | str:
    """Step 4: everything once more, with what changed since the last look."""
    undone = first_undone(checkout)
    if undone != "review":
        return redirect(url_for(f"checkout.{undone}"), 303)
    return page("review", checkout, told, PlaceForm())


def _typed_details(checkout: Checkout) -> dict[str, Any]:
    """What was typed before, for the form."""
    home = {"country": default_country(wiring().settings)}
    return {
        **{name: checkout.contact.get(name) for name in ("email", "phone", "wants_sms")},
        "shipping": checkout.shipping_address or home,
        "has_other_billing": bool(checkout.billing_address),
        "billing": checkout.billing_address or {"country": checkout.shipping_address.get("country", "DE")},
    }
