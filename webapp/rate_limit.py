"""Server-side brakes where abuse is cheap: a token bucket per visitor and purpose, in each process's memory.

It is the second wall: the WAF's rate rule stands before it, and what money hangs on (payment attempts) is counted in
the database. A process forgets its buckets at a restart, which only ever lets a little more through.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import current_app, request
from werkzeug.exceptions import TooManyRequests

P = ParamSpec("P")
R = TypeVar("R")
MOST_BUCKETS = 50_000


class Buckets:
    """Token buckets by key; the least recently used are forgotten. Thread-safe."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait_seconds(self, key: str, burst: int, per_seconds: float) -> float:
        """Take a token: 0.0 when there was one, else the seconds until there is. `burst` tokens return in `per_seconds`."""
        now, rate = self._now(), burst / per_seconds
        with self._lock:
            level, since = self._levels.pop(key, (float(burst), now))
            level = min(float(burst), level + (now - since) * rate)
            has_token = level >= 1.0
            self._levels[key] = (level - 1.0 if has_token else level, now)
            while len(self._levels) > MOST_BUCKETS:
                self._levels.popitem(last=False)
        return 0.0 if has_token else (1.0 - level) / rate


def limited(purpose: str, burst: int, per_seconds: float) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a view be used `burst` times in `per_seconds` per address; then 429 with Retry-After. Reading is free."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if request.method != "GET":
                check_rate(purpose, burst, per_seconds)
            return view(*args, **kwargs)

        return guarded

    return decorate


def check_rate(purpose: str, burst: int, per_seconds: float) -> None:
    """Take a token for this visitor; raises TooManyRequests."""
    buckets: Buckets = current_app.extensions["cartwright-buckets"]
    wait = buckets.wait_seconds(f"{purpose}|{request.remote_addr}", burst, per_seconds)
    if wait:
        raise TooManyRequests(retry_after=int(wait) + 1)
