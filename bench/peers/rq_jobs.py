"""RQ: `python -m bench.peers.rq_jobs N` enqueues; its own SimpleWorker serves, in process: the fork of a work-horse per job is left out."""

from __future__ import annotations

import os
import sys

from bench.peers.order_tx import order_tx, payloads

REDIS = "BENCH_REDIS"


def main() -> None:
    """Enqueue."""
    from redis import Redis
    from rq import Queue

    queue = Queue("bench", connection=Redis.from_url(os.environ[REDIS]))
    jobs = [Queue.prepare_data(order_tx, args=(job,), result_ttl=0) for job in payloads(int(sys.argv[1]))]
    queue.enqueue_many(jobs)


if __name__ == "__main__":
    main()
