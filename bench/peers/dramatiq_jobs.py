"""Dramatiq on Redis: `python -m bench.peers.dramatiq_jobs N` enqueues, `dramatiq bench.peers.dramatiq_jobs` serves."""

from __future__ import annotations

import os
import sys
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from bench.peers import order_tx as shared

dramatiq.set_broker(RedisBroker(url=os.environ["BENCH_REDIS"]))


@dramatiq.actor(queue_name="bench")
def order_tx(job: dict[str, Any]) -> None:
    """The shared job."""
    shared.order_tx(job)


if __name__ == "__main__":
    for given in shared.payloads(int(sys.argv[1])):
        order_tx.send(given)
