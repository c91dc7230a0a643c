"""The outbox relay and the job queue over the real PostgreSQL, with the world in memory."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Engine, text

from orders.adapters.memory.clock import MemoryClock
from orders.adapters.memory.inventory import MemoryInventory
from orders.adapters.memory.queue import MemoryOrders
from orders.adapters.memory.topic import MemoryEvents
from orders.adapters.memory.tracking import MemoryTracking
from orders.adapters.rds.engine import make_engine
from orders.adapters.rds.order_book import SqlOrderBook
from orders.adapters.sqs import ReceivedMessage
from orders.domain.errors import NotFound, Unavailable
from orders.domain.ids import OrderId, Sku, new_order_id
from orders.domain.inventory import ReservationState
from orders.messages import decode_job
from orders.ports import Effect, OutboxRow
from orders.settings import Settings
from tests.order_samples import NOON, reservation, view
from worker.delivery import Delivery
from worker.effects import Effects
from worker.job import Job
from worker.jobs.deliver_effect import deliver_effect
from worker.leases import DoneBefore, FencedBook, serving
from worker.outbox import GIVE_UP_AFTER, OutboxRelay
from worker.queue import JobQueue, release_unique, send_due


class World:
    """Where effects go, and what is asked of it."""

    def __init__(self, database_url: str) -> None:
        self.clock = MemoryClock()
        self.engine: Engine = make_engine(Settings(database_url=database_url), "test")
        self.book = SqlOrderBook(self.engine)
        self.tracking = MemoryTracking()
        self.topic = MemoryEvents()
        self.queues = MemoryOrders(self.clock)
        self.inventory = MemoryInventory(self.tracking)

    def effects(self) -> Effects:
        """Where effects go."""
        return Effects(self.tracking, self.inventory, self.topic, self.queues, self.clock.now)

    def relay(self, **ports: Any) -> OutboxRelay:
        """A relay into this world, with some of its ports replaced."""
        return OutboxRelay(self.engine, replace(self.effects(), **ports))

    def reserve(self, order_id: OrderId) -> None:
        """Stock a shelf and reserve from it."""
        self.inventory.set_up_sku(Sku("MUG-RED"), 1250, "EUR")
        self.inventory.restock(Sku("MUG-RED"), 10, "first")
        wanted = reservation(order_id=order_id)
        self.inventory.reserve(wanted, view(order_id, at=wanted.accepted_at))

    def promise(self, order_id: OrderId, *numbers: int) -> None:
        """Promise events of one order."""
        rows = [
            OutboxRow(
                f"{order_id}:{number}",
                Effect.EVENT,
                order_id,
                {"schema_version": 1, "event": f"e{number}", "order_id": order_id, "at": "now", "order": {}},
            )
            for number in numbers
        ]
        with self.book.transaction() as tx:
            tx.add_outbox(rows)

    def told(self, order_id: OrderId) -> list[str]:
        """What the topic heard of an order, in order."""
        return [event["event"] for event in self.topic.published if event["order_id"] == order_id]

    def waiting(self) -> int:
        """Rows in the outbox."""
        with self.engine.connect() as connection:
            return int(connection.scalar(text("SELECT count(*) FROM outbox")) or 0)


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    """An empty one. Its clock runs ahead of the database's, so that everything promised is due."""
    world = World(database_url)
    world.clock.advance(400 * 86_400)
    yield world
    world.engine.dispose()


def test_promises_are_kept_in_the_order_of_each_order(world: World) -> None:
    """And deleted when they are kept."""
    one, two = new_order_id(NOON), new_order_id(NOON)
    world.promise(one, 1, 2)
    world.promise(two, 1)
    world.promise(one, 3)
    assert world.relay().drain() == 4
    assert (world.told(one), world.told(two)) == (["e1", "e2", "e3"], ["e1"])
    assert world.waiting() == 0


def test_while_one_order_fails_the_others_go_on_and_its_own_wait_in_line(world: World) -> None:
    """A failed effect is tried again later; nothing of its order overtakes it."""

    class Moody(MemoryEvents):
        broken = ""

        def publish(self, messages: Any) -> None:
            if any(message["order_id"] == self.broken for message in messages):
                raise Unavailable("not this one")
            super().publish(messages)

    world.topic = moody = Moody()
    bad, good = new_order_id(NOON), new_order_id(NOON)
    moody.broken = bad
    world.promise(bad, 1)
    world.promise(good, 1, 2)
    relay = world.relay()
    relay.drain()
    world.promise(bad, 2)
    assert relay.relay_once() == 0, "its order waits for the failed one"
    assert (world.told(bad), world.told(good)) == ([], ["e1", "e2"])
    moody.broken = ""
    world.clock.advance(3600)
    relay.drain()
    assert world.told(bad) == ["e1", "e2"]


def test_a_relay_that_dies_in_the_middle_leaves_everything_due(world: World) -> None:
    """The effect may have happened: it happens again, and nothing is lost."""
    order = new_order_id(NOON)
    world.promise(order, 1)

    class Died(BaseException):
        pass

    class Deadly(MemoryEvents):
        def publish(self, messages: Any) -> None:
            raise Died

    with pytest.raises(Died):
        world.relay(topic=Deadly()).relay_once()
    assert world.waiting() == 1
    world.relay().drain()
    assert world.told(order) == ["e1"]


def test_several_relays_share_the_work_without_doing_it_twice(world: World) -> None:
    """SKIP LOCKED: four at once, each order told once and in order."""
    orders = [new_order_id(NOON) for _ in range(120)]
    for order in orders:
        world.promise(order, 1, 2, 3)
    threads = [threading.Thread(target=world.relay().drain) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    world.relay().drain()
    assert all(world.told(order) == ["e1", "e2", "e3"] for order in orders)
    assert world.waiting() == 0


COUNT = Job("count", lambda *_: None, queue="low", unique_for_seconds=600)
KEPT = Job("kept", lambda *_: None, queue="low", keeps_result=True)


def sent(world: World) -> list[str]:
    """The ids of what is in the low queue now."""
    return [decode_job(message.body).id for message in world.queues.queues["low"].receive(10)]


def test_a_job_is_sent_now_soon_or_much_later(world: World) -> None:
    """Up to 15 minutes SQS delays it; beyond that it lies in the database until then."""
    queue = JobQueue(world.engine, world.queues, world.clock)
    queue.enqueue(KEPT, job_id="now")
    queue.enqueue(KEPT, job_id="soon", delay=600)
    queue.enqueue(KEPT, job_id="later", at=world.clock.now() + timedelta(hours=20))
    assert sent(world) == ["now"]
    assert send_due(world.engine, world.queues, world.clock.now()) == 0
    world.clock.advance(601)
    assert "soon" in sent(world)
    world.clock.advance(20 * 3600)
    assert send_due(world.engine, world.queues, world.clock.now()) == 1
    assert "later" in sent(world)
    assert send_due(world.engine, world.queues, world.clock.now()) == 0


def test_a_repeating_job_is_run_once_for_all_that_was_missed(world: World) -> None:
    """Each run is a message of its own; asking twice schedules it once."""
    queue = JobQueue(world.engine, world.queues, world.clock)
    for _ in range(2):
        queue.enqueue(KEPT, every=3600, job_id="every:kept")
    assert send_due(world.engine, world.queues, world.clock.now()) == 1
    world.clock.advance(10 * 3600)
    assert send_due(world.engine, world.queues, world.clock.now()) == 1
    assert send_due(world.engine, world.queues, world.clock.now()) == 0
    assert len(set(sent(world))) == 2


def test_a_unique_job_waits_once_until_it_is_done_or_forgotten(world: World) -> None:
    """The same payload is the same job; another payload is another."""
    queue = JobQueue(world.engine, world.queues, world.clock)
    first = queue.enqueue(COUNT, {"day": 1})
    assert queue.enqueue(COUNT, {"day": 1}) == replace(first, is_new=False)
    assert queue.enqueue(COUNT, {"day": 2}).is_new
    message = next(
        found
        for held in world.queues.queues["low"].receive(10)
        if (found := decode_job(held.body)).id == first.id
    )
    release_unique(world.engine, message)
    again = queue.enqueue(COUNT, {"day": 1})
    assert again.is_new
    world.clock.advance(601)
    assert queue.enqueue(COUNT, {"day": 1}).is_new, "a claim that was never released ends by itself"


def test_an_effect_that_is_refused_goes_to_quarantine_and_its_order_goes_on(world: World) -> None:
    """A reservation that does not exist is asked for eight times, then shown to a person; a replay delivers it."""
    order = new_order_id(NOON)
    with world.book.transaction() as tx:
        tx.add_outbox([OutboxRow(f"{order}:confirm-stock", Effect.CONFIRM_STOCK, order, {})])
    world.promise(order, 1)
    relay = world.relay()
    for _ in range(GIVE_UP_AFTER):
        assert world.waiting() == 1 + (world.told(order) == [])
        relay.drain()
        world.clock.advance(600)
    assert (world.waiting(), world.told(order)) == (0, ["e1"])
    with world.engine.connect() as connection:
        (kept,) = connection.execute(text("SELECT * FROM quarantine WHERE resolved_at IS NULL")).mappings()
    assert (kept["job"], kept["order_id"], kept["attempts"]) == ("deliver_effect", order, GIVE_UP_AFTER)
    assert kept["error"].startswith("NotFound: no reservation")
    replay = decode_job(kept["body"])
    context: Any = SimpleNamespace(effects=world.effects())
    with pytest.raises(NotFound):
        deliver_effect.function(context, replay)
    world.reserve(order)
    deliver_effect.function(context, replay)
    assert world.inventory.confirm(order) is ReservationState.CONFIRMED


ONCE = Job("once", lambda *_: None, queue="low", idempotent_by=("order_id", "day"))


def test_a_job_that_is_idempotent_by_something_takes_effect_once(world: World) -> None:
    """Asked for twice it is one message; delivered twice, its transaction is committed once; another day is another job."""
    queue = JobQueue(world.engine, world.queues, world.clock)
    order = new_order_id(NOON)
    first = queue.enqueue(ONCE, {"day": 1, "why": "now"}, order_id=order)
    assert queue.enqueue(ONCE, {"day": 1, "why": "again"}, order_id=order) == first
    assert queue.enqueue(ONCE, {"day": 2}, order_id=order).id != first.id
    book = FencedBook(world.book)

    def run(body: str) -> None:
        received = ReceivedMessage("1", body, "h", 1, NOON)
        with serving([Delivery("low", received, decode_job(body), ONCE, 1e12)]), book.transaction() as tx:
            event = {"schema_version": 1, "event": "e", "order_id": order, "at": "now", "order": {}}
            tx.add_outbox([OutboxRow(f"{order}:{uuid.uuid4()}", Effect.EVENT, order, event)])

    bodies = [message.body for message in world.queues.queues["low"].receive(10)]
    mine = [body for body in bodies if decode_job(body).id == first.id]
    assert len(mine) == 2
    run(mine[0])
    with pytest.raises(DoneBefore):
        run(mine[1])
    assert world.waiting() == 1
