"""The database under the pages: a connection that died while it rested is replaced, and nobody notices."""

from __future__ import annotations

import contextlib
import logging
import time

import pytest
from flask import Flask, request_finished
from sqlalchemy import QueuePool, event, text
from sqlalchemy.exc import ProgrammingError

from orders.adapters.rds import at_hand
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
    for looks in (module, at_hand):
        monkeypatch.setattr(looks, "PING_AFTER_IDLE_SECONDS", 0.0)
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
        assert pool().checkedout() == 0
        assert rows("SELECT %(n)s::int + 1 AS sum", {"n": 1})[0].sum == 2
        with contextlib.ExitStack() as stack:
            for _ in range(pool().size()):
                connection = stack.enter_context(db.engine.connect())
                connection.execute(text("SELECT 1"))
                assert connection.in_transaction()
                assert not connection.connection.driver_connection.autocommit  # type: ignore[union-attr]


def test_statements_one_after_the_other_share_a_connection(shop: ShopUnderTest) -> None:
    """Borrowing costs half as much as the statement. Nobody waits because of it: it goes to whoever finds all others lent."""
    own = "SELECT pg_backend_pid() AS pid"
    with shop.app.app_context():
        with contextlib.ExitStack() as stack:
            (pid,) = {rows(own, {})[0].pid for _ in range(3)}
            assert pool().checkedout() == 0
            for _ in range(2 * pool().size()):
                last = stack.enter_context(db.engine.connect())
            assert last.execute(text(own)).scalar_one() == pid
            assert pool().checkedout() == 2 * pool().size()
        with db.engine.connect():
            assert rows(own, {})


def test_the_columns_of_a_statement_keep_their_names(shop: ShopUnderTest) -> None:
    """What is known of a statement is known of that one alone, also when another was refused or had no rows before."""
    with shop.app.app_context():
        for number in range(3):
            assert rows("SELECT %(n)s::int AS first, 'x' AS second", {"n": number})[0]._fields == (
                "first",
                "second",
            )
            assert rows("SELECT %(n)s::text AS other", {"n": str(number)})[0]._fields == ("other",)
            assert not rows("SELECT 1 AS first WHERE %(n)s::int < 0", {"n": number})
            assert rows("DELETE FROM carts WHERE version < %(n)s::int - 9", {"n": number}) == ()


def test_what_was_interrupted_is_not_used_again(shop: ShopUnderTest) -> None:
    """Nobody knows what its connection is still busy with."""

    class Interrupted(dict[str, int]):
        def __getitem__(self, key: str) -> int:
            raise KeyboardInterrupt

    own = "SELECT pg_backend_pid() AS pid, %(n)s::int AS n"
    with shop.app.app_context():
        before = rows(own, {"n": 1})[0].pid
        with pytest.raises(KeyboardInterrupt):
            rows(own, Interrupted(n=1))
        assert pool().checkedout() == 0
        assert rows(own, {"n": 1})[0].pid != before


def test_what_is_at_hand_ends_with_its_pool_and_is_renewed(
    shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pool that is disposed of leaves no connection; one that is used all the time still follows a rotated password."""
    with shop.app.app_context():
        left = rows("SELECT pg_backend_pid() AS pid", {})[0].pid
        db.engine.dispose()
        _until_gone(shop, left)
        rows("SELECT 1", {})
        assert pool().checkedin() == 0
        monkeypatch.setattr(at_hand, "RENEW_SECONDS", -1.0)
        lent: list[object] = []
        event.listen(pool(), "checkout", lambda *args: lent.append(args[0]))
        rows("SELECT 1", {})
        assert len(lent) == 1


def test_the_pool_tells_nothing_among_the_programs_own_events(
    shop: ShopUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    """Its logger is SQLAlchemy's, as every pool's, and not one of this module, which tells what it is told to."""
    with shop.app.app_context(), caplog.at_level(logging.INFO, logger="orders"):
        rows("SELECT 1", {})
        db.engine.dispose()
    assert [record.name for record in caplog.records if record.name.startswith("orders")] == []


def _until_gone(shop: ShopUnderTest, pid: int) -> None:
    """Until the database has ended this process, as it does when its client has left."""
    there = text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid")
    end = time.monotonic() + 60
    with shop.engine.connect() as connection:
        while connection.execute(there, {"pid": pid}).scalar_one():
            connection.rollback()
            assert time.monotonic() < end, "the connection is still open"


def pool() -> QueuePool:
    """The pool of the web's connections."""
    assert isinstance(db.engine.pool, QueuePool)
    return db.engine.pool
