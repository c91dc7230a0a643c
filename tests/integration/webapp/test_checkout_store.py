"""A checkout's row past the unit of work: all that goes along is done with it, or nothing is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from orders.domain.errors import VersionConflict
from tests.integration.webapp.conftest import PAN, ShopUnderTest, fill_in, put_in_cart
from webapp import statements
from webapp.cart import queries as cart
from webapp.checkout import attempts, store
from webapp.checkout.store import Along
from webapp.extensions import db


def test_what_goes_along_is_done_with_the_checkout_or_not_at_all(shop: ShopUnderTest) -> None:
    """Who read an older version changes no row: not the checkout's, not the attempt's, not the cart's."""
    browser = shop.client()
    put_in_cart(browser, PAN)
    fill_in(browser)
    now = shop.clock.now()
    with shop.app.app_context():
        checkout_id = shop.checkout().id
        mine, late = store.get(checkout_id), store.get(checkout_id)
        ordered = {PAN: 1}
        taken_out = [Along(*each) for each in cart.taking_out(mine.cart_id, ordered, now)]
        lock = Along(*cart.locking(mine.cart_id))

        mine.note = "first"
        store.keep(mine, now)
        late.note = "second"
        with pytest.raises(VersionConflict):
            store.keep(
                late, now, attempts.recorded(late, "authorise", 1, "test", now), *taken_out, first=lock
            )
        assert shop.attempts("authorise") == []
        assert statements.one("SELECT count(*) AS lines FROM cart_lines", {}).lines == 1  # type: ignore[union-attr]

        mine.note = "third"
        store.keep(mine, now, attempts.recorded(mine, "authorise", 1, "test", now), *taken_out, first=lock)
        assert len(shop.attempts("authorise")) == 1
        assert statements.one("SELECT count(*) AS lines FROM cart_lines", {}).lines == 0  # type: ignore[union-attr]
        again = store.get(checkout_id)
        assert (again.note, again.version) == ("third", mine.version)


def test_only_what_was_changed_is_written(shop: ShopUnderTest) -> None:
    """A column that this process did not touch keeps what stands there, also when it was read long ago."""
    browser = shop.client()
    put_in_cart(browser)
    fill_in(browser)
    with shop.app.app_context():
        checkout = store.get(shop.checkout().id)
        with shop.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE checkouts SET correlation_id = 'of another release'")
        for text in ("one", "two"):
            checkout.note = text
            store.keep(checkout, shop.clock.now() + timedelta(seconds=1))
        again = store.get(checkout.id)
        assert (again.note, again.correlation_id) == ("two", "of another release")
        assert again.updated_at == checkout.updated_at


def test_a_checkout_is_kept_within_the_transaction_that_is_open(shop: ShopUnderTest) -> None:
    """What the session has begun, such as the claim of a coupon, stands or falls with it; no second connection is taken."""
    browser = shop.client()
    put_in_cart(browser)
    fill_in(browser)
    with shop.app.app_context():
        mine, late = store.get(shop.checkout().id), store.get(shop.checkout().id)
        db.session.rollback()
        store.keep(mine, shop.clock.now())
        db.session.connection().exec_driver_sql("UPDATE carts SET coupon_code = 'CLAIMED'")
        late.note = "late"
        with pytest.raises(VersionConflict):
            store.keep(late, shop.clock.now())
        assert statements.one("SELECT coupon_code FROM carts", {}).coupon_code == ""  # type: ignore[union-attr]

        db.session.connection().exec_driver_sql("UPDATE carts SET coupon_code = 'CLAIMED'")
        assert db.engine.pool.checkedout() == 1  # type: ignore[attr-defined]
        mine.note = "mine"
        store.keep(mine, shop.clock.now())
        assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        assert statements.one("SELECT coupon_code FROM carts", {}).coupon_code == "CLAIMED"  # type: ignore[union-attr]


def test_a_statement_that_fails_within_a_transaction_is_sqlalchemys_error(shop: ShopUnderTest) -> None:
    """And the request goes on after its rollback, with the same connection."""
    with shop.app.app_context():
        db.session.connection()
        with pytest.raises(DBAPIError):
            statements.rows("SELECT nowhere FROM nothing", {})
        db.session.rollback()
        assert statements.one("SELECT 1 AS n", {}).n == 1  # type: ignore[union-attr]
        assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
