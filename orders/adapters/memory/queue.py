"""The queues in memory: what was sent, with SQS's way of hiding what is being worked on."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from orders.adapters.sqs import BATCH_LIMIT, QueueDepth, ReceivedMessage, trace_attributes
from orders.ports import Clock

_NO_ATTRIBUTES: Mapping[str, str] = MappingProxyType({})


@dataclass
class _Held:
    message: ReceivedMessage
    visible_at: float


class MemoryQueue:
    """One queue with the interface of sqs.SqsQueue. Time is the injected clock's; a long poll does not wait."""

    def __init__(self, clock: Clock, visibility_seconds: int = 10) -> None:
        self._clock = clock
        self._visibility_seconds = visibility_seconds
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._held: dict[str, _Held] = {}

    def send(
        self, body: str, *, delay_seconds: int = 0, attributes: Mapping[str, str] = _NO_ATTRIBUTES
    ) -> str:
        """Put one message in and return its id."""
        now = self._clock.now()
        with self._lock:
            message_id = f"message-{next(self._numbers)}"
            carried = dict(attributes or trace_attributes(body))
            message = ReceivedMessage(message_id, body, "", 0, now, carried)
            self._held[message_id] = _Held(message, now.timestamp() + delay_seconds)
            return message_id

    def send_many(self, bodies: Sequence[str]) -> None:
        """Put several in."""
        for body in bodies:
            self.send(body)

    def receive(
        self, max_messages: int = 10, wait_seconds: int = 0, visibility_seconds: int | None = None
    ) -> list[ReceivedMessage]:
        """Take up to 10 visible messages, oldest first, and hide them."""
        now = self._clock.now().timestamp()
        hidden = self._visibility_seconds if visibility_seconds is None else visibility_seconds
        with self._lock:
            visible = [held for held in self._held.values() if held.visible_at <= now]
            taken = []
            for held in visible[: max(1, min(max_messages, BATCH_LIMIT))]:
                handle = f"{held.message.message_id}/{next(self._numbers)}"
                count = held.message.receive_count + 1
                held.message = replace(held.message, handle=handle, receive_count=count)
                held.visible_at = now + hidden
                taken.append(held.message)
            return taken

    def delete_many(self, handles: Sequence[str]) -> list[str]:
        """Delete deliveries; returns the stale handles."""
        with self._lock:
            failed = []
            for handle in handles:
                held = self._of(handle)
                if held is None:
                    failed.append(handle)
                else:
                    del self._held[held.message.message_id]
            return failed

    def change_visibility_many(self, handles: Sequence[str], seconds: int) -> list[str]:
        """Hide deliveries for `seconds` from now; returns the stale handles."""
        now = self._clock.now().timestamp()
        with self._lock:
            failed = []
            for handle in handles:
                held = self._of(handle)
                if held is None:
                    failed.append(handle)
                else:
                    held.visible_at = now + seconds
            return failed

    def depth(self) -> QueueDepth:
        """How full the queue is."""
        now = self._clock.now().timestamp()
        with self._lock:
            waiting = [held for held in self._held.values() if held.visible_at > now]
            delayed = sum(1 for held in waiting if held.message.receive_count == 0)
            return QueueDepth(len(self._held) - len(waiting), len(waiting) - delayed, delayed)

    def _of(self, handle: str) -> _Held | None:
        held = self._held.get(handle.partition("/")[0])
        return held if held is not None and held.message.handle == handle else None


class MemoryOrders:
    """ports.OrderQueue over memory queues, one per name."""

    def __init__(self, clock: Clock) -> None:
        self.queues = {name: MemoryQueue(clock) for name in ("orders", "high", "low", "notify")}

    def send(
        self,
        body: str,
        *,
        queue: str = "orders",
        delay_seconds: int = 0,
        attributes: Mapping[str, str] = _NO_ATTRIBUTES,
    ) -> str:
        """See ports.OrderQueue."""
        return self.queues[queue].send(body, delay_seconds=delay_seconds, attributes=attributes)

    def send_many(self, bodies: Sequence[str], *, queue: str = "orders") -> None:
        """See ports.OrderQueue."""
        self.queues[queue].send_many(bodies)
