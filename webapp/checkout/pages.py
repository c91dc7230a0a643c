"""What the checkout's pages show, and where a checkout's state leads: shared by the steps and by the placing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from orders import links
from orders.domain.ids import OrderId
from webapp.account import prefill
from webapp.cart.cookie import read_cart_id
from webapp.cart.queries import CartView, seen
from webapp.cart.routes import oldest_cart, remembered
from webapp.checkout import mending, store
from webapp.checkout.cards import label_in_words
from webapp.checkout.coupons import Weighed, value_of, weigh
from webapp.checkout.models import IN_FLIGHT, Checkout, CheckoutStatus
from webapp.checkout.payment import test_cards
from webapp.checkout.quote import Quote, quote
from webapp.languages import _, _l
from webapp.wiring import wiring

STEPS = (
    ("details", _l("Details")),
    ("delivery", _l("Delivery")),
    ("payment", _l("Payment")),
    ("review", _l("Review")),
)


def cart_and_checkout(
    checkout_id: UUID | None = None, *, fresh: bool
) -> tuple[CartView | None, Checkout | None]:
    """This visitor's cart as it stands today, and its checkout of this id, else its unfinished one. `fresh` asks for the
    stock of this very moment."""
    rows, checkout = store.look_into_cart(read_cart_id(request), oldest_cart(), checkout_id)
    return remembered(seen(rows, wiring().availability, fresh=fresh)), checkout


def page(name: str, checkout: Checkout, told: list[str], form: Any, template: str = "") -> str:
    return render_template(
        f"checkout/{template or name}.html",
        checkout=checkout,
        quote=quote_of(checkout),
        form=form,
        told=told,
        notice=_notice(checkout),
        steps=STEPS,
        current=name,
        undone=first_undone(checkout),
        test_cards=test_cards() if wiring().settings.stage != "prod" else (),
        checking_url=url_for("checkout.checking", checkout_id=checkout.id),
        coupon=_coupon(checkout),
        payment_label=label_in_words(checkout.payment_label),
        saved_addresses=prefill.saved_addresses() if name == "details" else (),
    )


def _notice(checkout: Checkout) -> str:
    """What a placing left to be said. It is kept in English, whoever was at work: here it gets its reader's language."""
    return _(checkout.notice) if checkout.notice else ""


def _coupon(checkout: Checkout) -> Weighed | None:
    """The coupon in use, for its line beside the sums."""
    goods_minor = value_of(checkout.lines)
    return weigh(checkout.discount_code, goods_minor, checkout.currency, wiring().clock.now())


def refused_page(checkout: Checkout) -> str:
    return render_template(
        "checkout/refused.html",
        checkout=checkout,
        refusals=mending.explain(checkout),
        notice=_notice(checkout),
    )


def first_undone(checkout: Checkout) -> str:
    if not (checkout.contact and checkout.shipping_address):
        return "details"
    if quote_of(checkout).shipping is None:
        return "delivery"
    return "review" if checkout.payment_token else "payment"


def quote_of(checkout: Checkout) -> Quote:
    """What it costs, as it was read or kept last: a page asks for it four times."""
    known: dict[tuple[UUID, int], Quote] = g.setdefault("quotes", {})
    version = (checkout.id, checkout.version)
    if version not in known:
        known[version] = quote(checkout, wiring().settings, wiring().clock.now())
    return known[version]


def onwards(checkout: Checkout) -> Response:
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
    return redirect(url_for(f"checkout.{first_undone(checkout)}"), 303)


def without_cart() -> Response:
    """No cart to check out: perhaps because it was ordered a moment ago, in this window or another."""
    cart_id = read_cart_id(request)
    latest = store.find_latest(cart_id) if cart_id else None
    if latest is not None and latest.status == CheckoutStatus.PLACED:
        return onwards(latest)
    flash(_("Your cart is empty."), "notice")
    return redirect(url_for("cart.show"), 303)
