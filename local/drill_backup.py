"""Backups of a stage, as files: the database by pg_dump, the tables by a scan; and back again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from local.drill_stage import DrillStage
from local.options import StartFailed
from orders.adapters.aws import make_client

_BATCH = 25
"""BatchWriteItem takes no more."""
_TRIES = 20


@dataclass(frozen=True)
class Backups:
    """Where the files are."""

    folder: Path

    @property
    def database(self) -> Path:
        """pg_dump's own format, compressed."""
        return self.folder / "database.dump"

    def table(self, name: str) -> Path:
        """One item a line, in DynamoDB's wire form."""
        return self.folder / f"{name}.jsonl"

    def dump_database(self, stage: DrillStage) -> datetime:
        """Back the database up; returns the moment that the dump shows: what commits later is not in it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        begun = datetime.now(UTC)
        stage.postgres_tool("pg_dump", "--format=custom", f"--file={self.database}")
        return begun

    def restore_database(self, stage: DrillStage) -> None:
        """Into an empty database, with its owners, all or nothing."""
        stage.postgres_tool("pg_restore", "--exit-on-error", "--single-transaction", str(self.database))

    def export_tables(self, stage: DrillStage) -> dict[str, int]:
        """Back both tables up; returns the number of items of each."""
        counts = {}
        for name, table in _tables(stage).items():
            with self.table(name).open("w", encoding="utf-8") as file:
                counts[name] = 0
                for item in _scan(make_client("dynamodb", stage.settings), table):
                    file.write(json.dumps(item, separators=(",", ":")) + "\n")
                    counts[name] += 1
        return counts

    def import_tables(self, stage: DrillStage) -> dict[str, int]:
        """Put every item back; returns the number of items of each table. An item that is there is replaced."""
        counts = {}
        for name, table in _tables(stage).items():
            client = make_client("dynamodb", stage.settings)
            counts[name] = 0
            with self.table(name).open(encoding="utf-8") as file:
                while lines := list(islice(file, _BATCH)):
                    _write(client, table, [json.loads(line) for line in lines])
                    counts[name] += len(lines)
        return counts


def _tables(stage: DrillStage) -> dict[str, str]:
    settings = stage.settings
    return {"inventory": settings.inventory_table, "tracking": settings.tracking_table}


def _scan(client: Any, table: str) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        yield from page["Items"]


def _write(client: Any, table: str, items: list[dict[str, Any]]) -> None:
    request: dict[str, Any] = {table: [{"PutRequest": {"Item": item}} for item in items]}
    for attempt in range(_TRIES):
        request = client.batch_write_item(RequestItems=request).get("UnprocessedItems") or {}
        if not request:
            return
        time.sleep(min(2.0, 0.05 * 2**attempt))
    raise StartFailed(f"{table} does not take the restored items")
