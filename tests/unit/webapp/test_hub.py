"""The tracking hub: one poller for all pages, brisk where something happens, calm elsewhere, and never dead."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import pytest

from orders.adapters.memory.tracking import MemoryTracking
from orders.domain.errors import Unavailable
from orders.domain.ids import OrderId, new_order_id
from orders.ports import TrackingView
from webapp.tracking import hub as module
from webapp.tracking.hub import HubFull, TrackingHub

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class CountingTracking(MemoryTracking):
    """The memory store, counting what is asked; `trouble` is raised as often as it says."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Sequence[OrderId]] = []
        self.troubles: list[Exception] = []
        self.on_ask: Callable[[], None] = lambda: None

    def get_many(self, order_ids: Sequence[OrderId]) -> Mapping[OrderId, TrackingView]:
        """See TrackingStore."""
        self.asked.append(list(order_ids))
        self.on_ask()
        if self.troubles:
            raise self.troubles.pop()
        return super().get_many(order_ids)


def view(order_id: OrderId, version: int, order_status: str = "placed") -> TrackingView:
    """A view of an order."""
    return TrackingView(
        order_id, "CW-1", version, order_status, order_status, "authorised", "unfulfilled", NOW
    )


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short ticks: the tests wait for events, not for time."""
    monkeypatch.setattr(module, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(module, "AWAY_SECONDS", 0.01)


def test_every_page_of_an_order_is_told(quick: None) -> None:
    """Two pages, one question."""
    tracking, order_id = CountingTracking(), new_order_id(NOW)
    hub = TrackingHub(tracking)
    one, two = hub.listen(order_id, 0), hub.listen(order_id, 1)
    tracking.project(view(order_id, 2))
    assert [listener.wait(5).version for listener in (one, two)] == [2, 2]  # type: ignore[union-attr]
    assert all(asked == [order_id] for asked in tracking.asked)
    hub.close()


def test_a_slow_page_gets_the_latest_and_nothing_twice(quick: None) -> None:
    """Intermediate states are skipped; what the page has is not told again."""
    tracking, order_id = CountingTracking(), new_order_id(NOW)
    hub = TrackingHub(tracking)
    listener = hub.listen(order_id, 0)
    for version in (1, 2, 3):
        listener.offer(view(order_id, version))
    got = listener.wait(5)
    assert got is not None
    assert got.version == 3
    listener.offer(view(order_id, 3))
    assert listener.wait(0) is None
    hub.close()


def test_the_poller_outlives_every_trouble(quick: None) -> None:
    """A store that is away and an answer that nobody understands cost a moment, not the stream."""
    tracking, order_id = CountingTracking(), new_order_id(NOW)
    tracking.troubles = [Unavailable("down"), KeyError("a bug")]
    tracking.project(view(order_id, 1))
    hub = TrackingHub(tracking)
    listener = hub.listen(order_id, 0)
    assert listener.wait(5) is not None
    hub.close()


def test_a_store_that_does_not_answer_is_said_not_to_until_it_does() -> None:
    """Pages that are drawn meanwhile say so; nobody asks for a while, and it is not held against the store any more."""
    clock, order_id = [0.0], new_order_id(NOW)
    tracking = CountingTracking()
    hub = TrackingHub(tracking, now=lambda: clock[0])
    assert hub.is_answered
    tracking.troubles = [Unavailable("down")] * 2
    hub._ask([order_id])
    assert not hub.is_answered
    clock[0] += module.AWAY_COUNTS_SECONDS + 1
    assert hub.is_answered
    hub._ask([order_id])
    assert not hub.is_answered
    hub._ask([order_id])
    assert hub.is_answered


def test_nobody_is_asked_when_nobody_watches(quick: None) -> None:
    """The last page that leaves ends the poller; the next one starts it again."""
    tracking, order_id = CountingTracking(), new_order_id(NOW)
    hub = TrackingHub(tracking)
    idle = threading.Event()
    listener = hub.listen(order_id, 0)
    hub.leave(listener)
    hub.leave(listener)
    tracking.on_ask = idle.set
    assert hub.listeners == 0
    again = hub.listen(order_id, 0)
    assert idle.wait(5)
    hub.leave(again)
    hub.close()


def test_calm_and_finished_orders_are_asked_after_less_often() -> None:
    """The time until the next question follows from what the order does."""
    clock = [0.0]
    tracking = CountingTracking()
    hub = TrackingHub(tracking, now=lambda: clock[0])
    brisk, done = new_order_id(NOW), new_order_id(NOW)
    for order_id, status in ((brisk, "placed"), (done, "completed")):
        tracking.project(view(order_id, 1, status))
        hub._watches[order_id] = module._Watch(set(), module.BRISK_FOR_SECONDS)
    hub._ask([brisk, done])
    assert hub._watches[brisk].due_at == 0.0
    assert hub._watches[done].due_at == module.FINISHED_SECONDS
    clock[0] = module.BRISK_FOR_SECONDS + 1
    hub._ask([brisk])
    assert hub._watches[brisk].due_at == clock[0] + module.CALM_SECONDS
    tracking.project(view(brisk, 2))
    hub._ask([brisk])
    assert hub._watches[brisk].due_at == 0.0


def test_too_many_pages_are_refused(quick: None) -> None:
    """One order cannot take all places, and all orders together cannot take more than there are."""
    hub = TrackingHub(CountingTracking())
    order_id = new_order_id(NOW)
    listeners = [hub.listen(order_id, 0) for _ in range(module.MOST_LISTENERS_PER_ORDER)]
    with pytest.raises(HubFull):
        hub.listen(order_id, 0)
    hub.leave(listeners[0])
    hub.listen(order_id, 0)
    hub.close()
    with pytest.raises(HubFull):
        hub.listen(new_order_id(NOW), 0)
