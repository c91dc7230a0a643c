"""The worker's jobs of the low queue, one message at a time, over memory queues."""

from __future__ import annotations

from typing import Any

from flask import Flask
from sqlalchemy import select

from orders.adapters.memory.queue import MemoryOrders
from orders.adapters.rds.models import Outbox
from orders.messages import decode_job
from webapp.extensions import db
from worker.context import JobContext
from worker.jobs import bulk_orders, export_orders, print_papers

_JOBS = {
    "bulk_orders": bulk_orders.bulk_orders,
    "export_orders": export_orders.export_orders,
    "print_papers": print_papers.print_papers,
}


class LowQueue:
    """What waits in the low queue, and the jobs that do it."""

    def __init__(self, app: Flask, context: JobContext, queue: MemoryOrders) -> None:
        self._app, self._queue = app, queue
        self.context = context

    def run(self, most: int = 100) -> int:
        """Relay what was promised, then do the low queue's messages, at most so many. Each is delivered twice."""
        with self._app.app_context(), db.engine.begin() as connection:
            mine = Outbox.payload["queue"].as_string() == "low"
            for row in connection.execute(select(Outbox.payload).where(mine)).all():
                self._queue.send(row.payload["body"], queue="low")
            connection.execute(Outbox.__table__.delete().where(mine))
        done = 0
        while done < most and (received := self._queue.queues["low"].receive(1)):
            message = decode_job(received[0].body)
            _JOBS[message.job].function(self.context, message)
            self._queue.queues["low"].delete_many([received[0].handle])
            done += 1
        return done


def job_of(answer: Any) -> str:
    """The id of the job to whose page an answer leads."""
    assert answer.status_code == 302, answer.text
    return str(answer.headers["Location"]).rpartition("/")[2]
