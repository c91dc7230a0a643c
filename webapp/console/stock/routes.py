"""The stock pages: levels, one SKU, corrections with a reason, the low-stock list, reservations and the import."""

from __future__ import annotations

from collections.abc import Sequence

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from orders.adapters.rds.staff_journal import told_of
from orders.domain.errors import InvalidRequest, Problem, Refused
from orders.domain.ids import Sku, uuid7
from orders.domain.inventory import LOW_PIECES
from webapp.console.door import console, current_staff, requires
from webapp.console.people.audit import record
from webapp.console.permissions import Permission
from webapp.console.stock import queries, sheet
from webapp.console.uploads import uploaded_text
from webapp.console.wiring import console_wiring
from webapp.extensions import db
from webapp.wiring import wiring

REASONS = ("supplier", "counted", "damaged", "found", "sample", "other")


@console.get("/stock")
@requires(Permission.STOCK_VIEW)
def stock() -> ResponseReturnValue:
    """Levels per SKU: in the house, reserved, available; or only what runs low."""
    typed, after = request.args.get("q", "").strip()[:60], request.args.get("after", "")[:64]
    is_low = "low" in request.args
    inventory = console_wiring().inventory
    rows = (
        queries.low_rows(db.session(), inventory)
        if is_low
        else queries.stock_rows(db.session(), inventory, typed=typed, after=after)
    )
    return render_template(
        "console/stock/list.html",
        rows=rows,
        typed=typed,
        is_low=is_low,
        page_size=queries.PAGE,
        low=LOW_PIECES,
    )


@console.get("/stock/<sku>")
@requires(Permission.STOCK_VIEW)
def stock_item(sku: str) -> ResponseReturnValue:
    """One SKU: its level and what was done to it."""
    return _item_page(Sku(sku), None)


def _item_page(sku: Sku, invalid: InvalidRequest | None) -> ResponseReturnValue:
    row = queries.stock_row(db.session(), console_wiring().inventory, sku) or abort(404)
    return render_template(
        "console/stock/item.html",
        row=row,
        movements=queries.movements(db.session(), sku),
        movement_id=uuid7(wiring().clock.now()),
        reasons=REASONS,
        problem=str(invalid.problems[0].detail) if invalid else "",
        given=request.form,
    ), 422 if invalid else 200


@console.post("/stock/<sku>/move")
@requires(Permission.STOCK_ADJUST)
def move_stock(sku: str) -> ResponseReturnValue:
    """A delivery that arrived, or a corrected count, with its reason; once per form."""
    try:
        kind, difference, reason = _movement()
        inventory, known = console_wiring().inventory, Sku(sku)
        movement_id = f"console:{request.form.get('movement_id', '')[:60]}"
        if kind == "restock":
            inventory.restock(known, difference, movement_id)
        else:
            inventory.adjust(known, difference, movement_id)
    except InvalidRequest as invalid:
        return _item_page(Sku(sku), invalid)
    except Refused as refused:
        return _item_page(Sku(sku), InvalidRequest([Problem("/pieces", str(refused))]))
    if movement_id not in told_of(db.session(), [known]):
        record(f"stock.{kind}", f"sku:{sku}", reason=reason, pieces=difference, movement_id=movement_id)
    db.session.commit()
    flash(
        f"{abs(difference)} piece{'' if abs(difference) == 1 else 's'} {'more' if difference > 0 else 'less'} of {sku}."
    )
    return redirect(url_for("console.stock_item", sku=sku))


def _movement() -> tuple[str, int, str]:
    kind = request.form.get("kind", "")
    if kind not in {"restock", "adjust"}:
        raise InvalidRequest([Problem("/kind", "choose what happened")])
    try:
        pieces = int(request.form.get("pieces", ""))
    except ValueError:
        raise InvalidRequest([Problem("/pieces", "type a whole number of pieces")]) from None
    if pieces == 0 or abs(pieces) > sheet.MOST_PIECES or (kind == "restock" and pieces < 0):
        raise InvalidRequest([Problem("/pieces", "type how many pieces; only a correction may be negative")])
    reason = request.form.get("reason", "")
    if reason not in REASONS:
        raise InvalidRequest([Problem("/reason", "choose a reason")])
    note = request.form.get("note", "").strip()[:200]
    return kind, pieces, f"{reason}: {note}" if note else reason


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
            rows = sheet.plan(rows, inventory.levels([row.sku for row in rows if row.sku]))
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
        good=sum(1 for row in rows if not row.problem),
    ), 422 if problem else 200


def _write_into_the_journal(rows: Sequence[sheet.SheetRow], import_id: str) -> None:
    """Each row that moved something, once, however often the import is sent. Commits."""
    moved = [row for row in rows if row.is_done and row.pieces]
    known = told_of(db.session(), [row.sku for row in moved])
    for row in moved:
        movement_id = sheet.movement_of(row, import_id)
        if movement_id not in known:
            record(
                f"stock.{row.kind}",
                f"sku:{row.sku}",
                reason="import",
                pieces=row.pieces,
                movement_id=movement_id,
                import_id=import_id,
            )
    db.session.commit()
