"""Stock in the console: movements, the import of a sheet, what runs low."""

from __future__ import annotations

import io
import re

import pytest

from orders.adapters.memory.inventory import MemoryInventory
from tests.integration.console.shop import BOWL, MUG, AsRole
from webapp.console.permissions import Role


def test_a_movement_is_booked_once_with_its_reason(as_role: AsRole, shelves: MemoryInventory) -> None:
    """The same form sent twice moves the pieces once; who and why is on the page."""
    client = as_role(Role.WAREHOUSE)
    page = client.get(f"/console/stock/{MUG}").text
    movement = re.search(r'name="movement_id" value="([^"]+)"', page)
    assert movement
    data = {
        "movement_id": movement[1],
        "kind": "adjust",
        "pieces": "-3",
        "reason": "damaged",
        "note": "dropped",
    }
    for _ in range(2):
        assert client.post(f"/console/stock/{MUG}/move", data=data).status_code == 302
    assert shelves.levels([MUG])[MUG].available == 7
    assert client.get(f"/console/stock/{MUG}").text.count("damaged: dropped") == 1


@pytest.mark.parametrize(
    "data",
    [
        {"kind": "adjust", "pieces": "-11", "reason": "damaged"},
        {"kind": "restock", "pieces": "-1", "reason": "supplier"},
        {"kind": "restock", "pieces": "x", "reason": "supplier"},
        {"kind": "restock", "pieces": "1", "reason": "because"},
        {"kind": "sell", "pieces": "1", "reason": "other"},
    ],
)
def test_a_movement_that_cannot_be_is_refused(
    as_role: AsRole, shelves: MemoryInventory, data: dict[str, str]
) -> None:
    """Never below zero, never without a reason; the shelf is as it was."""
    answer = as_role(Role.WAREHOUSE).post(f"/console/stock/{MUG}/move", data={"movement_id": "m", **data})
    assert answer.status_code == 422
    assert shelves.levels([MUG])[MUG].available == 10


def test_an_import_is_a_dry_run_first_and_is_applied_once(as_role: AsRole, shelves: MemoryInventory) -> None:
    """The dry run moves nothing; sending the confirmed file twice moves it once; a bad row leaves the others alone."""
    client = as_role(Role.WAREHOUSE)
    sheet = f"sku,restock,count\n{MUG},5,\n{BOWL},,1\nNOTHING,1,\n"
    first = client.post(
        "/console/stock-import",
        data={"nonce": "n1", "file": (io.BytesIO(sheet.encode()), "stock.csv")},
        content_type="multipart/form-data",
    )
    assert "2 of 3 rows can be" in first.text
    assert shelves.levels([MUG])[MUG].available == 10
    for _ in range(2):
        client.post("/console/stock-import", data={"nonce": "n1", "text": sheet, "confirmed": "1"})
    levels = shelves.levels([MUG, BOWL])
    assert (levels[MUG].available, levels[BOWL].available) == (15, 1)
    journal = {sku: client.get(f"/console/stock/{sku}").text for sku in (MUG, BOWL)}
    assert journal[MUG].count(">+5<") == journal[BOWL].count(">-1<") == 1


def test_what_runs_low_is_listed_fewest_first(as_role: AsRole, shelves: MemoryInventory) -> None:
    """Ten mugs are enough, two bowls are not."""
    page = as_role(Role.VIEWER).get("/console/stock?low=1").text
    assert BOWL in page
    assert MUG not in page
