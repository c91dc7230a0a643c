"""Reading and changing carts. Every change locks the cart's row and moves its version, so two tabs take turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select

from orders.domain.errors import InvalidRequest, NotFound, Problem, VersionConflict
from orders.domain.request import MAX_QUANTITY
from webapp import statements
from webapp.account.sessions import current_customer_id
from webapp.cart.models import Cart
from webapp.catalog.availability import Availability
from webapp.catalog.offers import Offer, find_offers, offer_of
from webapp.extensions import db
from webapp.languages import _


@dataclass(frozen=True, slots=True)
class LineView:
    """A cart line as the page shows it. `offer` is None when the product is gone."""

    sku: str
    quantity: int
    seen_price_minor: int
    offer: Offer | None

    @property
    def price_minor(self) -> int:
        """Today's unit price."""
        return self.offer.price_minor if self.offer else self.seen_price_minor

    @property
    def total_minor(self) -> int:
        """Today's price of all its pieces."""
        return self.price_minor * self.quantity

    @property
    def is_gone(self) -> bool:
        """Whether it is not sold any more."""
        return self.offer is None or not self.offer.is_for_sale

    @property
    def has_new_price(self) -> bool:
        """Whether the price differs from what the shopper saw when it went into the cart."""
        return not self.is_gone and self.price_minor != self.seen_price_minor

    @property
    def too_many(self) -> int | None:
        """How many can be had when that is fewer than asked for, else None."""
        if self.is_gone or self.offer is None or self.offer.available is None:
            return None
        return self.offer.available if self.offer.available < self.quantity else None

    @property
    def can_be_ordered(self) -> bool:
        """Whether this line would be accepted as far as is known now."""
        return not self.is_gone and self.too_many is None


@dataclass(frozen=True, slots=True)
class CartView:
    """A cart with today's offers."""

    id: UUID
    version: int
    currency: str
    lines: Sequence[LineView]
    coupon_code: str = ""

    @property
    def subtotal_minor(self) -> int:
        """The value of the lines that can be had."""
        return sum(line.total_minor for line in self.lines if not line.is_gone)

    @property
    def piece_count(self) -> int:
        """Pieces over all lines."""
        return sum(line.quantity for line in self.lines)

    @property
    def weight_grams(self) -> int:
        """What the goods weigh."""
        return sum(line.quantity * line.offer.weight_grams for line in self.lines if line.offer)

    @property
    def can_check_out(self) -> bool:
        """Whether every line would be accepted as far as is known now."""
        return bool(self.lines) and all(line.can_be_ordered for line in self.lines)


def count_pieces(cart_id: UUID, oldest: datetime) -> int:
    """Pieces in a cart that was touched since `oldest`: the number beside the cart's sign."""
    found = statements.one(_COUNT, {"cart": cart_id, "oldest": oldest, "customer": current_customer_id()})
    return int(found[0]) if found else 0


_COUNT = """
SELECT coalesce(sum(line.quantity), 0) FROM carts cart JOIN cart_lines line ON line.cart_id = cart.id
WHERE cart.id = %(cart)s AND cart.touched_at >= %(oldest)s AND cart.customer_id IN ('', %(customer)s)
"""


def find_cart(cart_id: UUID | None, oldest: datetime, *, lock: bool = False) -> Cart | None:
    """The cart, or None when there is none or it has expired."""
    if cart_id is None:
        return None
    query = select(Cart).where(Cart.id == cart_id, Cart.touched_at >= oldest, _is_visitors())
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return db.session.scalar(query)


def look_into(
    cart_id: UUID | None, oldest: datetime, availability: Availability, *, fresh: bool = False
) -> CartView | None:
    """The cart with what each line is, costs and has left now; None when there is none or it has expired.

    One statement, whose connection is back in the pool before the stock is asked for.
    """
    return seen(rows_of(_CART, cart_id, oldest), availability, fresh=fresh)


def rows_of(statement: str, cart_id: UUID | None, oldest: datetime, **values: Any) -> Sequence[Any]:
    """The rows of a cart by `cart_statement`: one for each line, one for an empty cart, none where there is none."""
    if cart_id is None:
        return ()
    values |= {"cart": cart_id, "oldest": oldest, "customer": current_customer_id()}
    return statements.rows(statement, values)


def seen(rows: Sequence[Any], availability: Availability, *, fresh: bool = False) -> CartView | None:
    """The cart of these rows, with the stock that is asked for now."""
    if not rows:
        return None
    first, filled = rows[0], [row for row in rows if row.sku is not None]
    levels = availability.levels((row.sku for row in filled if row.slug is not None), fresh=fresh)
    lines = [
        LineView(
            row.sku,
            row.quantity,
            row.seen_price_minor,
            offer_of(row, levels) if row.slug is not None else None,
        )
        for row in filled
    ]
    return CartView(first.cart_id, first.version, first.cart_currency, lines, first.coupon_code)


def cart_statement(columns: str = "", tables: str = "") -> str:
    """The statement of a cart with its lines and their pieces, and with further columns of tables that are joined to `cart` and
    `line`: constants of the program."""
    return f"{_COLUMNS}{columns}{_TABLES}{tables}{_OF_VISITOR}"


_COLUMNS = """
SELECT cart.id AS cart_id, cart.version, cart.currency AS cart_currency, cart.coupon_code,
       line.sku, line.quantity, line.seen_price_minor,
       piece.options, piece.price_minor, piece.currency, piece.weight_grams, piece.image, piece.is_active, piece.back_on,
       product.name, product.slug, product.image AS product_image, product.is_active AS product_is_active"""
_TABLES = """
FROM carts cart
LEFT JOIN cart_lines line ON line.cart_id = cart.id
LEFT JOIN variants piece ON piece.sku = line.sku
LEFT JOIN products product ON product.id = piece.product_id"""
_OF_VISITOR = """
WHERE cart.id = %(cart)s AND cart.touched_at >= %(oldest)s AND cart.customer_id IN ('', %(customer)s)
ORDER BY line.id
"""
_CART = cart_statement()


def view_cart(cart: Cart, availability: Availability, *, fresh: bool = False) -> CartView:
    """A loaded cart with what each line is, costs and has left now."""
    offers = find_offers((line.sku for line in cart.lines), availability, fresh=fresh)
    lines = [
        LineView(line.sku, line.quantity, line.seen_price_minor, offers.get(line.sku)) for line in cart.lines
    ]
    return CartView(cart.id, cart.version, cart.currency, lines, cart.coupon_code)


def set_quantity(cart: Cart, version: int, sku: str, quantity: int, now: datetime) -> None:
    """Set how many of a SKU a locked cart holds; 0 takes the line out.

    The same change again changes nothing. Raises VersionConflict when the cart changed since the page was drawn,
    NotFound for a SKU that is not in it.
    """
    line = next((line for line in cart.lines if line.sku == sku), None)
    if line is not None and line.quantity == quantity:
        return
    if line is None and quantity == 0:
        return
    if cart.version != version:
        raise VersionConflict("the cart was changed in another window")
    if line is None:
        raise NotFound("this item is not in the cart any more")
    if quantity == 0:
        cart.lines.remove(line)
    else:
        check_quantity(quantity)
        line.quantity = quantity
    touch(cart, now)


def accept_prices(cart: Cart, view: CartView) -> None:
    """The shopper has been shown today's prices: they are the ones that were seen."""
    prices = {line.sku: line.price_minor for line in view.lines if not line.is_gone}
    for line in cart.lines:
        line.seen_price_minor = prices.get(line.sku, line.seen_price_minor)


def keep_coupon(cart: Cart, code: str, now: datetime) -> None:
    """Note the code that the shopper wants to use, or none. Pages drawn before stay valid: no line has changed."""
    cart.coupon_code = code
    cart.touched_at = now


LOCKING = "SELECT id FROM carts WHERE id = %(ordered_cart)s FOR UPDATE"
"""What comes before `TAKING_OUT`: whoever changes lines holds the cart's row, so that two never wait for each other."""

# The lines are held before they are changed: a line that another window changed while this one waited for the cart is looked
# at as it is now, where DELETE and UPDATE alone would both choose by what it was when the statement began.
TAKING_OUT = {
    "held": """
SELECT line.id, line.quantity, ordered.quantity AS ordered
FROM cart_lines line JOIN unnest(%(ordered_skus)s::text[], %(ordered_pieces)s::int[]) AS ordered(sku, quantity) USING (sku)
WHERE line.cart_id = %(ordered_cart)s AND EXISTS (SELECT FROM kept) FOR UPDATE OF line
""",
    "taken": "DELETE FROM cart_lines line USING held WHERE line.id = held.id AND held.quantity <= held.ordered",
    "left_over": """
UPDATE cart_lines line SET quantity = held.quantity - held.ordered FROM held
WHERE line.id = held.id AND held.quantity > held.ordered
""",
    "touched": """
UPDATE carts SET coupon_code = '', version = version + 1, touched_at = %(ordered_at)s
WHERE id = %(ordered_cart)s AND EXISTS (SELECT FROM kept)
""",
}
"""Take what was ordered out of the cart, and the coupon that was used; what was added meanwhile stays. They go along with a
checkout that is kept (checkout/store.py)."""


def what_was_ordered(cart_id: UUID, ordered: Mapping[str, int], now: datetime) -> Mapping[str, Any]:
    """The values of `LOCKING` and `TAKING_OUT`."""
    skus, pieces = list(ordered), list(ordered.values())
    return {"ordered_cart": cart_id, "ordered_skus": skus, "ordered_pieces": pieces, "ordered_at": now}


def delete_expired_carts(oldest: datetime, limit: int = 1000) -> int:
    """Delete carts untouched since `oldest`, at most `limit`; returns how many."""
    ids = db.session.scalars(select(Cart.id).where(Cart.touched_at < oldest).limit(limit)).all()
    db.session.execute(delete(Cart).where(Cart.id.in_(ids)))
    return len(ids)


def _is_visitors() -> ColumnElement[bool]:
    """A cart that belongs to a customer opens for nobody else, whatever cookie a browser still has."""
    return Cart.customer_id.in_({"", current_customer_id()})


def check_quantity(quantity: int) -> None:
    """Raise InvalidRequest for what an order does not take of one SKU."""
    if not 1 <= quantity <= MAX_QUANTITY:
        raise InvalidRequest(
            [Problem("/quantity", _("Choose a quantity from 1 to %(most)s.", most=MAX_QUANTITY))]
        )


def touch(cart: Cart, now: datetime) -> None:
    """Count a change; the caller commits."""
    cart.version += 1
    cart.touched_at = now
