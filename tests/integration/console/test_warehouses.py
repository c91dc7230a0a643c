"""The list of warehouses: changed by staff, written into the audit, never over a colleague's change."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from threading import Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from orders.adapters.memory.inventory import MemoryInventory
from orders.domain.inventory import MAIN
from orders.domain.warehouses import MOST_WAREHOUSES, Warehouse
from tests.integration.console.shop import MUG, AsRole
from webapp.console.people.models import StaffAction
from webapp.console.permissions import Role
from webapp.extensions import db

_WAITS = """
    SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
NORTH = {"code": "North", "name": " Hamburg ", "countries": "dk, se"}


def seen(client: FlaskClient) -> str:
    """What the forms of the page tell of the list."""
    found = re.search(r'name="seen" value="([0-9a-f]+)"', client.get("/console/warehouses").text)
    assert found
    return found[1]


def send(client: FlaskClient, path: str = "", **data: str) -> TestResponse:
    """Open the page and send one of its forms."""
    return client.post(f"/console/warehouses{path}", data={"seen": seen(client), **data})


def actions(app: Flask) -> list[tuple[str, str]]:
    """What the audit says of warehouses, in its order."""
    with app.app_context():
        rows = db.session.scalars(select(StaffAction).order_by(StaffAction.id)).all()
        return [(row.action, row.subject) for row in rows if row.action.startswith("warehouse.")]


def test_a_manager_opens_moves_renames_and_closes_a_warehouse(
    app: Flask, as_role: AsRole, shelves: MemoryInventory
) -> None:
    """Typed as people type; each act is in the list at once and in the audit."""
    client = as_role(Role.MANAGER)
    main = shelves.warehouses()[0]
    assert send(client, **NORTH).status_code == 302
    north = Warehouse("north", "Hamburg", ("DK", "SE"))
    assert list(shelves.warehouses()) == [main, north]
    page = client.get("/console/warehouses").text
    assert "First choice for Denmark and Sweden." in page
    assert send(client, "/north/move", direction="up").status_code == 302
    assert [each.code for each in shelves.warehouses()] == ["north", MAIN]
    assert send(client, "/north", name="Lübeck", countries="").status_code == 302
    assert shelves.warehouses()[0] == Warehouse("north", "Lübeck")
    assert send(client, "/north/remove").status_code == 302
    assert list(shelves.warehouses()) == [main]
    done = ["warehouse.added", "warehouse.moved", "warehouse.changed", "warehouse.removed"]
    assert actions(app) == [(action, "warehouse:north") for action in done]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"code": "2nd place"}, "a small letter, then"),
        ({"code": MAIN}, "there is a warehouse"),
        ({"name": "  "}, "give it a name"),
        ({"name": "main WAREHOUSE"}, "is called"),
        ({"countries": "DK, XX"}, "“XX” is no country"),
    ],
)
def test_what_cannot_be_a_warehouse_is_said_beside_its_field(
    app: Flask, as_role: AsRole, shelves: MemoryInventory, wrong: dict[str, str], said: str
) -> None:
    """Nothing is changed, nothing is in the audit, and what was typed is still there."""
    answer = send(as_role(Role.MANAGER), **{**NORTH, **wrong})
    assert answer.status_code == 422
    assert said.lower() in answer.text.lower()
    assert len(shelves.warehouses()) == 1
    assert not actions(app)


def test_a_warehouse_with_pieces_and_the_main_one_stay(
    app: Flask, as_role: AsRole, shelves: MemoryInventory
) -> None:
    """The reason names the pieces; once they are gone it can be closed."""
    client = as_role(Role.MANAGER)
    send(client, **NORTH)
    shelves.transfer(MUG, 3, "t", origin=MAIN, destination="north")
    refused = send(client, "/north/remove")
    assert refused.status_code == 409
    assert "3 pieces are available there" in refused.text
    assert send(client, f"/{MAIN}/remove").status_code == 409
    assert len(shelves.warehouses()) == 2
    shelves.transfer(MUG, 3, "back", origin="north", destination=MAIN)
    assert send(client, "/north/remove").status_code == 302
    assert [action for action, _ in actions(app)] == ["warehouse.added", "warehouse.removed"]


def test_the_second_of_two_editors_is_told(as_role: AsRole, shelves: MemoryInventory) -> None:
    """Both opened the page before one saved: the other's form changes nothing and shows the list as it is."""
    first, second = as_role(Role.MANAGER), as_role(Role.ADMIN)
    old = seen(second)
    send(first, **NORTH)
    late = second.post(
        "/console/warehouses", data={"seen": old, "code": "south", "name": "Graz", "countries": ""}
    )
    assert late.status_code == 409
    assert "changed since you opened this page" in late.text
    assert "Hamburg" in late.text
    assert [each.code for each in shelves.warehouses()] == [MAIN, "north"]


def test_two_changes_at_the_same_moment_come_one_after_the_other(
    app: Flask, as_role: AsRole, shelves: MemoryInventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second arrives after the first has compared and before it has written: it waits, and is told."""
    first, second = as_role(Role.MANAGER), as_role(Role.ADMIN)
    old = seen(first)
    south = {"seen": old, "code": "south", "name": "Graz", "countries": ""}
    late: list[TestResponse] = []
    thread = Thread(target=lambda: late.append(second.post("/console/warehouses", data=south)))
    write = shelves.set_warehouses

    def meanwhile(warehouses: Sequence[Warehouse]) -> None:
        monkeypatch.setattr(shelves, "set_warehouses", write)
        thread.start()
        deadline = time.monotonic() + 60
        with db.engine.connect() as connection:
            while not late and not connection.scalar(text(_WAITS)):
                assert time.monotonic() < deadline, "the second neither waits nor ends"
                thread.join(0.01)
        write(warehouses)

    monkeypatch.setattr(shelves, "set_warehouses", meanwhile)
    done = first.post("/console/warehouses", data={"seen": old, **NORTH})
    thread.join(60)
    assert (done.status_code, [answer.status_code for answer in late]) == (302, [409])
    assert [each.code for each in shelves.warehouses()] == [MAIN, "north"]


def test_a_full_list_offers_no_more(as_role: AsRole, shelves: MemoryInventory) -> None:
    """There is room for so many; the form that was open meanwhile is refused."""
    client = as_role(Role.MANAGER)
    more = [Warehouse(f"w{n}", f"Place {n}") for n in range(MOST_WAREHOUSES - 1)]
    shelves.set_warehouses([*shelves.warehouses(), *more])
    assert "Another warehouse" not in client.get("/console/warehouses").text
    assert send(client, **NORTH).status_code == 409
    assert len(shelves.warehouses()) == MOST_WAREHOUSES
