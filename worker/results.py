"""Status, progress and result of jobs whose outcome somebody wants to see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, func, select
from sqlalchemy.dialects.postgresql import insert

from orders.adapters.rds.base import table_of
from orders.adapters.rds.engine import database_errors
from orders.adapters.rds.job_models import JobRecord
from worker.context import Progress
from worker.delivery import Delivery
from worker.retry import Fate

_RECORDS = table_of(JobRecord)


class Results:
    """Keeps one row per job with a kept result."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def of(self, delivery: Delivery) -> Iterator[Progress]:
        """The job runs; gives it the means to report how far it is."""
        self._save(delivery, status="running", attempts=delivery.attempt, error="")

        def report(done: int, total: int) -> None:
            self._save(delivery, status="running", progress=done, total=total)

        yield report

    def succeeded(self, delivery: Delivery, result: Any) -> None:
        """It is done; `result` is whatever JSON can say, anything else as text."""
        is_plain = result is None or isinstance(result, dict | list | str | int | bool)
        value = {"value": result if is_plain else str(result)}
        self._save(delivery, status="succeeded", result=value, error="")

    def failed(self, delivery: Delivery, error: BaseException, fate: Fate) -> None:
        """It failed, for now or for good."""
        status = "failed" if fate is Fate.QUARANTINE else "retrying"
        self._save(delivery, status=status, error=f"{type(error).__name__}: {error}"[:2000])

    def _save(self, delivery: Delivery, **values: Any) -> None:
        row = {
            "id": delivery.message.id,
            "job": delivery.message.job,
            "queue": delivery.queue,
            "updated_at": func.now(),
            **values,
        }
        statement = insert(_RECORDS).values(**row)
        with database_errors("the job records"), self._engine.begin() as connection:
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["id"], set_={**values, "updated_at": func.now()}
                )
            )


def find_result(engine: Engine, job_id: str) -> dict[str, Any] | None:
    """What is known of a job: status, attempts, progress, total, result, error and times; None when it keeps none."""
    with database_errors("the job records"), engine.connect() as connection:
        row = connection.execute(select(_RECORDS).where(_RECORDS.c.id == job_id)).mappings().first()
    if row is None:
        return None
    found: dict[str, Any] = dict(row)
    found["result"] = (row["result"] or {}).get("value")
    return {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in found.items()
    }
