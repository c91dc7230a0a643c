"""Live tracking's hub: one poller per process asks for all orders that somebody watches, and wakes their pages.

A page is a listener with the latest view, not a queue: a slow reader misses nothing but intermediate states. The poller
is a thread, which under gevent is a greenlet; it lives only while somebody watches.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from orders.domain.errors import Unavailable
from orders.domain.ids import OrderId
from orders.domain.order import OrderStatus
from orders.ports import TrackingStore, TrackingView

log = logging.getLogger(__name__)

TICK_SECONDS = 0.5
BRISK_FOR_SECONDS = 300.0
"""An order that moved or was opened less than this long ago is asked after at every tick."""
CALM_SECONDS = 2.0
FINISHED_SECONDS = 15.0
"""How often an order is asked after that is calm, and one of which nothing more is expected."""
AWAY_SECONDS = 2.0
"""After this the store is asked again that did not answer."""
AWAY_COUNTS_SECONDS = 10.0
"""For so long it is said not to answer, unless it does before."""
CHUNK = 100
"""Keys of one BatchGetItem call."""
MOST_LISTENERS = 4000
MOST_LISTENERS_PER_ORDER = 20

_FINAL = frozenset({OrderStatus.COMPLETED, OrderStatus.CANCELLED, OrderStatus.EXPIRED})


class HubFull(Exception):
    """Too many pages are open: this one must do without live updates."""


@dataclass(eq=False)
class Listener:
    """One open page. `wait` returns the next view that is newer than what the page shows."""

    order_id: OrderId
    seen_version: int
    _woken: threading.Event = field(default_factory=threading.Event)
    _latest: TrackingView | None = None
    _is_closed: bool = False

    def wait(self, seconds: float) -> TrackingView | None:
        """The newest unseen view, or None when nothing happened for so long. Raises EOFError when the hub closed."""
        self._woken.wait(seconds)
        self._woken.clear()
        if self._is_closed:
            raise EOFError
        view, self._latest = self._latest, None
        if view is None or view.version <= self.seen_version:
            return None
        self.seen_version = view.version
        return view

    def offer(self, view: TrackingView) -> None:
        """Hand over a view; wakes the page when it is news."""
        if view.version > self.seen_version:
            self._latest = view
            self._woken.set()

    def close(self) -> None:
        """End the page's stream."""
        self._is_closed = True
        self._woken.set()


@dataclass
class _Watch:
    listeners: set[Listener]
    brisk_until: float
    due_at: float = 0.0
    view: TrackingView | None = None


class TrackingHub:
    """See the module. Thread-safe."""

    def __init__(self, tracking: TrackingStore, now: Callable[[], float] = time.monotonic) -> None:
        self._tracking = tracking
        self._now = now
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._watches: dict[OrderId, _Watch] = {}
        self._count = 0
        self._is_polling = False
        self._is_closed = False
        self._away_at = -math.inf

    def listen(self, order_id: OrderId, seen_version: int) -> Listener:
        """Open a listener; the caller must `leave`. Raises HubFull beyond the limits."""
        listener = Listener(order_id, seen_version)
        with self._lock:
            watch = self._watches.get(order_id)
            is_crowded = watch is not None and len(watch.listeners) >= MOST_LISTENERS_PER_ORDER
            if self._is_closed or self._count >= MOST_LISTENERS or is_crowded:
                raise HubFull
            if watch is None:
                watch = self._watches[order_id] = _Watch(set(), self._now() + BRISK_FOR_SECONDS)
            watch.listeners.add(listener)
            self._count += 1
            if watch.view is not None:
                listener.offer(watch.view)
            if not self._is_polling:
                self._is_polling = True
                threading.Thread(target=self._poll, name="tracking-hub", daemon=True).start()
        self._wake.set()
        return listener

    def leave(self, listener: Listener) -> None:
        """Close a listener; the last one of an order ends its watch."""
        with self._lock:
            watch = self._watches.get(listener.order_id)
            if watch is None or listener not in watch.listeners:
                return
            watch.listeners.remove(listener)
            self._count -= 1
            if not watch.listeners:
                del self._watches[listener.order_id]

    def close(self) -> None:
        """End every stream and the poller: the process is about to stop."""
        with self._lock:
            self._is_closed = True
            listeners = [listener for watch in self._watches.values() for listener in watch.listeners]
        for listener in listeners:
            listener.close()
        self._wake.set()

    @property
    def is_answered(self) -> bool:
        """Whether the tracking store answered when it was asked last; what is long ago does not count."""
        return self._now() - self._away_at > AWAY_COUNTS_SECONDS

    @property
    def listeners(self) -> int:
        """How many pages are open."""
        return self._count

    def _poll(self) -> None:
        while True:
            with self._lock:
                if self._is_closed or not self._watches:
                    self._is_polling = False
                    return
                due = [order_id for order_id, watch in self._watches.items() if watch.due_at <= self._now()]
            is_away = False
            for start in range(0, len(due), CHUNK):
                is_away = not self._ask(due[start : start + CHUNK]) or is_away
            self._wake.clear()
            self._wake.wait(AWAY_SECONDS if is_away else TICK_SECONDS)

    def _ask(self, order_ids: Sequence[OrderId]) -> bool:
        try:
            views = self._tracking.get_many(order_ids)
        except Unavailable as error:
            log.warning("tracking_away", extra={"reason": str(error)[:200]})
            self._away_at = self._now()
            return False
        except Exception:
            # The poller must outlive a single bad answer: without it no page moves any more.
            log.exception("tracking_poll_failed")
            return False
        now, self._away_at = self._now(), -math.inf
        with self._lock:
            for order_id in order_ids:
                if (watch := self._watches.get(order_id)) is not None:
                    self._take(watch, views.get(order_id), now)
        return True

    def _take(self, watch: _Watch, view: TrackingView | None, now: float) -> None:
        if view is not None and (watch.view is None or view.version > watch.view.version):
            if watch.view is not None:
                watch.brisk_until = now + BRISK_FOR_SECONDS
            watch.view = view
            for listener in watch.listeners:
                listener.offer(view)
        if view is not None and view.order_status in _FINAL:
            watch.due_at = now + FINISHED_SECONDS
        elif now > watch.brisk_until:
            watch.due_at = now + CALM_SECONDS
        else:
            watch.due_at = 0.0
