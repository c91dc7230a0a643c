"""A database that is full or away: nothing is wrong with the messages, so they wait in hand, shortly and without end."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from orders.adapters.memory.queue import MemoryQueue
from orders.domain.errors import StorageAway, Unavailable
from orders.messages import encode_job
from orders.ports import JobMessage
from tests.unit.worker.moving_time import Time
from worker import backlog, executor, leases, poller, registry
from worker.acknowledge import Acknowledger
from worker.backlog import Backlog
from worker.delivery import Delivery
from worker.executor import Executor
from worker.heartbeat import Heartbeat
from worker.job import Job
from worker.leases import Leases
from worker.poller import Poller
from worker.retry import AWAY, Retry
from worker.testing import Workbench

VISIBILITY = 6
FIVE_MINUTES = 300
PATIENT = Retry(max_attempts=5, first_seconds=5, factor=4)
"""As a capture: its second pause may be twenty seconds."""


class Ward:
    """One worker's parts, driven step by step, and the quarantine that it fills."""

    def __init__(self, time: Time) -> None:
        self.time = time
        self.queue = MemoryQueue(time.queue, visibility_seconds=VISIBILITY)
        self.quarantined: list[tuple[str, int]] = []
        self.attempts: Counter[str] = Counter()
        """By message: the highest receive count that was seen."""
        held, sources = Leases(), {"orders": self.queue}
        self.backlog = Backlog(["orders"], 4, clock=time)
        self._poller = Poller(
            "orders", self.queue, self.backlog, held, VISIBILITY, wait_seconds=0, clock=time
        )
        self._heartbeat = Heartbeat(held, sources, VISIBILITY, clock=time)
        self._acknowledger = Acknowledger(held, sources)
        nothing: Any = None
        self._executor = Executor(
            Workbench().context,
            self.backlog,
            held,
            self._acknowledger,
            self,
            sources,
            (),
            nothing,  # type: ignore[arg-type]
        )

    def take(self, delivery: Delivery, error: BaseException) -> None:
        """As quarantine.Quarantine."""
        self.quarantined.append((delivery.message.id, delivery.attempt))

    def work(self, seconds: int) -> None:
        """So many seconds of a worker's life."""
        for _ in range(seconds):
            if (room := self.backlog.wait_for_room("orders", 0)) > 0:
                self._poller._poll(room, None)  # type: ignore[arg-type]
            while group := self.backlog.take(0):
                self.attempts |= Counter({delivery.message.id: delivery.attempt for delivery in group})
                self._executor.serve(group)
            while not self._acknowledger._finished.empty():
                done = self._acknowledger._finished.get()
                assert done is not None
                self._acknowledger._delete([done])
            self._heartbeat.beat()
            self.time.step()


@pytest.fixture
def ward(monkeypatch: pytest.MonkeyPatch) -> Ward:
    """On an injected clock and with drawn numbers that are always the same."""
    time = Time()
    for module in (executor, leases, poller):
        monkeypatch.setattr(module, "monotonic", time)
    monkeypatch.setattr(poller, "time", lambda: time.queue.now().timestamp())
    monkeypatch.setattr(executor, "random", random.Random(7))
    return Ward(time)


@pytest.fixture
def enter() -> Iterator[Callable[[Job], None]]:
    """Enters a job for one test."""
    names: list[str] = []

    def enter(job: Job) -> None:
        registry.add(job)
        names.append(job.name)

    yield enter
    for name in names:
        del registry._jobs[name]


def send(ward: Ward, job: str, *names: str) -> None:
    """Messages for a job, by their ids."""
    for name in names:
        ward.queue.send(encode_job(JobMessage(name, job, {})))


def test_a_disk_that_is_full_for_five_minutes_sends_no_good_message_to_quarantine(
    ward: Ward, enter: Callable[[Job], None]
) -> None:
    """And the longest pause of a message is three seconds, so that its end is noticed within them."""
    full_until, done = ward.time.now + FIVE_MINUTES, []

    def capture(context: Any, message: JobMessage) -> None:
        if ward.time.now < full_until:
            raise StorageAway("53100")
        done.append(message.id)

    enter(Job("test_patience", capture, retry=PATIENT))
    send(ward, "test_patience", *(f"m{number}" for number in range(20)))
    ward.work(FIVE_MINUTES)
    assert not done
    ward.work(20)
    assert sorted(done) == sorted(f"m{number}" for number in range(20))
    assert not ward.quarantined
    assert max(ward.attempts.values()) < PATIENT.max_attempts
    assert ward.queue.depth().total == 0


def test_a_few_seconds_without_room_cost_a_message_a_few_seconds_and_no_try(
    ward: Ward, enter: Callable[[Job], None]
) -> None:
    """It stays in hand: the pause of its own job, twenty seconds after the second failure, is not for this."""
    full_until, done = ward.time.now + 7, []

    def capture(context: Any, message: JobMessage) -> None:
        if ward.time.now < full_until:
            raise StorageAway("53100")
        done.append(message.id)

    enter(Job("test_patience", capture, retry=PATIENT))
    send(ward, "test_patience", "m")
    ward.work(7 + round(AWAY.longest_seconds) + 1)
    assert done == ["m"]
    assert ward.attempts["m"] == 1


def test_what_the_database_never_takes_ends_in_quarantine_and_holds_up_nobody(
    ward: Ward, enter: Callable[[Job], None]
) -> None:
    """A message that itself is what the database falls over: five receives, as any poison."""
    done: list[str] = []

    def record(context: Any, messages: list[JobMessage]) -> None:
        if any(message.id == "poison" for message in messages):
            raise StorageAway("58030")
        done.extend(message.id for message in messages)

    enter(Job("test_patience", record, batch=10))
    others = [f"m{number}" for number in range(8)]
    send(ward, "test_patience", *others[:2], "poison", *others[2:])
    ward.work(30)
    assert sorted(done) == others
    send(ward, "test_patience", "late")
    ward.work(10)
    assert done[-1] == "late"
    ward.work(5 * AWAY.max_attempts * round(AWAY.longest_seconds))
    assert ward.quarantined == [("poison", 5)]
    assert ward.queue.depth().total == 0


def test_another_services_absence_counts_as_a_try(ward: Ward, enter: Callable[[Job], None]) -> None:
    """A payment company that does not answer is asked again patiently, and in the end a person is told."""

    def capture(context: Any, message: JobMessage) -> None:
        raise Unavailable("the provider is away")

    enter(Job("test_patience", capture, retry=replace(PATIENT, factor=1)))
    send(ward, "test_patience", "m")
    ward.work(FIVE_MINUTES)
    assert ward.quarantined == [("m", 5)]


def test_a_thread_sleeps_until_the_first_message_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody wakes it: without this it would look again when its own time is over."""
    time, slept = Time(), []

    class Changed:
        def __enter__(self) -> None: ...
        def __exit__(self, *error: object) -> None: ...
        def notify_all(self) -> None: ...

        def wait(self, seconds: float) -> None:
            slept.append(seconds)
            time.now += seconds

    monkeypatch.setattr(backlog.threading, "Condition", Changed)
    waiting = Backlog(["orders"], 4, clock=time)
    queue = MemoryQueue(time.queue)
    queue.send("body")
    delivery = Delivery(
        "orders",
        queue.receive(1)[0],
        JobMessage("m", "j", {}),
        Job("j", lambda *_: None),
        1e9,
        not_before=1001.5,
    )
    waiting.put([delivery])
    assert waiting.take(30) == [delivery]
    assert slept == [1.5]
