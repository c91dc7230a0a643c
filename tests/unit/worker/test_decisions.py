"""Retry, leases and the registry: what becomes of a message is decided by type, and only for messages that are ours."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.adapters.memory.clock import MemoryClock
from orders.adapters.memory.order_book import MemoryOrderBook
from orders.adapters.memory.queue import MemoryQueue
from orders.adapters.sqs import ReceivedMessage
from orders.domain.errors import InvalidRequest, NotFound, OutcomeUnknown, Poison, Unavailable
from orders.messages import encode_job
from orders.ports import JobMessage
from worker import registry
from worker.delivery import Delivery
from worker.heartbeat import Heartbeat
from worker.job import Job
from worker.leases import FencedBook, Leases, serving
from worker.poller import Poller
from worker.registry import job
from worker.retry import Fate, JobTimedOut, LeaseLost, NotYet, Retry, fate_of


@pytest.mark.parametrize(
    ("error", "fate"),
    [
        (Unavailable("away"), Fate.RETRY),
        (OutcomeUnknown("lost"), Fate.RETRY),
        (NotYet("later"), Fate.RETRY),
        (JobTimedOut(), Fate.RETRY),
        (ZeroDivisionError(), Fate.RETRY),
        (Poison("bad"), Fate.QUARANTINE),
        (InvalidRequest([]), Fate.QUARANTINE),
        (NotFound("none"), Fate.QUARANTINE),
        (LeaseLost("gone"), Fate.DROP),
    ],
)
def test_the_type_of_the_error_decides(error: BaseException, fate: Fate) -> None:
    """Transient errors come again, permanent ones never; a bug is tried again and then kept."""
    assert fate_of(error, 1, Retry(max_attempts=5)) is fate
    if fate is Fate.RETRY:
        assert fate_of(error, 5, Retry(max_attempts=5)) is Fate.QUARANTINE


@given(st.integers(1, 60), st.floats(0, 1))
def test_the_wait_grows_and_is_bounded(attempt: int, draw: float) -> None:
    """Full jitter: from nothing up to the limit of the attempt."""
    retry = Retry(first_seconds=2, factor=3, longest_seconds=300)
    wait = retry.delay(attempt, lambda: draw)
    assert 0 <= wait <= min(300, 2 * 3 ** (attempt - 1))
    assert retry.delay(attempt, lambda: 1.0) <= retry.delay(attempt + 1, lambda: 1.0)


def test_a_job_is_found_by_name_and_nothing_else_is_run() -> None:
    """A message cannot name a module or a function."""
    known = registry.load()
    assert {"record_order", "capture_payment", "settle_payment", "cancel_order", "expire_order"} <= set(known)
    with pytest.raises(Poison):
        registry.find("os.system")


def test_two_functions_cannot_share_a_name() -> None:
    """The second one would silently take the first one's messages."""

    @job(name="shared-name-for-a-test")
    def first(context: Any, message: Any) -> None:
        """One."""

    with pytest.raises(ValueError, match="two jobs"):

        @job(name="shared-name-for-a-test")
        def second(context: Any, message: Any) -> None:
            """Another."""


class Time:
    """A monotonic clock under the test's control."""

    now = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def held(queue: MemoryQueue, time: Time, visibility: float = 10) -> Delivery:
    """A message that was received from a memory queue at this moment."""
    received = queue.receive(1)[0]
    return Delivery(
        "orders", received, JobMessage("m", "j", {}), Job("j", lambda *_: None), time.now + visibility
    )


def test_a_lease_is_moved_on_for_as_long_as_the_message_is_held() -> None:
    """Eight hours of clock: a 10 s visibility never runs out under the heartbeat."""
    clock, time, leases = MemoryClock(), Time(), Leases()
    queue = MemoryQueue(clock, visibility_seconds=10)
    queue.send("body")
    delivery = held(queue, time)
    leases.add([delivery])
    heartbeat = Heartbeat(leases, {"orders": queue}, 10, clock=time)
    for _ in range(8 * 3600 // 2):
        time.now += 2
        clock.advance(2)
        heartbeat.beat()
        delivery.check(time.now)
    assert queue.receive(1) == []


def test_a_lost_lease_is_noticed_and_its_work_is_not_committed() -> None:
    """Fencing: a worker that slept through its lease must not commit when it wakes up."""
    clock, time, leases = MemoryClock(), Time(), Leases()
    queue = MemoryQueue(clock, visibility_seconds=10)
    queue.send("body")
    delivery = held(queue, time)
    leases.add([delivery])
    clock.advance(60)
    assert len(queue.receive(1)) == 1, "another worker has it now"
    time.now += 5
    Heartbeat(leases, {"orders": queue}, 10, clock=time).beat()
    assert delivery.is_lost
    book = MemoryOrderBook()
    with pytest.raises(LeaseLost), serving([delivery]), FencedBook(book).transaction() as tx:
        tx.accept_messages(["m"], "j")
    assert book.tables.inbox == {}


def test_a_missed_beat_is_not_a_lost_lease() -> None:
    """While SQS is away the lease runs on until its own end, and no longer."""

    class Away(MemoryQueue):
        def change_visibility_many(self, handles: Any, seconds: int) -> list[str]:
            raise Unavailable("away")

    time, leases = Time(), Leases()
    queue = Away(MemoryClock())
    queue.send("body")
    delivery = held(queue, time)
    leases.add([delivery])
    time.now += 9
    Heartbeat(leases, {"orders": queue}, 10, clock=time).beat()
    delivery.check(time.now)
    time.now += 1
    with pytest.raises(LeaseLost):
        delivery.check(time.now)


@pytest.mark.parametrize("body", ["", "{", "[]", '{"schema_version": 9}', '{"id":"x","job":"os.system"}'])
def test_an_unreadable_message_goes_the_way_of_a_failed_job(body: str) -> None:
    """It is not lost, does not stop the loop, and says what is wrong with it."""
    received = ReceivedMessage("1", body, "h", 1, datetime(2026, 11, 22, tzinfo=UTC))
    poller = Poller("orders", MemoryQueue(MemoryClock()), None, Leases(), 10)  # type: ignore[arg-type]
    delivery = poller._delivery(received, 0.0)
    with pytest.raises(Poison) as caught:
        delivery.job.function(None, delivery.message)
    assert fate_of(caught.value, 1, delivery.job.retry) is Fate.QUARANTINE


def test_a_known_message_finds_its_job() -> None:
    """By the name in its envelope."""
    registry.load()
    body = encode_job(JobMessage("m1", "cancel_order", {"a": 1}, order_id="o"))
    received = ReceivedMessage("1", body, "h", 1, datetime(2026, 11, 22, tzinfo=UTC))
    poller = Poller("high", MemoryQueue(MemoryClock()), None, Leases(), 10)  # type: ignore[arg-type]
    delivery = poller._delivery(received, 5.0)
    assert (delivery.job.name, delivery.key, delivery.leased_until) == ("cancel_order", "o", 15.0)
