"""A checkout's row past the unit of work: all that goes along is done with it, or nothing is."""

from __future__ import annotations

import threading
import time
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from orders.domain.errors import VersionConflict
from tests.integration.webapp.conftest import MUG, PAN, ShopUnderTest, fill_in, put_in_cart
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
        taken_out = Along(cart.TAKING_OUT, cart.what_was_ordered(mine.cart_id, {PAN: 1}, now), cart.LOCKING)

        mine.note = "first"
        store.keep(mine, now)
        late.note = "second"
        with pytest.raises(VersionConflict):
            store.keep(late, now, attempts.recorded(late, "authorise", 1, "test", now), taken_out)
        assert shop.attempts("authorise") == []
        assert statements.one("SELECT count(*) AS lines FROM cart_lines", {}).lines == 1  # type: ignore[union-attr]

        mine.note = "third"
        store.keep(mine, now, attempts.recorded(mine, "authorise", 1, "test", now), taken_out)
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
        for note in ("one", "two"):
            checkout.note = note
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


def test_a_line_that_grew_while_the_click_waited_for_the_cart_keeps_what_was_added(
    shop: ShopUnderTest,
) -> None:
    """What is taken out is what was ordered, of what is in the cart now, not of what was there when the statement began."""
    browser = shop.client()
    put_in_cart(browser, PAN)
    put_in_cart(browser, MUG, 2)
    fill_in(browser)
    failed: list[BaseException] = []

    def placed() -> None:
        try:
            with shop.app.app_context():
                mine = store.get(shop.checkout().id)
                # A machine that is busy elsewhere may take longer than the shop's own patience.
                db.session.connection().exec_driver_sql("SET LOCAL lock_timeout = '60s'")
                db.session.connection().exec_driver_sql("SET LOCAL statement_timeout = '60s'")
                mine.note = "mine"
                values = cart.what_was_ordered(mine.cart_id, {PAN: 1, MUG: 2}, shop.clock.now())
                store.keep(mine, shop.clock.now(), Along(cart.TAKING_OUT, values, cart.LOCKING))
        except BaseException as error:
            failed.append(error)

    click = threading.Thread(target=placed)
    with shop.engine.begin() as other_window:
        other_window.exec_driver_sql("UPDATE carts SET version = version + 1")
        other_window.execute(text("UPDATE cart_lines SET quantity = 3 WHERE sku = :sku"), {"sku": PAN})
        click.start()
        _until_somebody_waits(shop)
    click.join()
    assert not failed
    with shop.app.app_context():
        left = statements.rows("SELECT sku, quantity FROM cart_lines", {})
        assert [(line.sku, line.quantity) for line in left] == [(PAN, 2)]
        assert store.get(shop.checkout().id).note == "mine"


def _until_somebody_waits(shop: ShopUnderTest) -> None:
    """Until a statement of the shop waits for a lock."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    end = time.monotonic() + 60
    with shop.engine.connect() as connection:
        while not connection.execute(waiting).scalar_one():
            connection.rollback()
            assert time.monotonic() < end, "nobody waits for the cart"


def test_a_cart_of_several_lines_comes_with_its_one_checkout(shop: ShopUnderTest) -> None:
    """The unfinished one, or the one that is asked for; nobody else's; and an empty cart has one, too."""
    browser, other = shop.client(), shop.client()
    put_in_cart(browser, PAN)
    put_in_cart(browser, MUG)
    assert browser.get("/checkout/details").status_code == 200
    put_in_cart(other, MUG)
    oldest = shop.clock.now() - timedelta(days=1)
    with shop.app.app_context():
        theirs = shop.checkout()
        (others_cart,) = statements.rows("SELECT id FROM carts WHERE id <> %(id)s", {"id": theirs.cart_id})

        rows, checkout = store.look_into_cart(theirs.cart_id, oldest)
        assert [row.sku for row in rows] == [PAN, MUG]
        assert checkout is not None
        assert (checkout.id, checkout.lines, checkout.status) == (theirs.id, theirs.lines, theirs.status)
        assert [row.checkout_id for row in rows] == [theirs.id, None]
        assert store.look_into_cart(theirs.cart_id, oldest, uuid.uuid4())[1] is None
        assert store.look_into_cart(others_cart.id, oldest)[1] is None
        assert store.look_into_cart(others_cart.id, oldest, theirs.id)[1] is None

        statements.rows("DELETE FROM cart_lines", {})
        rows, checkout = store.look_into_cart(theirs.cart_id, oldest)
        assert [row.sku for row in rows] == [None]
        assert checkout is not None
        statements.rows("UPDATE checkouts SET status = 'abandoned'", {})
        assert store.look_into_cart(theirs.cart_id, oldest)[1] is None
        found = store.look_into_cart(theirs.cart_id, oldest, theirs.id)[1]
        assert found is not None
        assert found.status == "abandoned"
