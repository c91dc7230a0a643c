"""What PostgreSQL alone can do here: pgbench with the statements of both jobs, one transaction per order."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from bench.peers.ground import Ground
from bench.peers.order_tx import LINES
from local.postgres import find_binaries
from orders.adapters.clock import SystemClock
from orders.adapters.memory.order_book import MemoryOrderBook
from orders.adapters.rds import mapping
from orders.domain.ids import OrderId
from orders.ports import NewOrder, OrderTransaction
from orders.services.desk import OrderDesk
from orders.services.record_order import AcceptedOrder, record_orders
from orders.settings import Settings
from tests.order_samples import order_request


def pgbench(ground: Ground, name: str, script: str, clients: int = 8, seconds: int = 5) -> dict[str, Any]:
    """Transactions per second."""
    path = ground.folder / f"{name}.sql"
    path.write_text(script, "utf-8")
    command = [str(find_binaries() / "pgbench"), "-n", "-c", str(clients), "-j", "2"]
    command += ["-T", str(seconds), "-f", str(path), ground.dsn]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    if not found:
        raise SystemExit(f"pgbench failed: {done.stderr[-500:]}")
    return {"case": f"pgbench {name}, {clients} clients", "per_second": round(float(found[1]))}


class _Overheard(MemoryOrderBook):
    """A book that notes which orders a use case enters."""

    def __init__(self) -> None:
        super().__init__()
        self.entered: list[NewOrder] = []

    @contextmanager
    def transaction(self) -> Iterator[OrderTransaction]:
        """See ports.OrderBook."""
        with super().transaction() as tx:
            enter = tx.enter_new

            def noted(orders: Sequence[NewOrder]) -> set[OrderId]:
                self.entered += orders
                return enter(orders)

            tx.enter_new = noted  # type: ignore[method-assign]
            yield tx


def record_script() -> str:
    """The statements of record_order for one order."""
    book = _Overheard()
    request = order_request(LINES)
    accepted = AcceptedOrder("message", request, datetime.now(UTC), "c" * 32)
    record_orders(OrderDesk(book, SystemClock(), Settings()), [accepted])
    (order,) = book.entered
    statements = [
        _insert("inbox", [{"message_id": f"record_order:{request.order_id}", "job": "record_order"}]),
        _insert("orders", [mapping.order_row(order.record)]),
        _insert("order_lines", mapping.line_rows(order.record)),
        _insert("timeline_events", [mapping.event_row(event) for event in order.events]),
        _insert("ledger_entries", mapping.posting_rows(order.postings)),
        _insert("outbox", [mapping.outbox_row(row) for row in order.outbox]),
    ]
    text = "\n".join(statements).replace(request.order_id, ":id")
    return f"SELECT gen_random_uuid() AS id \\gset\nBEGIN;\n{text}\nCOMMIT;\n"


def _insert(table: str, rows: Sequence[Mapping[str, Any]]) -> str:
    values = ", ".join(f"({', '.join(_literal(value) for value in row.values())})" for row in rows)
    return f"INSERT INTO {table} ({', '.join(rows[0])}) VALUES {values} ON CONFLICT DO NOTHING;"  # noqa: S608


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool | int):
        return str(value).lower()
    text = value if isinstance(value, str) else json.dumps(value)
    return "'" + text.replace("'", "''") + "'"
