"""Stock from a CSV file: read, checked row by row, and applied once however often the file is sent.

The columns: `sku` and one of `restock` (pieces that arrived), `count` (pieces counted on the shelf, available ones) or
`adjust` (a difference); and `warehouse`, the code of the place that is meant, the main one where it is empty.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

from orders.domain.errors import InvalidRequest, Problem, Refused
from orders.domain.ids import Sku
from orders.domain.inventory import MAIN, StockLevel
from orders.ports import InventoryStore

MOST_ROWS = 5_000
MOST_PIECES = 1_000_000
KINDS = ("restock", "count", "adjust")


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row of the file and what became of it. `problem` is empty for a row that can be (or was) applied."""

    line: int
    sku: Sku
    kind: str
    number: int
    before: int | None = None
    after: int | None = None
    problem: str = ""
    is_done: bool = False
    warehouse: str = MAIN

    @property
    def pieces(self) -> int:
        """What applying it adds to the stock, or takes away."""
        return self.number if self.kind == "restock" else self.difference

    @property
    def difference(self) -> int:
        """How many pieces more (or less) are available afterwards."""
        return (self.after or 0) - (self.before or 0)


def read_sheet(text: str) -> list[SheetRow]:
    """The rows of a file. Raises InvalidRequest when it is no such file at all; a bad row carries its problem."""
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
    names = [name.strip().lower() for name in reader.fieldnames or []]
    if "sku" not in names or not set(names) & set(KINDS):
        raise InvalidRequest(
            [Problem("/file", "the first line must name the columns sku and restock, count or adjust")]
        )
    reader.fieldnames = names
    rows = [_row(index, given) for index, given in enumerate(reader, start=2)]
    if len(rows) > MOST_ROWS:
        raise InvalidRequest([Problem("/file", f"at most {MOST_ROWS} rows at once")])
    seen: set[tuple[str, str]] = set()
    for index, row in enumerate(rows):
        if (row.sku, row.warehouse) in seen:
            again = "this SKU is in the file twice"
            again += " for this warehouse" if "warehouse" in names else ""
            rows[index] = replace(row, problem=again)
        seen.add((row.sku, row.warehouse))
    return rows


def _row(line: int, given: Mapping[str, str | None]) -> SheetRow:
    warehouse = (given.get("warehouse") or "").strip().lower() or MAIN
    return replace(_movement_in(line, given), warehouse=warehouse)


def _movement_in(line: int, given: Mapping[str, str | None]) -> SheetRow:
    sku = Sku((given.get("sku") or "").strip())
    filled = [(kind, (given.get(kind) or "").strip()) for kind in KINDS if (given.get(kind) or "").strip()]
    if not sku:
        return SheetRow(line, sku, "", 0, problem="no SKU")
    if len(filled) != 1:
        return SheetRow(line, sku, "", 0, problem="fill in exactly one of restock, count and adjust")
    kind, text = filled[0]
    try:
        number = int(text)
    except ValueError:
        return SheetRow(line, sku, kind, 0, problem=f"“{text}” is not a whole number")
    if abs(number) > MOST_PIECES or (number < 0 and kind != "adjust") or (number == 0 and kind == "restock"):
        return SheetRow(line, sku, kind, number, problem=f"{number} cannot be meant")
    return SheetRow(line, sku, kind, number)


def plan(
    rows: Sequence[SheetRow], levels: Mapping[Sku, StockLevel], places: Container[str]
) -> list[SheetRow]:
    """The dry run: every row with what is available in its warehouse before and after it. `places` are the shop's."""
    return [row if row.problem else _planned(row, levels.get(row.sku), places) for row in rows]


def _planned(row: SheetRow, level: StockLevel | None, places: Container[str]) -> SheetRow:
    if level is None:
        return replace(row, problem="the shop does not know this SKU")
    if row.warehouse not in places:
        return replace(row, problem=f"the shop has no warehouse “{row.warehouse[:40]}”")
    before = level.at(row.warehouse).available
    after = row.number if row.kind == "count" else before + row.number
    return replace(
        row, before=before, after=after, problem=f"only {before} are available" if after < 0 else ""
    )


def apply_rows(rows: Sequence[SheetRow], inventory: InventoryStore, import_id: str) -> list[SheetRow]:
    """Apply a plan, once per import: the movement id of a row is made of the import, the SKU and the warehouse.

    A row that fails is told and leaves the others alone.
    """
    return [_apply(row, inventory, movement_of(row, import_id)) for row in rows]


def movement_of(row: SheetRow, import_id: str) -> str:
    """The id of the movement that a row of an import is."""
    place = "" if row.warehouse == MAIN else f"@{row.warehouse}"
    return f"sheet:{import_id}{place}:{row.sku}"


def _apply(row: SheetRow, inventory: InventoryStore, movement_id: str) -> SheetRow:
    if row.problem:
        return row
    try:
        if row.kind == "restock":
            inventory.restock(row.sku, row.number, movement_id, row.warehouse)
        elif row.difference:
            inventory.adjust(row.sku, row.difference, movement_id, row.warehouse)
    except Refused as refused:
        return replace(row, problem=str(refused))
    return replace(row, is_done=True)


def import_id(text: str, staff_id: str) -> str:
    """What makes an import happen once when its form is sent twice. The file and the hidden nonce are in it."""
    return hashlib.sha256(f"{staff_id}\n{text}".encode()).hexdigest()[:24]
