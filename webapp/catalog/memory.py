"""A small memory of answers that may be some seconds old, per process."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Memory(Generic[K, V]):
    """Answers by key, each kept for a time, the least recently used forgotten first. Thread-safe."""

    def __init__(self, seconds: float, *, most: int, now: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._most = most
        self._now = now
        self._lock = threading.Lock()
        self._held: OrderedDict[K, tuple[float, V]] = OrderedDict()

    def get(self, key: K, ask: Callable[[], V]) -> V:
        """The remembered answer while it is fresh, else a new one. An error is not remembered."""
        with self._lock:
            held = self._held.get(key)
            if held is not None and self._now() < held[0]:
                self._held.move_to_end(key)
                return held[1]
        value = ask()
        with self._lock:
            self._held[key] = (self._now() + self._seconds, value)
            self._held.move_to_end(key)
            while len(self._held) > self._most:
                self._held.popitem(last=False)
        return value
