"""The backlog: priorities without starvation, one order in order, batches, and no more in hand than can be served."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from orders.adapters.sqs import ReceivedMessage
from orders.ports import JobMessage
from worker.backlog import PASSED_OVER_LIMIT, Backlog
from worker.delivery import Delivery
from worker.job import Job

ONE = Job("one", lambda *_: None)
MANY = Job("many", lambda *_: None, batch=3)
QUEUES = ("high", "orders", "low")


class Clock:
    """A monotonic clock under the test's control."""

    now = 100.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def delivery(name: str, order: str = "", queue: str = "orders", job: Job = ONE) -> Delivery:
    """A message in hand."""
    received = ReceivedMessage(name, "{}", f"h-{name}", 1, datetime(2026, 11, 22, tzinfo=UTC))
    return Delivery(queue, received, JobMessage(name, job.name, {}, order_id=order), job, leased_until=1e9)


def taken(backlog: Backlog) -> list[str]:
    """The ids of what is given out next, without waiting."""
    return [found.message.id for found in backlog.take(0)]


def test_the_urgent_queue_goes_first() -> None:
    """However the messages came in."""
    backlog = Backlog(QUEUES, threads=4)
    backlog.put([delivery("l", queue="low"), delivery("o"), delivery("h", queue="high")])
    assert [taken(backlog), taken(backlog), taken(backlog)] == [["h"], ["o"], ["l"]]


def test_a_queue_that_was_passed_over_long_enough_goes_first_once() -> None:
    """The low queue is slow, not dead."""
    backlog = Backlog(QUEUES, threads=4)
    backlog.put([delivery("low", queue="low")])
    backlog.put([delivery(f"h{number}", queue="high") for number in range(50)])
    order = [taken(backlog)[0] for _ in range(PASSED_OVER_LIMIT + 2)]
    assert order.index("low") == PASSED_OVER_LIMIT


def test_one_order_is_served_in_order_and_others_beside_it() -> None:
    """Row W7: a second message for an order waits until the first is finished."""
    backlog = Backlog(QUEUES, threads=4)
    first, second, other = delivery("a1", "A"), delivery("a2", "A"), delivery("b1", "B")
    backlog.put([first, second, other])
    assert taken(backlog) == ["a1"]
    assert taken(backlog) == ["b1"]
    assert taken(backlog) == []
    backlog.done([first])
    assert taken(backlog) == ["a2"]


def test_a_batch_job_takes_several_orders_and_one_message_of_each() -> None:
    """Up to its limit, only its own kind, and never two of one order."""
    backlog = Backlog(QUEUES, threads=4)
    backlog.put(
        [
            delivery("a1", "A", job=MANY),
            delivery("x", "X", job=ONE),
            delivery("a2", "A", job=MANY),
            delivery("b", "B", job=MANY),
            delivery("c", "C", job=MANY),
            delivery("d", "D", job=MANY),
        ]
    )
    assert taken(backlog) == ["a1", "b", "c"]
    assert taken(backlog) == ["x"]
    assert taken(backlog) == ["d"]


def test_what_is_put_back_is_first_again_and_in_order() -> None:
    """After an outage the messages are served as they came."""
    backlog = Backlog(QUEUES, threads=4)
    backlog.put([delivery("a", "A", job=MANY), delivery("b", "B", job=MANY), delivery("z", "Z", job=MANY)])
    group = backlog.take(0)
    backlog.put([delivery("late", "L", job=MANY)])
    backlog.gate(True)
    assert backlog.put_back(group)
    assert taken(backlog) == []
    assert backlog.room("orders") == 0
    backlog.gate(False)
    assert taken(backlog) == ["a", "b", "z"]


def test_at_first_no_more_is_taken_than_there_are_threads() -> None:
    """Prefetching is earned by speed: slow jobs are left to other workers."""
    clock = Clock()
    backlog = Backlog(QUEUES, threads=4, clock=clock)
    assert backlog.room("orders") == 4
    backlog.put([delivery(f"m{number}") for number in range(4)])
    assert backlog.room("orders") == 0
    for _ in range(4):
        backlog.done(backlog.take(0))
    for _ in range(25):
        quick = [delivery(f"q{number}") for number in range(4)]
        backlog.put(quick)
        for _ in quick:
            backlog.done(backlog.take(0))
    assert backlog.room("orders") == 104
    clock.now += 2
    assert backlog.room("orders") == 4


def test_a_paused_queue_returns_what_waited_and_takes_nothing() -> None:
    """A pause may be long: what was prefetched goes back; what runs is finished; the other queues go on."""
    backlog = Backlog(QUEUES, threads=4)
    running, waiting = delivery("a", "A"), delivery("b", "A")
    backlog.put([running, waiting])
    backlog.put([delivery("l", queue="low")])
    assert taken(backlog) == ["a"]
    assert backlog.pause({"orders"}) == [waiting]
    assert not backlog.put([delivery("late")])
    assert [taken(backlog), taken(backlog)] == [["l"], []]
    backlog.done([running])
    assert backlog.pause(set()) == []
    assert backlog.put([delivery("o")])
    assert taken(backlog) == ["o"]


def test_a_closed_backlog_returns_what_waited_and_takes_nothing() -> None:
    """The way of a SIGTERM."""
    backlog = Backlog(QUEUES, threads=4)
    running, waiting = delivery("a", "A"), delivery("b", "B")
    backlog.put([running, waiting])
    assert taken(backlog) == ["a"]
    assert backlog.close() == [waiting]
    assert not backlog.put([delivery("c")])
    backlog.done([running])
    assert backlog.is_idle()


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from(QUEUES)), max_size=40), st.randoms())
def test_nothing_is_lost_doubled_or_out_of_order(given: list[tuple[str, str]], chance: object) -> None:
    """Whatever is put in comes out once, and the messages of one order and queue come out in order."""
    backlog = Backlog(QUEUES, threads=4)
    put = [
        delivery(f"{number:02}", order, queue, MANY if number % 3 else ONE)
        for number, (order, queue) in enumerate(given)
    ]
    backlog.put(put)
    running: list[list[Delivery]] = []
    seen: list[Delivery] = []
    while len(seen) < len(put):
        group = backlog.take(0)
        if group:
            busy = {found.key for other in running for found in other}
            assert not busy & {found.key for found in group}
            running.append(group)
            seen += group
        if running and (not group or chance.random() < 0.5):  # type: ignore[attr-defined]
            backlog.done(running.pop(chance.randrange(len(running))))  # type: ignore[attr-defined]
    assert sorted(found.message.id for found in seen) == [found.message.id for found in put]
    for order in "ABC":
        for queue in QUEUES:
            mine = [found.message.id for found in seen if found.key == order and found.queue == queue]
            assert mine == sorted(mine)
