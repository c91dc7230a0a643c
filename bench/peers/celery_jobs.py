"""Celery, prefork, acknowledged late, on Redis or on SQS: `python -m bench.peers.celery_jobs N` enqueues."""

from __future__ import annotations

import os
import sys
from typing import Any

from celery import Celery

from bench.peers import order_tx as shared

QUEUE_URL = os.environ.get("BENCH_SQS_QUEUE_URL", "")

app = Celery("bench.peers.celery_jobs", broker=os.environ["BENCH_BROKER"])
app.conf.update(
    task_default_queue="bench",
    task_acks_late=True,
    task_ignore_result=True,
    # Celery asks SQS for no more messages than it may still hold: with a hundred it always asks for whole batches.
    worker_prefetch_multiplier=100,
    broker_connection_retry_on_startup=True,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
)
if QUEUE_URL:
    app.conf.broker_transport_options = {
        "region": os.environ.get("AWS_REGION", "eu-west-1"),
        "is_secure": False,
        # Its default, one second between polls, would have it wait for most of the time.
        "wait_time_seconds": 1,
        "polling_interval": 0.01,
        "visibility_timeout": 600,
        "predefined_queues": {"bench": {"url": QUEUE_URL}},
    }


@app.task(name="order_tx")
def order_tx(job: dict[str, Any]) -> None:
    """The shared job."""
    shared.order_tx(job)


if __name__ == "__main__":
    with app.pool.acquire(block=True) as connection, app.amqp.Producer(connection) as producer:
        for given in shared.payloads(int(sys.argv[1])):
            order_tx.apply_async((given,), producer=producer)
