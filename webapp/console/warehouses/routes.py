"""The page of the warehouses: their order, names and countries, new ones, and those that close."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from orders.countries import COUNTRY_NAMES
from orders.domain.errors import InvalidRequest, Refused
from orders.domain.inventory import MAIN
from orders.domain.warehouses import MOST_WAREHOUSES, Warehouse
from webapp.console.door import console, requires
from webapp.console.people.audit import record
from webapp.console.permissions import Permission
from webapp.console.warehouses import listing
from webapp.console.wiring import console_wiring
from webapp.extensions import db

_NEW = "new:"
"""The form for another warehouse, where others are told by their codes: no code has a colon."""
_TOLD = ("name", "countries", "direction")
"""What the audit keeps of a form."""


@console.get("/warehouses")
@requires(Permission.WAREHOUSES_MANAGE)
def warehouses() -> ResponseReturnValue:
    """Every warehouse, in the shop's order of preference."""
    return _page()


def _page(
    wrong: str = "", invalid: InvalidRequest | None = None, conflict: str = "", status: int = 200
) -> ResponseReturnValue:
    known = console_wiring().inventory.warehouses()
    return render_template(
        "console/warehouses/warehouses.html",
        warehouses=known,
        seen=listing.fingerprint(known),
        main=MAIN,
        country_names=COUNTRY_NAMES,
        has_room=len(known) < MOST_WAREHOUSES,
        longest=listing.LONGEST_NAME,
        wrong=wrong,
        given=request.form,
        problems={problem.pointer: problem.detail for problem in invalid.problems} if invalid else {},
        conflict=conflict,
    ), status


@console.post("/warehouses")
@requires(Permission.WAREHOUSES_MANAGE)
def add_warehouse() -> ResponseReturnValue:
    """Another warehouse, the last one that orders try."""
    code = request.form.get("code", "").strip().lower()[:40]

    def add(known: listing.List) -> Sequence[Warehouse]:
        return (*known, listing.read_warehouse(code, request.form, known))

    return _change(add, "warehouse.added", code, "The warehouse is added.", wrong=_NEW)


@console.post("/warehouses/<code>")
@requires(Permission.WAREHOUSES_MANAGE)
def change_warehouse(code: str) -> ResponseReturnValue:
    """Another name, other countries."""
    _require(code)

    def change(known: listing.List) -> Sequence[Warehouse]:
        index = listing.place_of(known, code)
        before, after = known[:index], known[index + 1 :]
        return (*before, listing.read_warehouse(code, request.form, (*before, *after)), *after)

    return _change(change, "warehouse.changed", code, "The warehouse is changed.", wrong=code)


@console.post("/warehouses/<code>/move")
@requires(Permission.WAREHOUSES_MANAGE)
def move_warehouse(code: str) -> ResponseReturnValue:
    """A place earlier or later in the order of preference."""
    _require(code)
    change = partial(listing.moved, code=code, is_up=request.form.get("direction") == "up")
    return _change(change, "warehouse.moved", code, "The order of preference is changed.")


@console.post("/warehouses/<code>/remove")
@requires(Permission.WAREHOUSES_MANAGE)
def remove_warehouse(code: str) -> ResponseReturnValue:
    """Close an empty warehouse."""
    _require(code)
    change = partial(listing.without, code=code, inventory=console_wiring().inventory)
    return _change(
        change, "warehouse.removed", code, "The warehouse is closed; what it sold stays on record."
    )


def _require(code: str) -> None:
    """Raises NotFound for a warehouse that the shop does not have."""
    listing.place_of(console_wiring().inventory.warehouses(), code)


def _change(
    change: Callable[[listing.List], Sequence[Warehouse]], action: str, code: str, done: str, wrong: str = ""
) -> ResponseReturnValue:
    """Change the list that was seen and write it into the audit, or say why not beside the list as it is now."""
    given: dict[str, Any] = {name: request.form[name][:300] for name in _TOLD if name in request.form}
    record(action, f"warehouse:{code}", **given)
    try:
        listing.change_list(db.session(), console_wiring().inventory, request.form.get("seen", ""), change)
    except InvalidRequest as invalid:
        db.session.rollback()
        return _page(wrong, invalid, status=422)
    except Refused as refused:
        db.session.rollback()
        return _page(conflict=str(refused), status=409)
    db.session.commit()
    flash(f"{done} Orders heed it within half a minute.")
    return redirect(url_for("console.warehouses"))
