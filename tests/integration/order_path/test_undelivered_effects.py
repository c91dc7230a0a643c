"""The outbox relay and a world that does not answer: a promise stays until it is kept, and holds up its order alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from orders.adapters.rds.engine import make_engine
from orders.adapters.rds.order_book import SqlOrderBook
from orders.domain.errors import Unavailable
from orders.domain.ids import OrderId, new_order_id
from orders.ports import Effect, OutboxRow
from orders.settings import Settings
from worker.outbox import LONGEST_WHILE_AWAY_SECONDS, OutboxRelay
from worker.testing import Workbench


class DeafTopic:
    """A topic that does not take the events of some orders."""

    def __init__(self) -> None:
        self.deaf_to: set[OrderId] = set()
        self.heard: list[str] = []

    def publish(self, events: Sequence[Mapping[str, Any]]) -> None:
        """See ports.EventTopic."""
        if any(event["order_id"] in self.deaf_to for event in events):
            raise Unavailable("the topic does not answer")
        self.heard += [event["order_id"] for event in events]


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A database of this test."""
    engine = make_engine(Settings(database_url=database_url), "test")
    yield engine
    engine.dispose()


def promise(engine: Engine, order_id: OrderId, key: str) -> None:
    """An event that was promised in a committed transaction."""
    with SqlOrderBook(engine).transaction() as tx:
        tx.add_outbox([OutboxRow(f"{order_id}:{key}", Effect.EVENT, order_id, {"order_id": order_id})])


def waiting(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM outbox")) or 0)


def test_an_effect_that_failed_is_delivered_later_and_the_others_at_once(engine: Engine) -> None:
    """Only what was delivered leaves the outbox; the backoff belongs to the order whose effect failed."""
    topic, now = DeafTopic(), datetime.now(UTC)
    unlucky, lucky = (new_order_id(now) for _ in range(2))
    topic.deaf_to = {unlucky}
    promise(engine, unlucky, "first")
    promise(engine, unlucky, "second")
    promise(engine, lucky, "first")
    effects = replace(Workbench().context.effects, topic=topic, now=lambda: datetime.now(UTC))

    OutboxRelay(engine, effects).drain()
    assert topic.heard == [lucky]
    assert waiting(engine) == 2

    topic.deaf_to = set()
    tomorrow = replace(effects, now=lambda: datetime.now(UTC) + timedelta(days=1))
    OutboxRelay(engine, tomorrow).drain()
    assert topic.heard == [lucky, unlucky, unlucky]
    assert waiting(engine) == 0


def test_however_long_a_target_was_away_its_effects_follow_within_ten_seconds(engine: Engine) -> None:
    """An hour of failures makes the pause no longer than a minute of them does."""
    topic, began = DeafTopic(), datetime.now(UTC)
    order = new_order_id(began)
    topic.deaf_to = {order}
    promise(engine, order, "first")
    passed = [timedelta()]
    effects = replace(Workbench().context.effects, topic=topic, now=lambda: began + passed[0])
    for minutes in range(1, 61):
        passed[0] = timedelta(minutes=minutes)
        assert OutboxRelay(engine, effects).relay_once() == 1
    topic.deaf_to = set()
    passed[0] += timedelta(seconds=LONGEST_WHILE_AWAY_SECONDS)
    OutboxRelay(engine, effects).drain()
    assert topic.heard == [order]
