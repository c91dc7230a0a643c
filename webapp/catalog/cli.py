"""`flask catalog ...`: sheets in, stock up, and a million made-up products for a load test."""

from __future__ import annotations

from pathlib import Path

import click
from flask import Blueprint, current_app

from orders.adapters.aws import make_client
from orders.adapters.clock import SystemClock
from orders.adapters.dynamodb.heads import MAX_COUNTERS
from orders.adapters.dynamodb.inventory import DynamoInventory
from orders.domain.errors import CartwrightError
from orders.domain.ids import Sku
from orders.ports import InventoryStore
from webapp.catalog import generator
from webapp.catalog.importer import ImportReport, import_sheets
from webapp.catalog.records import SheetRefused, Sheets
from webapp.catalog.sheet import read_sheets
from webapp.catalog.stock import StockEntry, entries_from_catalogue, entries_of, set_up_stock
from webapp.extensions import db

bp = Blueprint("catalog_commands", __name__, cli_group="catalog")
SHEET = click.Path(exists=True, dir_okay=False, path_type=Path)
PROBLEMS_SHOWN = 50


@bp.cli.command("import")
@click.argument("files", nargs=-1, required=True, type=SHEET)
@click.option("--dry-run", is_flag=True, help="Check everything against the database and write nothing.")
@click.option("--no-stock", is_flag=True, help="Leave stock and prices in the inventory as they are.")
def import_command(files: tuple[Path, ...], dry_run: bool, no_stock: bool) -> None:
    """Import catalogue sheets: all rows of all FILES, or none.

    A sheet holds products, categories or collections; its header tells which. Stock and prices go on to the
    inventory, because an order is held to the inventory's price.
    """
    try:
        sheets = read_sheets(files)
        report = import_sheets(db.session(), sheets)
    except SheetRefused as refusal:
        db.session.rollback()
        raise click.ClickException(_problems(refusal)) from refusal
    if dry_run:
        db.session.rollback()
        click.echo(f"Nothing is wrong. It would be: {_summary(report)}")
        return
    db.session.commit()
    click.echo(_summary(report))
    if sheets.products and not no_stock:
        _set_up(entries_of(sheets), len(entries_of(sheets)))


@bp.cli.command("stock")
@click.argument("file", required=False, type=SHEET)
@click.option(
    "--from-catalogue", is_flag=True, help="Take SKUs and prices from the database instead of a FILE."
)
@click.option(
    "--quantity", default=0, type=click.IntRange(0, 1_000_000), help="First pieces, with --from-catalogue."
)
@click.option(
    "--limit", type=click.IntRange(1), help="Only this many SKUs, most popular first, with --from-catalogue."
)
def stock_command(file: Path | None, from_catalogue: bool, quantity: int, limit: int | None) -> None:
    """Make SKUs known to the inventory with their prices, and receive their first pieces.

    A SKU's first pieces are received once: a repeat, also with another quantity, adds nothing.
    """
    if (file is None) != from_catalogue:
        raise click.UsageError("give either a FILE or --from-catalogue")
    if file is not None:
        sheets = _read(file)
        _set_up(entries_of(sheets), len(entries_of(sheets)))
    else:
        entries = list(entries_from_catalogue(db.session(), quantity, limit))
        db.session.rollback()  # No transaction stays open while the inventory is talked to.
        _set_up(entries, len(entries))


@bp.cli.command("split")
@click.argument("sku")
@click.argument("counters", type=click.IntRange(2, MAX_COUNTERS))
def split_command(sku: str, counters: int) -> None:
    """Spread the stock of a SKU that many want at once over so many COUNTERS; it never gets fewer than it has.

    Orders that meet on one counter wait for each other. Those that come from now on use the new counters within half a
    minute; price and pieces stay as they are.
    """
    inventory = _inventory()
    try:
        level = inventory.levels([Sku(sku)]).get(Sku(sku))
        if level is None:
            raise click.ClickException(f"the inventory does not know {sku}")
        inventory.set_up_sku(level.sku, level.price_minor, level.currency, counters)
        now = inventory.levels([level.sku])[level.sku]
    except CartwrightError as error:
        raise click.ClickException(f"{sku} may not be split yet ({error}); run the same again") from error
    click.echo(f"{sku}: {now.available} pieces on {now.counters} counters (before: {level.counters})")


@bp.cli.command("generate")
@click.option(
    "--products", required=True, type=click.IntRange(0, generator.MOST_PRODUCTS), help="How many in all."
)
@click.option("--seed", default=1, show_default=True, help="Another seed makes other goods.")
@click.option("--stock", "quantity", default=100, show_default=True, type=click.IntRange(0, 1_000_000),
              help="First pieces per SKU.")  # fmt: skip
@click.option("--stocked-skus", default=1_000, show_default=True, type=click.IntRange(0),
              help="How many SKUs, most popular first, the inventory learns; it takes about a second per thousand.")  # fmt: skip
def generate_command(products: int, seed: int, quantity: int, stocked_skus: int) -> None:
    """Fill the shop with made-up products for load tests, up to a million. A repeat adds what is missing."""
    with click.progressbar(length=products, label="products") as bar:

        def show(progress: generator.Progress) -> None:
            bar.update(progress.done - bar.pos)

        added = generator.generate(db.session(), products, seed, show)
    click.echo(f"{added} products added")
    if stocked_skus:
        entries = list(entries_from_catalogue(db.session(), quantity, stocked_skus))
        db.session.rollback()
        _set_up(entries, len(entries))


def _read(file: Path) -> Sheets:
    try:
        return read_sheets([file])
    except SheetRefused as refusal:
        raise click.ClickException(_problems(refusal)) from refusal


def _inventory() -> InventoryStore:
    """The inventory with a command's patience; the pages' own gives up sooner, because a shopper waits."""
    settings = current_app.config["CARTWRIGHT_SETTINGS"]
    return DynamoInventory(make_client("dynamodb", settings), settings, SystemClock())


def _set_up(entries: list[StockEntry], count: int) -> None:
    try:
        with click.progressbar(length=count, label="stock") as bar:
            done = set_up_stock(_inventory(), entries, lambda total: bar.update(total - bar.pos))
    except CartwrightError as error:
        raise click.ClickException(
            f"the inventory did not take all of it ({error}); run `flask catalog stock` with the same file again: "
            "what is in already stays once"
        ) from error
    click.echo(f"{done} SKUs known to the inventory, with price and first pieces")


def _summary(report: ImportReport) -> str:
    products = f"{report.created} products new, {report.updated} changed, {report.unchanged} as they were"
    rest = f"{report.variants} variants; {report.categories} categories, {report.collections} collections"
    lines = [f"{products}, {rest}"]
    lines += [f"renamed {old} to {new}; the old address redirects" for old, new in report.renamed]
    return "\n".join(lines)


def _problems(refusal: SheetRefused) -> str:
    shown = [str(problem) for problem in refusal.problems[:PROBLEMS_SHOWN]]
    hidden = len(refusal.problems) - len(shown)
    if hidden:
        shown.append(f"... and {hidden} more")
    return "\n".join([f"nothing was imported; {len(refusal.problems)} to mend:", *shown])
