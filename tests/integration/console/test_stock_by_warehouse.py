"""Stock in several warehouses: where it lies, what comes and goes there, and what moves between them."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from orders.adapters.memory.inventory import MemoryInventory
from orders.adapters.memory.tracking import MemoryTracking
from orders.adapters.rds.staff_journal import journaled
from orders.domain.ids import Sku, new_order_id
from orders.domain.inventory import MAIN, ReservationState, ReservedLine
from orders.domain.warehouses import Warehouse
from orders.ports import Reservation, TrackingView
from tests.integration.console.shop import BOWL, MUG, AsRole
from webapp.catalog.importer import import_sheets
from webapp.catalog.records import CategoryRow, ProductRow, Sheets, VariantRow
from webapp.console.people.models import StaffAction
from webapp.console.permissions import Role
from webapp.console.stock import queries
from webapp.extensions import db


@pytest.fixture
def places(shelves: MemoryInventory) -> MemoryInventory:
    """A second warehouse, where four of the ten mugs lie."""
    shelves.set_warehouses([*shelves.warehouses(), Warehouse("north", "Hamburg", ("DK",))])
    shelves.transfer(MUG, 4, "first", origin=MAIN, destination="north")
    return shelves


def test_a_shop_with_one_warehouse_is_told_of_none(as_role: AsRole, shelves: MemoryInventory) -> None:
    """No column, no field, no form that asks for a place."""
    client = as_role(Role.WAREHOUSE)
    for page in (client.get("/console/stock?low=1").text, client.get(f"/console/stock/{MUG}").text):
        assert "arehouse" not in re.sub(r"(?s)<nav.*?</nav>|<header.*?</header>", "", page)


def test_a_sku_is_shown_by_warehouse(as_role: AsRole, places: MemoryInventory) -> None:
    """The totals stay, and each place has its own line, also the one that it never was in."""
    client = as_role(Role.VIEWER)
    page = client.get(f"/console/stock/{MUG}").text
    rows = re.findall(r'<th scope="row">([^<]+)</th><td class="number">(\d+)</td>', page)
    assert rows == [("Main warehouse", "6"), ("Hamburg", "4")]
    assert 'name="origin"' not in page
    bowl = client.get(f"/console/stock/{BOWL}").text
    assert "nothing here" in bowl


def test_a_delivery_goes_where_the_sku_lies_or_where_it_is_said(
    as_role: AsRole, places: MemoryInventory
) -> None:
    """One place is chosen beforehand; among several nobody guesses, and a form that chose none books nothing."""
    client = as_role(Role.WAREHOUSE)
    assert re.search(r'<option value="main" selected>', client.get(f"/console/stock/{BOWL}").text)
    page = client.get(f"/console/stock/{MUG}").text
    assert '<select id="move-warehouse" name="warehouse" required><option value="">choose one' in page
    form = {"movement_id": "m", "kind": "restock", "pieces": "5", "reason": "supplier", "warehouse": ""}
    assert client.post(f"/console/stock/{MUG}/move", data=form).status_code == 422
    assert places.levels([MUG])[MUG].received == 10


def test_reservations_name_another_warehouse(
    app: Flask, as_role: AsRole, places: MemoryInventory, tracking: MemoryTracking
) -> None:
    """What lies in the main one needs no word."""
    now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    order_id = new_order_id(now)
    lines = (ReservedLine(MUG, 10, 1990), ReservedLine(BOWL, 1, 1990))
    state = ReservationState.CONFIRMED
    wanted = Reservation(order_id, "f", lines, state, "", now, now, currency="EUR", destination="DK")
    view = TrackingView(order_id, "n", 1, "placed", "placed", "authorised", "unfulfilled", now)
    places.reserve(wanted, view)
    page = as_role(Role.VIEWER).get("/console/stock-reservations").text
    held = re.findall(r'(\d+) × <code>([^<]+)</code>(?: <span class="place">([^<]+)</span>)?', page)
    assert sorted(held) == [("1", BOWL, ""), ("4", MUG, "Hamburg"), ("6", MUG, "")]


def test_what_runs_low_tells_which_place_is_out(as_role: AsRole, places: MemoryInventory) -> None:
    """Low is the shop's total; the place without any is named."""
    places.adjust(MUG, -6, "broken")
    page = as_role(Role.VIEWER).get("/console/stock?low=1").text
    parts = re.findall(r'(?s)<tr class="is-part.*?</tr>', page)
    assert ["none left here" in part for part in parts] == [True, False]
    assert "Main warehouse" in parts[0]


def test_pieces_come_and_go_in_the_chosen_warehouse(as_role: AsRole, places: MemoryInventory) -> None:
    """A delivery to the north is counted there; a correction there takes no piece from elsewhere; no unknown place."""
    client = as_role(Role.WAREHOUSE)
    form = {"movement_id": "m1", "kind": "restock", "pieces": "5", "reason": "supplier", "warehouse": "north"}
    for _ in range(2):
        assert client.post(f"/console/stock/{MUG}/move", data=form).status_code == 302
    fewer = {**form, "movement_id": "m2", "kind": "adjust", "pieces": "-10", "reason": "damaged"}
    refused = client.post(f"/console/stock/{MUG}/move", data=fewer)
    assert refused.status_code == 422
    assert "9 pieces available in north" in refused.text
    assert client.post(f"/console/stock/{MUG}/move", data={**form, "warehouse": "moon"}).status_code == 422
    level = places.levels([MUG])[MUG]
    assert (level.at(MAIN).available, level.at("north").available) == (6, 9)


def test_a_transfer_is_done_once_and_adds_nothing_to_the_journal(
    app: Flask, as_role: AsRole, places: MemoryInventory
) -> None:
    """Sent twice it moves once; the journal tells from where to where, and no piece more for the doctor to count."""
    client = as_role(Role.WAREHOUSE)
    form = {
        "movement_id": "t1",
        "origin": "north",
        "destination": MAIN,
        "pieces": "3",
        "reason": "making room",
    }
    for _ in range(2):
        answer = client.post(f"/console/stock/{MUG}/transfer", data=form, follow_redirects=True)
        assert "3 pieces of MUG-BLUE moved to Main warehouse." in answer.text
    level = places.levels([MUG])[MUG]
    assert (level.at(MAIN).available, level.at("north").available, level.received) == (9, 1, 10)
    with app.app_context():
        (told,) = db.session.scalars(select(StaffAction).where(StaffAction.action == "stock.transfer")).all()
        told_by_id = journaled(db.session.connection())
    assert (told.detail["pieces"], told.detail["moved"]) == (0, 3)
    # What the doctor compares, movement by movement.
    applied = {each.id: (each.sku, each.pieces) for each in places.all_movements()}
    assert {one.id: (one.sku, one.pieces) for one in told_by_id.values()}.items() <= applied.items()
    assert "Hamburg → Main warehouse" in client.get(f"/console/stock/{MUG}").text


@pytest.mark.parametrize(
    "wrong",
    [
        {"pieces": "5"},
        {"pieces": "0"},
        {"destination": "north"},
        {"destination": "moon"},
        {"reason": "because"},
    ],
)
def test_a_transfer_that_cannot_be_is_refused(
    as_role: AsRole, places: MemoryInventory, wrong: dict[str, str]
) -> None:
    """Not more than is available there, not to the same place, not without a reason."""
    form = {
        "movement_id": "t",
        "origin": "north",
        "destination": MAIN,
        "pieces": "3",
        "reason": "making room",
    }
    answer = as_role(Role.WAREHOUSE).post(f"/console/stock/{MUG}/transfer", data={**form, **wrong})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert places.levels([MUG])[MUG].at("north").available == 4


def _dry_run(client: FlaskClient, sheet: str) -> str:
    data = {"nonce": "n1", "file": (io.BytesIO(sheet.encode()), "stock.csv")}
    return client.post("/console/stock-import", data=data, content_type="multipart/form-data").text


def test_an_import_counts_each_warehouse_for_itself(as_role: AsRole, places: MemoryInventory) -> None:
    """One SKU once per place; an unknown place and a second row of one place are problems of their rows alone."""
    client = as_role(Role.WAREHOUSE)
    sheet = (
        "sku,warehouse,restock,count\n"
        f"{MUG},,,5\n{MUG},North,,7\n{MUG},north,1,\n{BOWL},moon,1,\n{BOWL},north,2,\n"
    )
    page = _dry_run(client, sheet)
    assert "3 of 5 rows can be" in page
    assert "in the file twice for this warehouse" in page
    assert "the shop has no warehouse “moon”" in page
    for _ in range(2):
        client.post("/console/stock-import", data={"nonce": "n1", "text": sheet, "confirmed": "1"})
    mugs, bowls = places.levels([MUG])[MUG], places.levels([BOWL])[BOWL]
    assert [(mugs.at(place).available, bowls.at(place).available) for place in (MAIN, "north")] == [
        (5, 2),
        (7, 2),
    ]
    journal = client.get(f"/console/stock/{MUG}").text
    assert journal.count(">-1<") == journal.count(">+3<") == 1


def test_an_import_without_the_column_is_as_ever(as_role: AsRole, places: MemoryInventory) -> None:
    """What names no place is meant for the main one, and no place is told."""
    page = _dry_run(as_role(Role.WAREHOUSE), f"sku,adjust\n{MUG},-6\n{BOWL},-3\n")
    assert "1 of 2 rows can be" in page
    assert '<th scope="col">Warehouse</th>' not in page


@pytest.fixture
def catalogue(app: Flask) -> None:
    """Mugs, bowls and three things more, each in the catalogue."""
    rows = [
        ProductRow(
            "t", n, sku.lower(), sku.title(), "kitchen", "", "", (), {}, {}, "", 0, None, True,
            (VariantRow(n, sku, {}, 1990, "EUR", 100, "", True, 5),),
        )
        for n, sku in enumerate((BOWL, MUG, "X-1", "X-2", "X-3"))
    ]  # fmt: skip
    shelf = CategoryRow("t", 1, "kitchen", "Kitchen", "", 1, "", "")
    with app.app_context():
        import_sheets(db.session(), Sheets(categories=[shelf], products=rows))
        db.session.commit()


def test_the_list_is_of_one_warehouse_when_asked(
    as_role: AsRole, places: MemoryInventory, catalogue: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers of that place alone; what never was there is passed over, page after page, and none is left out."""
    for sku in (Sku("X-1"), Sku("X-3")):
        places.set_up_sku(sku, 1990, "EUR", warehouse="north")
    client = as_role(Role.VIEWER)
    whole = client.get("/console/stock").text
    assert whole.count('<tr class="is-part') == 2
    assert re.search(r'(?s)X-1</code>.*?<span class="place">Hamburg</span>', whole)
    found = re.search(
        rf'(?s){MUG}</code>.*?<td class="number">(\d+)</td>',
        client.get("/console/stock?warehouse=north").text,
    )
    assert found
    assert found[1] == "4"
    monkeypatch.setattr(queries, "PAGE", 2)
    monkeypatch.setattr(queries, "MOST_LOOKED_AT", 2)
    shown, address = [], "/console/stock?warehouse=north"
    while address:
        page = client.get(address).text
        shown += re.findall(r"data-open><code>([^<]+)</code>", page)
        after = re.search(r'rel="next" href="([^"]+)"', page)
        address = after[1].replace("&amp;", "&") if after else ""
    assert shown == [MUG, "X-1", "X-3"]
