"""The database under the pages: a connection that died while it rested is replaced, and nobody notices."""

from __future__ import annotations

import pytest
from flask import Flask, request_finished
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from orders.adapters.rds import engine as module
from tests.integration.webapp.conftest import ShopUnderTest
from webapp.extensions import db
from webapp.statements import rows


def test_a_connection_that_died_while_idle_is_replaced(
    shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restart or a failover of the database the next page simply works."""
    browser = shop.client()
    assert browser.get("/shop/kitchen").status_code == 200
    with shop.engine.connect() as connection:
        killed = connection.execute(
            text(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'cartwright-web'"
            )
        ).scalar_one()
    assert killed >= 1
    monkeypatch.setattr(module, "PING_AFTER_IDLE_SECONDS", 0.0)
    assert browser.get("/shop/kitchen?sort=price").status_code == 200
    assert browser.get("/cart").status_code == 200


def test_an_answer_stands_when_its_connection_dies_right_after_it(shop: ShopUnderTest) -> None:
    """The page is made, then the database crashes while the session is being closed: the shopper still gets the page."""
    killed = []

    def kill(sender: Flask, **_: object) -> None:
        own = db.session.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with shop.engine.connect() as connection:
            # Waits until the process is gone.
            killed.append(
                connection.execute(
                    text("SELECT pg_terminate_backend(:own, 10000)"), {"own": own}
                ).scalar_one()
            )

    browser = shop.client()
    with request_finished.connected_to(kill, shop.app):
        assert browser.get("/cart").status_code == 200
    assert killed == [True]
    assert browser.get("/cart").status_code == 200


def test_a_refused_statement_is_sqlalchemys_error_and_costs_no_connection(shop: ShopUnderTest) -> None:
    """Whoever reads handles one family of errors, and the pool gets its connection back as it was."""
    with shop.app.app_context():
        for _ in range(3):
            with pytest.raises(ProgrammingError):
                rows("SELECT nowhere FROM nothing", {})
        assert rows("SELECT %(n)s::int + 1 AS sum", {"n": 1})[0].sum == 2
        assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        with db.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
            assert connection.in_transaction()
            assert not connection.connection.driver_connection.autocommit  # type: ignore[union-attr]
