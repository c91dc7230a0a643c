"""A small, steady crowd of shoppers in front of the lab's balancer, bounded in number and time."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.load.samples import Recorder, Sample
from bench.load.shopper import Errand, Shopper
from tests.lab.estate import ADDRESSES

SHOPPERS_AT_ONCE = 3
BUYING_SHARE = 0.4
PAUSE_SECONDS = 0.2
LONGEST_SECONDS = 780.0
"""The crowd goes home then, whatever the test does."""


@dataclass
class Crowd:
    """What the crowd has seen."""

    product_paths: list[str]
    recorder: Recorder = field(default_factory=Recorder)
    releases: list[tuple[float, str]] = field(default_factory=list)
    """When which release answered a look at /healthz, in seconds since the crowd came."""
    _began: float = field(default_factory=time.monotonic)
    _enough: threading.Event = field(default_factory=threading.Event)

    def clock(self) -> float:
        """Seconds since the crowd came."""
        return time.monotonic() - self._began

    @property
    def failures(self) -> list[Sample]:
        """Every step that failed."""
        return [sample for sample in self.recorder.samples if sample.error]

    @property
    def accepted(self) -> set[str]:
        """The links of the orders that the shop accepted."""
        return set(self.recorder.clicked)

    def shop(self, seed: int) -> None:
        """One shopper after the other, until it is enough."""
        draw = random.Random(seed)
        number = seed * 1000
        while not self._enough.is_set() and self.clock() < LONGEST_SECONDS:
            number += 1
            shopper = Shopper(
                f"http://{ADDRESSES['lb1']}",
                self.recorder,
                random.Random(number),
                self.clock,
                self.product_paths,
                number,
            )
            shopper.run(self.clock(), Errand.draw(draw, BUYING_SHARE))
            self._look()
            self._enough.wait(PAUSE_SECONDS)

    def _look(self) -> None:
        due = self.clock()
        try:
            connection = http.client.HTTPConnection(ADDRESSES["lb1"], timeout=20)
            connection.request("GET", "/healthz")
            reply = connection.getresponse()
            body = reply.read()
            connection.close()
            if reply.status == 200:
                self.releases.append((due, json.loads(body)["release"]))
            self.recorder.add(
                "look", due, self.clock() - due, "" if reply.status == 200 else f"HTTP {reply.status}"
            )
        except (OSError, http.client.HTTPException) as error:
            self.recorder.add("look", due, self.clock() - due, type(error).__name__)

    def leave(self) -> None:
        """It is enough."""
        self._enough.set()


@contextmanager
def crowd(product_paths: list[str]) -> Iterator[Crowd]:
    """Let the crowd in for as long as the block runs; afterwards every shopper has finished."""
    people = Crowd(product_paths)
    seed = random.SystemRandom().randrange(1, 60)
    threads = [
        threading.Thread(target=people.shop, args=(seed + position,), name=f"shopper-{position}", daemon=True)
        for position in range(SHOPPERS_AT_ONCE)
    ]
    for thread in threads:
        thread.start()
    try:
        yield people
    finally:
        people.leave()
        for thread in threads:
            thread.join(timeout=60)
