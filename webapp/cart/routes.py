"""The cart's page and its changes: forms that work without JavaScript, answers as JSON for the script that has it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response as BaseResponse

from orders.domain.coupon import tidy_code
from orders.domain.errors import InvalidRequest, NotFound, Problem, VersionConflict
from orders.domain.request import MAX_QUANTITY
from webapp import statements
from webapp.account.sessions import current_customer
from webapp.cart import adding, queries
from webapp.cart.cookie import read_cart_id, write_cart_id
from webapp.cart.estimate import estimate
from webapp.cart.models import Cart
from webapp.cart.queries import CartView
from webapp.catalog.offers import Offer, find_offers
from webapp.checkout import coupons
from webapp.checkout.countries import country_choices
from webapp.checkout.coupons import Weighed
from webapp.errors import wants_json
from webapp.extensions import csrf, db
from webapp.languages import _
from webapp.layout import cart_count
from webapp.rate_limit import limited
from webapp.wiring import wiring

bp = Blueprint("cart", __name__)


def oldest_cart() -> datetime:
    """When a cart must have been touched since to count."""
    parts = wiring()
    return parts.clock.now() - timedelta(days=parts.settings.cart_ttl_days)


def current_cart(*, lock: bool = False) -> Cart | None:
    """This visitor's cart, or None."""
    return queries.find_cart(read_cart_id(request), oldest_cart(), lock=lock)


def current_view(*, fresh: bool = False) -> CartView | None:
    """This visitor's cart as it stands today, or None. `fresh` asks for the stock of this very moment."""
    return remembered(
        queries.look_into(read_cart_id(request), oldest_cart(), wiring().availability, fresh=fresh)
    )


def remembered(view: CartView | None) -> CartView | None:
    """The same view; the number beside the cart in the page's header need not be asked for again."""
    g.cart_count = view.piece_count if view else 0
    return view


@bp.get("/cart")
def show() -> BaseResponse:
    """The cart, with every change of price and stock since it was filled."""
    return make_response(_page())


def _page(refused: Weighed | None = None) -> str:
    """Draw the cart. `refused` is a coupon that was typed a moment ago and does not count."""
    view = current_view(fresh=True)
    page = render_template(
        "cart/cart.html",
        cart=view,
        removed=_removed_offer(view),
        removed_quantity=_number(request.args.get("quantity"), 1),
        estimate=estimate(view, request.args.get("country", "")) if view and view.lines else None,
        coupon=_weighed(view),
        refused=refused,
        countries=country_choices(),
        has_expired=view is None and read_cart_id(request) is not None,
        today=wiring().clock.now().date(),
        max_quantity=MAX_QUANTITY,
    )
    if view is not None and any(line.has_new_price for line in view.lines):
        # They have been told now; the next look does not tell them again.
        if (cart := current_cart()) is not None:
            queries.accept_prices(cart, view)
        db.session.commit()
    return page


def _weighed(view: CartView | None) -> Weighed | None:
    if view is None or not view.coupon_code:
        return None
    customer = current_customer()
    email = customer.email if customer else ""
    now = wiring().clock.now()
    return coupons.weigh(view.coupon_code, view.subtotal_minor, view.currency, now, email)


@bp.post("/cart/coupon")
@limited("coupon", burst=12, per_seconds=120)
def use_coupon() -> BaseResponse:
    """Use a coupon's code, or none: from the cart, or from the checkout, which goes on where it was."""
    cart = current_cart(lock=True)
    is_checkout = request.form.get("from") == "checkout"
    if cart is None:
        return redirect(url_for("cart.show"), 303)
    code = "" if "remove" in request.form else tidy_code(request.form.get("code", ""))
    view = queries.view_cart(cart, wiring().availability)
    weighed = _weighed(replace(view, coupon_code=code))
    if weighed is not None and not weighed.is_worth_keeping:
        db.session.rollback()
        if not is_checkout:
            return make_response(_page(weighed), 422)
        flash(weighed.why, "error")
        return redirect(url_for("checkout.start"), 303)
    queries.keep_coupon(cart, code, wiring().clock.now())
    db.session.commit()
    if weighed is not None:
        flash(
            weighed.why or _("The coupon %(code)s is used: %(gives)s.", code=code, gives=weighed.gives),
            "notice" if weighed.why else "success",
        )
    return redirect(url_for("checkout.start" if is_checkout else "cart.show"), 303)


# The form stands on pages that a cache may hold, so it carries no token: security.refuse_other_sites guards it.
@bp.post("/cart/lines")
@csrf.exempt  # type: ignore[untyped-decorator]
@limited("cart", burst=60, per_seconds=60)
def add() -> BaseResponse:
    """Put pieces of a SKU into the cart."""
    offer = _offer_asked_for()
    if statements.is_in_transaction():
        db.session.commit()  # Of a customer's session: no lock is taken in it.
    quantity = _number(request.form.get("quantity", "1"), 0)
    if not 1 <= quantity <= MAX_QUANTITY:
        raise InvalidRequest(
            [Problem("/quantity", _("Choose a quantity from 1 to %(most)s.", most=MAX_QUANTITY))]
        )
    parts = wiring()
    added = adding.add(
        read_cart_id(request), offer, quantity, parts.settings.currency, parts.clock.now(), oldest_cart()
    )
    if wants_json():
        response = jsonify(
            count=added.count,
            name=offer.name,
            variant=offer.variant,
            in_cart=added.in_cart,
            cart_url=url_for("cart.show"),
            said=_("%(name)s is in your cart.", name=offer.name),
            look=_("Look at it"),
        )
    else:
        flash(_("%(name)s is in your cart.", name=offer.name), "success")
        response = make_response(redirect(url_for("cart.show"), 303))
    write_cart_id(response, added.cart_id)
    return response


@bp.post("/cart/lines/<sku>")
@limited("cart", burst=60, per_seconds=60)
def change(sku: str) -> BaseResponse:
    """Set a line's quantity; 0 or the remove button takes it out."""
    cart = current_cart(lock=True)
    if cart is None:
        return redirect(url_for("cart.show"), 303)
    line = next((line for line in cart.lines if line.sku == sku), None)
    before = line.quantity if line else 0
    quantity = 0 if "remove" in request.form else _number(request.form.get("quantity"), -1)
    if not 0 <= quantity <= MAX_QUANTITY:
        db.session.rollback()
        flash(_("Choose a quantity from 0 to %(most)s. Your cart is unchanged.", most=MAX_QUANTITY), "error")
        return redirect(url_for("cart.show"), 303)
    try:
        queries.set_quantity(
            cart, _number(request.form.get("version"), 0), sku, quantity, wiring().clock.now()
        )
        db.session.commit()
    except (VersionConflict, NotFound):
        db.session.rollback()
        flash(
            _("Your cart was changed in another window. This is how it is now; please look again."), "notice"
        )
        return redirect(url_for("cart.show"), 303)
    if quantity == 0 and before:
        return redirect(url_for("cart.show", removed=sku, quantity=before), 303)
    return redirect(url_for("cart.show") + f"#line-{sku}", 303)


@bp.get("/cart/count")
def count() -> Response:
    """The number beside the cart, for pages that a cache drew."""
    return jsonify(count=cart_count())


def _offer_asked_for() -> Offer:
    sku = request.form.get("sku", "")[:64]
    offer = find_offers([sku], wiring().availability).get(sku)
    if offer is None or not offer.is_for_sale:
        abort(410, _("This item is not sold any more."))
    return offer


def _removed_offer(view: CartView | None) -> Offer | None:
    """What was just taken out, so that it can be put back."""
    sku = request.args.get("removed", "")[:64]
    if not sku or (view and any(line.sku == sku for line in view.lines)):
        return None
    offer = find_offers([sku], wiring().availability).get(sku)
    return offer if offer and offer.is_for_sale else None


def _number(text: str | None, otherwise: int) -> int:
    try:
        return int(text or "") if len(text or "") <= 9 else otherwise
    except ValueError:
        return otherwise
