"""Eight hours of a worker's life on an injected clock: polls, jobs, heartbeats and house-keeping, without a stall."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from orders.adapters.memory.queue import MemoryQueue
from orders.messages import encode_job
from orders.ports import JobMessage
from tests.unit.worker.moving_time import STEP_SECONDS, Time
from worker import executor, leases, poller, registry
from worker.acknowledge import Acknowledger
from worker.backlog import Backlog
from worker.executor import Executor
from worker.heartbeat import Heartbeat
from worker.housekeeping import SILENT_AFTER_SECONDS, Housekeeping
from worker.job import Job
from worker.leases import Leases
from worker.poller import Poller
from worker.testing import Workbench

HOURS = 8
VISIBILITY = 6
AN_HOUR = 3600


def test_eight_hours_without_a_stall(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message every twenty seconds, served once and at its first delivery; one held for an hour; no poller silent."""
    time = Time()
    for module in (executor, leases, poller):
        monkeypatch.setattr(module, "monotonic", time)
    monkeypatch.setattr(poller, "time", lambda: time.queue.now().timestamp())
    ran: list[str] = []
    job = Job("test_long_run", lambda context, message: ran.append(message.id))
    registry.add(job)
    worker = Shift(time)
    sent, longest, deepest = 0, [], 0
    try:
        for second in range(0, HOURS * 3600, STEP_SECONDS):
            if second % 20 == 0:
                sent += 1
                worker.queue.send(encode_job(JobMessage(f"m{second}", job.name, {})))
            worker.poll()
            group = worker.backlog.take(0)
            if second == AN_HOUR:
                longest = group  # This one takes an hour; the others go on beside it.
                group = worker.backlog.take(0)
            if longest and second == 2 * AN_HOUR:
                worker.executor.serve(longest)
                longest = []
            if group:
                worker.executor.serve(group)
            worker.delete()
            worker.heartbeat.beat()
            worker.watch()
            deepest = max(deepest, worker.queue.depth().total)
            time.step()
    finally:
        del registry._jobs[job.name]
    assert len(ran) == len(set(ran)) == sent == HOURS * 180
    assert (worker.queue.depth().total, worker.heartbeat.lost, worker.executor.failed) == (0, 0, 0)
    assert deepest <= 2, "nothing piled up at any time"
    assert worker.replaced == []


class Shift:
    """The parts of one worker process, driven step by step in one thread."""

    def __init__(self, time: Time) -> None:
        self.queue = MemoryQueue(time.queue, visibility_seconds=VISIBILITY)
        sources = {"orders": self.queue}
        held = Leases()
        self.replaced: list[str] = []
        self.backlog = Backlog(["orders"], 2, clock=time)
        self.poller = Poller("orders", self.queue, self.backlog, held, VISIBILITY, wait_seconds=0, clock=time)
        self.heartbeat = Heartbeat(held, sources, VISIBILITY, clock=time)
        self._acknowledger = Acknowledger(held, sources)
        nothing: Any = None
        self.executor = Executor(
            Workbench().context, self.backlog, held, self._acknowledger, nothing, sources, (), nothing
        )
        life: Any = SimpleNamespace(
            executor=self.executor,
            pollers={"orders": self.poller},
            replace_poller=self.replaced.append,
            context=SimpleNamespace(engine=None, desk=SimpleNamespace(clock=time.queue)),
            options=SimpleNamespace(is_burst=True),
        )
        self._housekeeping = Housekeeping(life, clock=time)
        self._time = time

    def poll(self) -> None:
        """One turn of the poller's loop."""
        self.poller.last_sign = self._time()
        room = self.backlog.wait_for_room("orders", 0)
        if room > 0:
            self.poller._poll(room, SimpleNamespace(wait=lambda seconds: None))  # type: ignore[arg-type]

    def delete(self) -> None:
        """What the acknowledger's thread does."""
        while not self._acknowledger._finished.empty():
            delivery = self._acknowledger._finished.get()
            assert delivery is not None
            self._acknowledger._delete([delivery])

    def watch(self) -> None:
        """The watchdog looks, and would replace a poller that was away for a minute."""
        self._housekeeping.watch()
        assert self._time() - self.poller.last_sign < SILENT_AFTER_SECONDS
