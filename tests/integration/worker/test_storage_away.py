"""PostgreSQL that answers and cannot write: what it says, and what the worker makes of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from orders.adapters.rds.engine import database_errors, make_engine
from orders.domain.errors import StorageAway, Unavailable
from orders.settings import Settings
from tests.integration.worker.conftest import Shop, record_message, until

_FULL = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER disk_is_full BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION no_room()
"""


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A database of this test."""
    engine = make_engine(Settings(database_url=database_url), "test")
    yield engine
    engine.dispose()


def raise_in_postgresql(engine: Engine, state: str) -> None:
    """Have a statement fail with this SQLSTATE."""
    with database_errors("a test"), engine.begin() as connection:
        connection.execute(text(f"DO $$ BEGIN RAISE 'no' USING ERRCODE = '{state}'; END $$"))


@pytest.mark.parametrize("state", ["53100", "53300", "57P01", "57P03", "58030", "25006", "08006"])
def test_with_what_any_statement_is_answered_is_told_apart(engine: Engine, state: str) -> None:
    """Nothing is wrong with the statement, nor with the message behind it."""
    with pytest.raises(StorageAway):
        raise_in_postgresql(engine, state)


@pytest.mark.parametrize("state", ["40001", "40P01", "55P03", "57014"])
def test_what_only_this_statement_met_is_no_absence(engine: Engine, state: str) -> None:
    """Locks, deadlocks and time limits: again later, and counted."""
    with pytest.raises(Unavailable) as caught:
        raise_in_postgresql(engine, state)
    assert not isinstance(caught.value, StorageAway)


def test_a_wrong_statement_stays_a_bug(engine: Engine) -> None:
    """Trying it again would change nothing."""
    with pytest.raises(DBAPIError):
        raise_in_postgresql(engine, "22012")


def test_while_the_disk_is_full_messages_stay_in_hand_and_no_try_is_counted(shop: Shop) -> None:
    """PostgreSQL answers a ping all the while: only the statement that writes tells."""
    with shop.engine.begin() as connection:
        connection.execute(text(_FULL))
    shop.queues["orders"].send_many([record_message(), record_message()])
    worker = shop.worker(visibility_seconds=6)
    held = until(lambda: len(worker.leases.all()) == 2 and worker.leases.all())
    until(lambda: all(delivery.local_attempts >= 3 for delivery in held))
    with shop.engine.begin() as connection:
        connection.execute(text("DROP TRIGGER disk_is_full ON orders"))
    until(lambda: shop.count("orders") == 2)
    assert [delivery.attempt for delivery in held] == [1, 1]
    assert shop.count("quarantine") == 0
    until(lambda: shop.queues["orders"].depth().total == 0)
