"""Who looks at the shop in a measurement: streams that are held open, and a visitor who asks for other pages meanwhile."""

from __future__ import annotations

import asyncio
import http.client
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from orders.ports import TrackingView

OPEN_AT_A_TIME = 50
PACE_SECONDS = 0.05
PATIENCE_SECONDS = 20.0
OWN_PAGE = {"Cookie": "seen=1"}
"""A visitor with a cookie gets a page that is rendered for them, never one from the page cache."""


@dataclass(slots=True)
class OpenPage:
    """One order's page that somebody looks at."""

    number: int
    view: TrackingView
    token: str
    moved_at: float = 0.0
    """When the write of the latest version began."""
    delays: list[float] = field(default_factory=list)
    is_open: bool = False


def until(is_so: Callable[[], bool], what: str, *, fails: bool = True) -> None:
    """Wait until something is so; raises TimeoutError, or (fails=False) gives up."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            if fails:
                raise TimeoutError(f"waited {PATIENCE_SECONDS:g} s for {what}")
            return
        time.sleep(0.02)


async def watch(page: OpenPage, port: int, opened: asyncio.Semaphore) -> None:
    """Hold the page's stream open, and note when the versions come."""
    async with opened:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        address = f"10.{page.number >> 16 & 255}.{page.number >> 8 & 255}.{page.number & 255}"
        writer.write(
            f"GET /orders/{page.token}/live?since={page.view.version} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"X-Forwarded-For: {address}\r\nAccept: text/event-stream\r\n\r\n".encode()
        )
        status = await reader.readline()
        if b" 200 " not in status:
            raise RuntimeError(f"a page's stream was refused: {status!r}")
        while not (await reader.readline()).startswith(b"retry:"):
            pass
    page.is_open = True
    try:
        while line := await reader.readline():
            if line.startswith(b"id: ") and int(line[4:]) == page.view.version and page.moved_at:
                page.delays.append(time.perf_counter() - page.moved_at)
                page.moved_at = 0.0
    finally:
        writer.close()


class Watchers:
    """All pages' streams, in a thread with an event loop of its own."""

    def __init__(self, pages: Sequence[OpenPage], port: int) -> None:
        self._pages, self._port = pages, port
        self._loop = asyncio.new_event_loop()
        self._failures: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watchers:
        self._thread.start()
        until(lambda: bool(self._failures) or all(page.is_open for page in self._pages), "the pages to open")
        self.check()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def check(self) -> None:
        """Raises what broke a stream."""
        if self._failures:
            raise RuntimeError("a stream broke") from self._failures[0]

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        opened = asyncio.Semaphore(OPEN_AT_A_TIME)
        tasks = [self._loop.create_task(watch(page, self._port, opened)) for page in self._pages]
        for task in tasks:
            task.add_done_callback(self._ended)
        self._loop.run_forever()
        for task in tasks:
            task.remove_done_callback(self._ended)
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._failures.append(task.exception() or EOFError("the server closed it"))


class Visitor:
    """Somebody who looks at other pages at a steady pace, in a thread, for the length of a block."""

    def __init__(self, port: int, paths: Sequence[str]) -> None:
        self._port, self._paths = port, paths
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.milliseconds: list[float] = []
        self.failures = 0

    def __enter__(self) -> Visitor:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join(30)

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        chance = random.Random(3)
        while not self._ends.wait(PACE_SECONDS):
            began = time.perf_counter()
            connection.request("GET", chance.choice(self._paths), headers=OWN_PAGE)
            answer = connection.getresponse()
            answer.read()
            self.milliseconds.append((time.perf_counter() - began) * 1000)
            self.failures += answer.status != 200
        connection.close()

    def percentile(self, share: float) -> float:
        """A percentile of what was waited, in milliseconds."""
        if self.failures:
            raise RuntimeError(f"{self.failures} other pages failed")
        return percentile(self.milliseconds, share)


def percentile(values: Sequence[float], share: float) -> float:
    """A percentile."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
