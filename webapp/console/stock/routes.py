"""The stock pages: levels, one SKU, corrections with a reason, the low-stock list, reservations and the import."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from orders.adapters.rds.staff_journal import told_of
from orders.domain.errors import InvalidRequest, Problem, Refused
from orders.domain.ids import Sku, uuid7
from orders.domain.inventory import LOW_PIECES, MAIN
from webapp.console.door import console, current_staff, requires
from webapp.console.people.audit import record
from webapp.console.permissions import Permission
from webapp.console.stock import moving, queries, sheet
from webapp.console.uploads import uploaded_text
from webapp.console.warehouses.names import place_name, place_names, several_places
from webapp.console.wiring import console_wiring
from webapp.extensions import db
from webapp.wiring import wiring


@console.get("/stock")
@requires(Permission.STOCK_VIEW)
def stock() -> ResponseReturnValue:
    """Levels per SKU: in the house, reserved, available; or only what runs low."""
    typed, after = request.args.get("q", "").strip()[:60], request.args.get("after", "")[:64]
    is_low = "low" in request.args
    inventory, places = console_wiring().inventory, several_places()
    at = request.args.get("warehouse", "") if not is_low else ""
    at = at if at in places else ""
    codes = tuple(places)
    page = (
        queries.StockPage(queries.low_rows(db.session(), inventory, codes=codes), "")
        if is_low
        else queries.stock_page(db.session(), inventory, typed=typed, after=after, codes=codes, at=at)
    )
    return render_template(
        "console/stock/list.html",
        rows=page.rows,
        next_after=page.after,
        typed=typed,
        is_low=is_low,
        low=LOW_PIECES,
        places=places,
        at=at,
    )


@console.get("/stock/<sku>")
@requires(Permission.STOCK_VIEW)
def stock_item(sku: str) -> ResponseReturnValue:
    """One SKU: its level and what was done to it."""
    return _item_page(Sku(sku), None)


def _item_page(sku: Sku, invalid: InvalidRequest | None, wrong: str = "move") -> ResponseReturnValue:
    places = several_places()
    row = queries.stock_row(db.session(), console_wiring().inventory, sku, tuple(places)) or abort(404)
    return render_template(
        "console/stock/item.html",
        row=row,
        places=places,
        movements=queries.movements(db.session(), sku),
        movement_id=uuid7(wiring().clock.now()),
        reasons=moving.REASONS,
        transfer_reasons=moving.TRANSFER_REASONS,
        wrong=wrong if invalid else "",
        problem=str(invalid.problems[0].detail) if invalid else "",
        given=request.form if invalid else {},
    ), 422 if invalid else 200


@console.post("/stock/<sku>/move")
@requires(Permission.STOCK_ADJUST)
def move_stock(sku: str) -> ResponseReturnValue:
    """A delivery that arrived, or a corrected count, with its reason; once per form."""
    try:
        wish = moving.read_movement(request.form)
        inventory, known = console_wiring().inventory, Sku(sku)
        if wish.kind == "restock":
            inventory.restock(known, wish.pieces, wish.movement_id, wish.warehouse)
        else:
            inventory.adjust(known, wish.pieces, wish.movement_id, wish.warehouse)
    except InvalidRequest as invalid:
        return _item_page(Sku(sku), invalid)
    except Refused as refused:
        return _item_page(Sku(sku), InvalidRequest([Problem("/pieces", str(refused))]))
    place = {"warehouse": wish.warehouse} if wish.warehouse != MAIN else {}
    _journal(known, f"stock.{wish.kind}", wish.movement_id, wish.reason, pieces=wish.pieces, **place)
    flash(f"{_counted(abs(wish.pieces))} {'more' if wish.pieces > 0 else 'less'} of {sku}.")
    return redirect(url_for("console.stock_item", sku=sku))


@console.post("/stock/<sku>/transfer")
@requires(Permission.STOCK_ADJUST)
def transfer_stock(sku: str) -> ResponseReturnValue:
    """Pieces that went to another warehouse, with the reason; once per form."""
    try:
        wish = moving.read_transfer(request.form)
        inventory, known = console_wiring().inventory, Sku(sku)
        inventory.transfer(
            known, wish.pieces, wish.movement_id, origin=wish.origin, destination=wish.destination
        )
    except InvalidRequest as invalid:
        return _item_page(Sku(sku), invalid, "transfer")
    except Refused as refused:
        return _item_page(Sku(sku), InvalidRequest([Problem("/pieces", str(refused))]), "transfer")
    _journal(
        known,
        "stock.transfer",
        wish.movement_id,
        wish.reason,
        # The shop has as many pieces as before: that is what the doctor compares.
        pieces=0,
        moved=wish.pieces,
        origin=wish.origin,
        destination=wish.destination,
    )
    flash(f"{_counted(wish.pieces)} of {sku} moved to {place_name(wish.destination)}.")
    return redirect(url_for("console.stock_item", sku=sku))


def _counted(pieces: int) -> str:
    return f"{pieces} piece{'' if pieces == 1 else 's'}"


def _journal(sku: Sku, action: str, movement_id: str, reason: str, **facts: Any) -> None:
    """Write a movement into the staff's journal, once. Commits."""
    if movement_id not in told_of(db.session(), [sku]):
        record(action, f"sku:{sku}", reason=reason, movement_id=movement_id, **facts)
    db.session.commit()


@console.get("/stock-reservations")
@requires(Permission.STOCK_VIEW)
def reservations() -> ResponseReturnValue:
    """What holds stock, oldest first: which order, since when, how many pieces."""
    sku = request.args.get("sku", "").strip()[:64]
    rows, has_more = queries.holding_reservations(console_wiring().inventory, sku=sku)
    return render_template("console/stock/reservations.html", rows=rows, has_more=has_more, sku=sku)


@console.route("/stock-import", methods=["GET", "POST"])
@requires(Permission.STOCK_ADJUST)
def stock_import() -> ResponseReturnValue:
    """Stock from a CSV file: first a dry run with a result per row, then the same rows for real."""
    text, problem, rows, is_applied = "", "", [], False
    if request.method == "POST":
        try:
            text = uploaded_text()
            rows = sheet.read_sheet(text)
            inventory = console_wiring().inventory
            # Only a file that names another place makes the list of them be read.
            places = place_names() if any(row.warehouse != MAIN for row in rows) else (MAIN,)
            rows = sheet.plan(rows, inventory.levels([row.sku for row in rows if row.sku]), places)
            if request.form.get("confirmed") == "1":
                key = sheet.import_id(f"{request.form.get('nonce', '')}\n{text}", str(current_staff().id))
                rows, is_applied = sheet.apply_rows(rows, inventory, key), True
                _write_into_the_journal(rows, key)
        except InvalidRequest as invalid:
            problem = invalid.problems[0].detail
    return render_template(
        "console/stock/import.html",
        text=text,
        rows=rows,
        problem=problem,
        is_applied=is_applied,
        nonce=request.form.get("nonce") or uuid7(wiring().clock.now()),
        names_places=any(row.warehouse != MAIN for row in rows),
        places={} if rows else several_places(),
        good=sum(1 for row in rows if not row.problem),
    ), 422 if problem else 200


def _write_into_the_journal(rows: Sequence[sheet.SheetRow], import_id: str) -> None:
    """Each row that moved something, once, however often the import is sent. Commits."""
    moved = [row for row in rows if row.is_done and row.pieces]
    known = told_of(db.session(), [row.sku for row in moved])
    for row in moved:
        movement_id = sheet.movement_of(row, import_id)
        if movement_id not in known:
            place: dict[str, Any] = {"warehouse": row.warehouse} if row.warehouse != MAIN else {}
            record(
                f"stock.{row.kind}",
                f"sku:{row.sku}",
                reason="import",
                pieces=row.pieces,
                movement_id=movement_id,
                import_id=import_id,
                **place,
            )
    db.session.commit()
