"""Accepting an order and sweeping up after a crash, at every labelled step (promises I2, I3, I4, I7, I9)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from orders import failpoints
from orders.adapters.memory.clock import MemoryClock
from orders.adapters.memory.inventory import MemoryInventory
from orders.adapters.memory.queue import MemoryOrders
from orders.adapters.memory.tracking import MemoryTracking
from orders.domain.errors import IdempotencyConflict, InvalidRequest, Unavailable
from orders.domain.ids import OrderId, Sku
from orders.domain.inventory import ReservationState
from orders.domain.request import OrderRequest
from orders.messages import decode_job, decode_order_request
from orders.ports import JobMessage
from orders.services.submit_order import Accepted, submit_order
from orders.services.sweep import Swept, sweep
from tests.order_samples import order_body, order_request

MUG = Sku("MUG-RED")
STEPS = ["submit.before_reserve", "submit.after_reserve", "submit.after_send", "submit.after_mark_sent"]


@dataclass
class World:
    clock: MemoryClock
    tracking: MemoryTracking
    inventory: MemoryInventory
    queue: MemoryOrders

    def submit(self, request: OrderRequest, correlation_id: str = "c" * 32) -> Accepted:
        return submit_order(
            request,
            inventory=self.inventory,
            queue=self.queue,
            clock=self.clock,
            currency="EUR",
            reservation_ttl_seconds=3600,
            correlation_id=correlation_id,
        )

    def sweep(self, limit: int = 500) -> Swept:
        return sweep(
            inventory=self.inventory, queue=self.queue, clock=self.clock, sweep_after_seconds=5, limit=limit
        )

    def messages(self) -> list[JobMessage]:
        received = self.queue.queues["orders"].receive(10, visibility_seconds=0)
        return [decode_job(message.body) for message in received]

    def reserved(self) -> int:
        return self.inventory.levels([MUG])[MUG].reserved


@pytest.fixture
def world() -> Iterator[World]:
    """Ten mugs and no orders."""
    clock, tracking = MemoryClock(), MemoryTracking()
    inventory = MemoryInventory(tracking)
    inventory.set_up_sku(MUG, 1250, "EUR")
    inventory.restock(MUG, 10, "first")
    yield World(clock, tracking, inventory, MemoryOrders(clock))
    failpoints.configure("")


def test_the_message_carries_the_whole_order_and_a_stable_id(world: World) -> None:
    request = order_request()
    world.submit(request)
    (message,) = world.messages()
    assert (message.id, message.job) == (f"record_order:{request.order_id}", "record_order")
    assert decode_order_request(message.payload["order"]) == request
    assert message.payload["accepted_at"] == "2026-11-22T12:00:00+00:00"
    assert message.traceparent.startswith(f"00-{'c' * 32}")


@pytest.mark.parametrize("step", STEPS)
def test_a_fault_at_any_step_loses_nothing_and_doubles_nothing(world: World, step: str) -> None:
    """Whatever the caller saw: after a retry and a sweep there is one reservation and one message id."""
    request = order_request()
    failpoints.configure(f"{step}:error@1")
    try:
        world.submit(request)
    except Unavailable:
        assert step == "submit.before_reserve"
        assert world.reserved() == 0  # "Unavailable" means that surely nothing was done.
    world.clock.advance(6)
    world.sweep()
    accepted = world.submit(request)
    assert accepted.reservation.order_id == request.order_id
    assert world.reserved() == 2
    assert {message.id for message in world.messages()} == {f"record_order:{request.order_id}"}
    world.clock.advance(6)
    assert world.sweep() == Swept(0, 0, 0)


def test_after_the_reservation_the_sweeper_alone_brings_the_order_home(world: World) -> None:
    """The shopper never came back: promise I2 all the same."""
    failpoints.configure("submit.after_reserve:error")
    world.submit(order_request())
    assert not world.messages()
    world.clock.advance(4)
    assert world.sweep() == Swept(0, 0, 0)  # Not yet: the Lambda may still be about to send it.
    world.clock.advance(2)
    assert world.sweep() == Swept(1, 0, 0)
    assert len(world.messages()) == 1


def test_a_replay_has_the_first_answer(world: World) -> None:
    request = order_request()
    first = world.submit(request)
    world.clock.advance(60)
    again = world.submit(request, correlation_id="d" * 32)
    assert (first.is_replay, again.is_replay) == (False, True)
    assert again.reservation.accepted_at == first.reservation.accepted_at
    assert again.reservation.correlation_id == "c" * 32


def test_another_body_under_the_same_key_is_refused(world: World) -> None:
    request = order_request()
    world.submit(request)
    with pytest.raises(IdempotencyConflict):
        world.submit(order_request(order_id=request.order_id, note="changed"))
    assert world.reserved() == 2
    assert len(world.messages()) == 1


def test_the_shops_currency_is_the_only_one(world: World) -> None:
    with pytest.raises(InvalidRequest, match="EUR"):
        world.submit(order_request(currency="USD"))
    assert world.reserved() == 0


def test_an_abandoned_reservation_ends_and_its_order_reaches_the_book(world: World) -> None:
    """Promises I7 and I2: the stock comes back, and the worker gets the whole order to record as expired."""
    request = order_request()
    world.submit(request)
    world.clock.advance(3601)
    assert world.sweep() == Swept(0, 1, 0)
    assert world.sweep() == Swept(0, 0, 0)
    assert world.reserved() == 0
    placed, expired = world.messages()
    assert (expired.id, expired.job) == (f"expire_order:{request.order_id}", "expire_order")
    assert expired.payload["order"] == placed.payload["order"]
    assert expired.payload["expired_at"] > expired.payload["accepted_at"]
    assert expired.correlation_id == placed.correlation_id
    shown = world.tracking.get(request.order_id)
    assert shown is not None
    assert (shown.stage, shown.order_status, shown.version) == ("expired", "expired", 2)


@pytest.mark.parametrize("step", ["sweep.after_expire", "sweep.after_send"])
def test_a_sweeper_that_dies_is_followed_by_one_that_finishes(world: World, step: str) -> None:
    world.submit(order_request())
    world.clock.advance(3601)
    failpoints.configure(f"{step}:error@1")
    with pytest.raises(Unavailable):
        world.sweep()
    world.clock.advance(6)
    world.sweep()
    assert world.reserved() == 0
    assert "expire_order" in {message.job for message in world.messages()}
    world.clock.advance(6)
    assert world.sweep() == Swept(0, 0, 0)


def test_a_sweep_is_bounded_and_the_next_goes_on(world: World) -> None:
    failpoints.configure("submit.after_reserve:error")
    for _ in range(5):
        world.submit(order_request([("MUG-RED", 1, 1250)]))
    failpoints.configure("")
    world.clock.advance(6)
    assert [world.sweep(limit=2).sent for _ in range(4)] == [2, 2, 1, 0]


def test_a_reservation_whose_message_is_unreadable_is_kept_for_people(world: World) -> None:
    request = order_request()
    world.submit(request)
    order_id = OrderId(request.order_id)
    found = world.inventory.find_reservation(order_id)
    assert found is not None
    world.inventory._orders[order_id] = replace(found, message="{")
    world.clock.advance(3601)
    assert world.sweep() == Swept(0, 0, 1)
    assert world.reserved() == 2
    kept = world.inventory.find_reservation(order_id)
    assert kept is not None
    assert kept.state is ReservationState.RESERVED


def test_the_body_that_was_fingerprinted_is_the_body_that_is_queued(world: World) -> None:
    """Defaults that the caller left out do not make it another order."""
    body = order_body()
    short = json.loads(json.dumps(body))
    del short["shipping_address"]["line2"]
    world.submit(decode_order_request(body))
    assert world.submit(decode_order_request(short)).is_replay
