"""The messages in our hands that wait for a thread: by priority, in order within one order, never more than we can serve.

A queue that was passed over ten times in a row for a more urgent one goes first once: the low queue is slow, not dead.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic

from worker.delivery import Delivery

PASSED_OVER_LIMIT = 10
LOOK_AHEAD_SECONDS = 1.0
"""How much work a process keeps in hand, by the speed at which it worked lately."""
MOST_HELD = 400
"""Messages of one queue in one process: what the heartbeat can keep alive with one call per ten."""


class Backlog:
    """Shared by the pollers that fill it and the threads that empty it."""

    def __init__(self, queues: Sequence[str], threads: int, clock: Callable[[], float] = monotonic) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[str, deque[Delivery]] = {queue: deque() for queue in queues}
        self._running: dict[str, int] = dict.fromkeys(queues, 0)
        self._passed_over: dict[str, int] = dict.fromkeys(queues, 0)
        self._busy: set[str] = set()
        self._speed = {queue: _Speed() for queue in queues}
        self._threads = threads
        self._clock = clock
        self._is_open = True
        self._is_gated = False
        self._paused: set[str] = set()

    def room(self, queue: str) -> int:
        """How many more messages of a queue may be taken: a thread's worth at first, more as they get done quickly."""
        with self._changed:
            return self._room(queue)

    def _room(self, queue: str) -> int:
        if self._is_gated:
            return 0
        wanted = max(self._threads, int(self._speed[queue].per_second(self._clock()) * LOOK_AHEAD_SECONDS))
        return min(wanted, MOST_HELD) - len(self._waiting[queue]) - self._running[queue]

    def wait_for_room(self, queue: str, timeout: float) -> int:
        """Wait until there is room; 0 after `timeout` seconds without, or when closing."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_open or self._room(queue) > 0, timeout)
            return max(0, self._room(queue)) if self._is_open else 0

    def put(self, deliveries: Sequence[Delivery]) -> bool:
        """Hand in what was received, all of one queue. False when closing or paused: the caller gives the messages back."""
        with self._changed:
            if not self._is_open or self._paused.intersection(delivery.queue for delivery in deliveries):
                return False
            for delivery in deliveries:
                self._waiting[delivery.queue].append(delivery)
            self._changed.notify_all()
            return True

    def put_back(self, deliveries: Sequence[Delivery]) -> bool:
        """Return what could not be served now, to the front and in order."""
        with self._changed:
            self._finish(deliveries)
            if not self._is_open or self._paused.intersection(delivery.queue for delivery in deliveries):
                return False
            for delivery in reversed(deliveries):
                self._waiting[delivery.queue].appendleft(delivery)
            self._changed.notify_all()
            return True

    def take(self, timeout: float) -> list[Delivery]:
        """What one thread does next: one message, or as many as a batch job takes. Empty after `timeout` or at the end."""
        with self._changed:
            deadline = self._clock() + timeout
            while self._is_open:
                if not self._is_gated and (group := self._choose()):
                    return group
                now = self._clock()
                if now >= deadline:
                    break
                self._changed.wait(min(deadline, self._next_due(now)) - now)
            return []

    def done(self, deliveries: Sequence[Delivery]) -> None:
        """These are finished, one way or another: their orders are free again."""
        with self._changed:
            self._finish(deliveries)
            now = self._clock()
            for delivery in deliveries:
                self._speed[delivery.queue].count(now)
            self._changed.notify_all()

    def gate(self, is_shut: bool) -> None:
        """Shut: nothing is taken or given out, what is held stays held (a dependency of every job is away)."""
        with self._changed:
            self._is_gated = is_shut
            self._changed.notify_all()

    def pause(self, queues: set[str]) -> list[Delivery]:
        """Give out nothing of these queues. Returns what was waiting of them, to be handed back to the queue."""
        with self._changed:
            self._paused = set(queues)
            waiting = [self._waiting[queue] for queue in queues if queue in self._waiting]
            left = [delivery for held in waiting for delivery in held]
            for held in waiting:
                held.clear()
            self._changed.notify_all()
            return left

    def close(self) -> list[Delivery]:
        """Give out no more. Returns what was waiting, to be handed back to the queue."""
        with self._changed:
            self._is_open = False
            left = [delivery for waiting in self._waiting.values() for delivery in waiting]
            for waiting in self._waiting.values():
                waiting.clear()
            self._changed.notify_all()
            return left

    @property
    def is_open(self) -> bool:
        """Whether anything is given out at all; once closed it stays closed."""
        return self._is_open

    def held(self) -> int:
        """Messages waiting and running."""
        with self._changed:
            return sum(map(len, self._waiting.values())) + sum(self._running.values())

    def held_of(self, queue: str) -> int:
        """Messages of one queue, waiting and running."""
        with self._changed:
            return len(self._waiting[queue]) + self._running[queue]

    def is_idle(self) -> bool:
        """Whether nothing waits and nothing runs."""
        return self.held() == 0

    def _finish(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            self._busy.discard(delivery.key)
            self._running[delivery.queue] -= 1

    def _next_due(self, now: float) -> float:
        """When the first message is due that has to wait a moment: nobody wakes the threads then."""
        held = (delivery.not_before for waiting in self._waiting.values() for delivery in waiting)
        return min((due for due in held if due > now), default=float("inf"))

    def _choose(self) -> list[Delivery]:
        for queue in self._by_priority():
            if queue in self._paused:
                continue
            group = self._from(self._waiting[queue])
            if group:
                for other, waiting in self._waiting.items():
                    self._passed_over[other] += 1 if other != queue and waiting else 0
                self._passed_over[queue] = 0
                self._running[queue] += len(group)
                self._busy.update(delivery.key for delivery in group)
                return group
        return []

    def _by_priority(self) -> list[str]:
        patient = [queue for queue, count in self._passed_over.items() if count >= PASSED_OVER_LIMIT]
        return patient + [queue for queue in self._waiting if queue not in patient]

    def _from(self, waiting: deque[Delivery]) -> list[Delivery]:
        """The first message whose order is free, and with it those that its batch job may take along."""
        now = self._clock()
        group: list[Delivery] = []
        blocked = set(self._busy)
        for delivery in waiting:
            is_fit = delivery.key not in blocked and delivery.not_before <= now
            if is_fit and (not group or delivery.job is group[0].job):
                group.append(delivery)
                if len(group) >= delivery.job.batch:
                    break
            # Whatever comes later for the same order waits for this one.
            blocked.add(delivery.key)
        if len(group) == 1 and group[0] is waiting[0]:
            waiting.popleft()
        elif group:
            chosen = set(map(id, group))
            left = [delivery for delivery in waiting if id(delivery) not in chosen]
            waiting.clear()
            waiting.extend(left)
        return group


class _Speed:
    """Messages done per second, over the last one to two seconds."""

    def __init__(self) -> None:
        self._window = 0
        self._this = 0
        self._last = 0

    def count(self, now: float) -> None:
        self._roll(now)
        self._this += 1

    def per_second(self, now: float) -> float:
        self._roll(now)
        return float(max(self._this, self._last))

    def _roll(self, now: float) -> None:
        window = int(now)
        if window != self._window:
            self._last = self._this if window == self._window + 1 else 0
            self._this, self._window = 0, window
