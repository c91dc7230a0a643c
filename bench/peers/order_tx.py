"""The peers' job: an order, three lines and an event, committed in PostgreSQL. Plain psycopg, the same for all of them.

It imports nothing of the project: the rigs run in an environment of their own.
"""

from __future__ import annotations

import json
import os
import threading
import uuid
from typing import Any

DSN = "BENCH_DSN"
"""The environment variable with the connection string."""

TABLES = """
CREATE TABLE bench_orders (id uuid PRIMARY KEY, email text NOT NULL, total_minor bigint NOT NULL,
    placed_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE bench_lines (id bigserial PRIMARY KEY, order_id uuid NOT NULL REFERENCES bench_orders, sku text NOT NULL,
    quantity int NOT NULL, price_minor bigint NOT NULL);
CREATE INDEX ON bench_lines (order_id);
CREATE TABLE bench_events (id bigserial PRIMARY KEY, order_id uuid NOT NULL REFERENCES bench_orders, type text NOT NULL,
    data jsonb NOT NULL);
CREATE INDEX ON bench_events (order_id);
"""
PGBENCH = """SELECT gen_random_uuid() AS id \\gset
BEGIN;
INSERT INTO bench_orders (id, email, total_minor) VALUES (':id', 'ada@example.org', 7306);
INSERT INTO bench_lines (order_id, sku, quantity, price_minor)
    VALUES (':id', 'MUG-RED', 1, 1250), (':id', 'TEA', 2, 333), (':id', 'TRAY', 1, 4900);
INSERT INTO bench_events (order_id, type, data) VALUES (':id', 'placed', '{"total_minor": 7306}');
COMMIT;
"""
LINES = (("MUG-RED", 1, 1250), ("TEA", 2, 333), ("TRAY", 1, 4900))

_ORDER = "INSERT INTO bench_orders (id, email, total_minor) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING RETURNING id"
_LINES = (
    "INSERT INTO bench_lines (order_id, sku, quantity, price_minor)"
    " VALUES (%s, %s, %s, %s), (%s, %s, %s, %s), (%s, %s, %s, %s)"
)
_EVENT = "INSERT INTO bench_events (order_id, type, data) VALUES (%s, 'placed', %s)"
_mine = threading.local()


def payload(order_id: str) -> dict[str, Any]:
    """What a job is given, as JSON data."""
    return {
        "order_id": order_id,
        "email": "ada@example.org",
        "total_minor": 7306,
        "lines": [list(line) for line in LINES],
    }


def payloads(count: int) -> list[dict[str, Any]]:
    """So many jobs."""
    return [payload(str(uuid.uuid4())) for _ in range(count)]


def order_tx(job: dict[str, Any]) -> None:
    """One transaction on this thread's own connection; the statements are prepared by psycopg after five runs."""
    import psycopg

    connection = getattr(_mine, "connection", None)
    if connection is None:
        connection = _mine.connection = psycopg.connect(os.environ[DSN])
    order_id = job["order_id"]
    with connection.transaction():
        if not connection.execute(_ORDER, (order_id, job["email"], job["total_minor"])).fetchall():
            return
        connection.execute(_LINES, [value for line in job["lines"] for value in (order_id, *line)])
        connection.execute(_EVENT, (order_id, json.dumps({"total_minor": job["total_minor"]})))
