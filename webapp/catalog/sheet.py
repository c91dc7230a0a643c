"""A catalogue sheet (CSV) as checked records. Reading it touches nothing but the file; every fault is named at once.

Three kinds of sheet are told apart by their header: products (one row per variant), categories and collections.
The columns are described in local/catalogue/README.md.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from orders.settings import LANGUAGES
from webapp.catalog import cells
from webapp.catalog.records import (
    CategoryRow,
    CollectionRow,
    Problem,
    ProductRow,
    SheetRefused,
    Sheets,
    VariantRow,
)

T = TypeVar("T")

PRODUCT_COLUMNS = (
    "product_slug", "product_name", "category", "maker", "description", "tags", "attributes", "specifications",
    "image", "popularity", "added_on", "active", "sku", "options", "price", "currency", "weight_grams",
    "variant_image", "variant_active", "stock", "back_on",
)  # fmt: skip
_LONGEST_NAME, _LONGEST_DESCRIPTION = 120, 2_000


def _in_languages(*columns: str) -> tuple[str, ...]:
    """`description:de`, and so on."""
    return tuple(f"{column}:{code}" for column in columns for code in LANGUAGES)


CATEGORY_COLUMNS = (
    "category_slug", "category_name", "parent", "position", "description", "image",
    *_in_languages("category_name", "description"),
)  # fmt: skip
COLLECTION_COLUMNS = (
    "collection_slug", "collection_name", "position", "description", "image", "products",
    *_in_languages("collection_name", "description"),
)  # fmt: skip
PER_PRODUCT = PRODUCT_COLUMNS[1 : PRODUCT_COLUMNS.index("sku")]
"""Columns that belong to the product: given in its first row, and left empty or repeated in its others."""

REQUIRED = {
    PRODUCT_COLUMNS: ("product_slug", "product_name", "category", "sku", "price"),
    CATEGORY_COLUMNS: ("category_slug", "category_name"),
    COLLECTION_COLUMNS: ("collection_slug", "collection_name", "products"),
}

MOST_VARIANTS = 200
MOST_STOCK = 1_000_000
MOST_GRAMS = 1_000_000
DEFAULT_CURRENCY = "EUR"


@dataclass(slots=True)
class Row:
    """One row of a file while it is read; it collects what is wrong with its cells."""

    file: str
    number: int
    cells: Mapping[str, str]
    problems: list[Problem]

    def take(self, column: str, parse: Callable[..., T], *arguments: Any, fallback: T) -> T:
        """The parsed cell, or `fallback` after noting what is wrong with it."""
        try:
            return parse(self.cells.get(column, ""), *arguments)
        except cells.BadCell as error:
            self.blame(column, str(error))
            return fallback

    def blame(self, column: str, advice: str) -> None:
        """Note a fault of this row."""
        self.problems.append(Problem(self.file, self.number, column, advice))


def read_sheets(paths: Iterable[Path]) -> Sheets:
    """Read and check files of any kind. Raises SheetRefused with every problem of every file."""
    sheets, problems = Sheets(), []
    for path in paths:
        problems += _read_sheet(path, sheets)
    problems += _doubles(sheets)
    if problems:
        raise SheetRefused(problems)
    return sheets


def _read_sheet(path: Path, sheets: Sheets) -> list[Problem]:
    problems: list[Problem] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip() for name in next(reader, [])]
            columns, faults = _kind_of(path.name, header)
            if faults:
                return faults
            rows = _rows(path.name, header, reader, problems)
            if columns is PRODUCT_COLUMNS:
                sheets.products += _products(rows)
            elif columns is CATEGORY_COLUMNS:
                sheets.categories += [_category(row) for row in rows]
            else:
                sheets.collections += [_collection(row) for row in rows]
    except UnicodeDecodeError:
        problems.append(Problem(path.name, 0, "", "save the file as UTF-8 (in a spreadsheet: CSV UTF-8)"))
    except csv.Error as error:
        problems.append(Problem(path.name, reader.line_num, "", f"mend the quotes on this line ({error})"))
    except OSError as error:
        problems.append(Problem(path.name, 0, "", f"give a file that can be read ({error.strerror})"))
    return problems


def _kind_of(file: str, header: list[str]) -> tuple[tuple[str, ...], list[Problem]]:
    """Which kind of sheet a header belongs to, and what is wrong with the header."""
    kinds = {columns[0]: columns for columns in REQUIRED}
    found = next((kinds[name] for name in header if name in kinds), None)
    if found is None:
        hint = "use commas between the cells; the header has semicolons" if ";" in "".join(header) else (
            f"start the header with one of {', '.join(kinds)}: it tells what kind of sheet this is"
        )  # fmt: skip
        return (), [Problem(file, 1, "", hint)]
    problems = [Problem(file, 1, name, "add this column") for name in REQUIRED[found] if name not in header]
    for name in dict.fromkeys(header):
        if name not in found:
            near = difflib.get_close_matches(name, found, 1)
            advice = f"rename this column to {near[0]}" if near else "remove this column; nothing reads it"
            problems.append(Problem(file, 1, name or "(no name)", advice))
        elif header.count(name) > 1:
            problems.append(Problem(file, 1, name, "keep this column once; it stands there twice"))
    return found, problems


def _rows(file: str, header: list[str], lines: Iterable[list[str]], problems: list[Problem]) -> Iterator[Row]:
    """The rows that are not blank, numbered as a spreadsheet numbers them."""
    for number, line in enumerate(lines, 2):
        if not any(cell.strip() for cell in line):
            continue
        row = Row(file, number, dict(zip(header, line, strict=False)), problems)
        if len(line) != len(header):
            row.blame("", f"give {len(header)} cells, as the header has; this row has {len(line)}")
            continue
        yield row


def _category(row: Row) -> CategoryRow:
    return CategoryRow(
        file=row.file,
        row=row.number,
        slug=row.take("category_slug", cells.slug, fallback=""),
        name=row.take("category_name", cells.text, _LONGEST_NAME, fallback=""),
        parent=row.take("parent", cells.optional_slug, fallback=""),
        position=row.take("position", cells.whole_number, 1_000_000, fallback=0),
        description=row.take("description", cells.optional_text, _LONGEST_DESCRIPTION, fallback=""),
        image=row.take("image", cells.image, fallback=""),
        words=_other_words(row, "category_name"),
    )


def _collection(row: Row) -> CollectionRow:
    products: tuple[str, ...] = row.take("products", cells.entries, 100, 120, fallback=())
    return CollectionRow(
        file=row.file,
        row=row.number,
        slug=row.take("collection_slug", cells.slug, fallback=""),
        name=row.take("collection_name", cells.text, _LONGEST_NAME, fallback=""),
        position=row.take("position", cells.whole_number, 1_000_000, fallback=0),
        description=row.take("description", cells.optional_text, _LONGEST_DESCRIPTION, fallback=""),
        image=row.take("image", cells.image, fallback=""),
        products=products,
        words=_other_words(row, "collection_name"),
    )


def _other_words(row: Row, name: str) -> dict[str, dict[str, str]]:
    """Name and description by language: both or neither, so that no page mixes two languages in one place."""
    found = {}
    for code in LANGUAGES:
        own = {
            "name": row.take(f"{name}:{code}", cells.optional_text, _LONGEST_NAME, fallback=""),
            "description": row.take(
                f"description:{code}", cells.optional_text, _LONGEST_DESCRIPTION, fallback=""
            ),
        }
        wanted = {"name", "description"} if row.cells.get("description", "").strip() else {"name"}
        given = {what for what, text in own.items() if text}
        if given and given != wanted:
            for what in sorted(given ^ wanted):
                column = f"{name if what == 'name' else what}:{code}"
                row.blame(column, "give name and description in this language, or neither of them")
        elif given:
            found[code] = own
    return found


def _products(rows: Iterable[Row]) -> Iterator[ProductRow]:
    """Rows of one product stand together; each run of them becomes one record."""
    first: Row | None = None
    variants: list[VariantRow] = []
    for row in rows:
        if (
            first is not None
            and row.cells.get("product_slug", "").strip() == first.cells["product_slug"].strip()
        ):
            _check_repeats(row, first)
            if len(variants) == MOST_VARIANTS:
                row.blame("sku", f"split the product; it has more than {MOST_VARIANTS} variants")
        else:
            if first is not None:
                yield _product(first, variants)
            first, variants = row, []
        variants.append(_variant(row))
    if first is not None:
        yield _product(first, variants)


def _check_repeats(row: Row, first: Row) -> None:
    for column in PER_PRODUCT:
        cell = row.cells.get(column, "").strip()
        if cell and cell != first.cells.get(column, "").strip():
            row.blame(column, f"leave this empty, or repeat what row {first.number} says about the product")


def _product(row: Row, variants: list[VariantRow]) -> ProductRow:
    if len({variant.currency for variant in variants}) > 1:
        row.blame("currency", "use one currency for all variants of a product")
    if len({tuple(variant.options) for variant in variants}) > 1:
        row.blame("options", "name the same options in the same order for all variants of a product")
    elif len({tuple(variant.options.values()) for variant in variants}) < len(variants):
        row.blame("options", "give each variant of a product its own combination of options")
    return ProductRow(
        file=row.file,
        row=row.number,
        slug=row.take("product_slug", cells.slug, fallback=""),
        name=row.take("product_name", cells.text, 200, fallback=""),
        category=row.take("category", cells.slug, fallback=""),
        maker=row.take("maker", cells.optional_text, 120, fallback=""),
        description=row.take("description", cells.optional_text, 10_000, fallback=""),
        tags=row.take("tags", cells.entries, 30, 60, fallback=()),
        attributes=row.take("attributes", cells.lists, 20, fallback={}),
        specifications=row.take("specifications", cells.pairs, 30, fallback={}),
        image=row.take("image", cells.image, fallback=""),
        popularity=row.take("popularity", cells.whole_number, 1_000_000_000, fallback=0),
        added_on=row.take("added_on", cells.day, fallback=None),
        is_active=row.take("active", cells.yes_or_no, fallback=True),
        variants=tuple(variants),
    )


def _variant(row: Row) -> VariantRow:
    code = DEFAULT_CURRENCY
    if row.cells.get("currency", "").strip():
        code = row.take("currency", cells.currency, fallback=DEFAULT_CURRENCY)
    back_on = row.take("back_on", cells.day, fallback=None)
    return VariantRow(
        row=row.number,
        sku=row.take("sku", cells.sku, fallback=""),
        options=row.take("options", cells.pairs, 5, fallback={}),
        price_minor=row.take("price", cells.price, code, fallback=0),
        currency=code,
        weight_grams=row.take("weight_grams", cells.whole_number, MOST_GRAMS, fallback=0),
        image=row.take("variant_image", cells.image, fallback=""),
        is_active=row.take("variant_active", cells.yes_or_no, fallback=True),
        stock=row.take("stock", cells.whole_number, MOST_STOCK, fallback=0),
        back_on=back_on.date() if back_on else None,
    )


def _doubles(sheets: Sheets) -> list[Problem]:
    """Names that stand in the sheets more than once."""
    problems: list[Problem] = []
    named: list[tuple[str, str, str, int]] = [
        *((item.slug, "category_slug", item.file, item.row) for item in sheets.categories),
        *((item.slug, "product_slug", item.file, item.row) for item in sheets.products),
        *((item.slug, "collection_slug", item.file, item.row) for item in sheets.collections),
        *((variant.sku, "sku", item.file, variant.row) for item in sheets.products for variant in item.variants),
    ]  # fmt: skip
    seen: dict[tuple[str, str], str] = {}
    for name, column, file, row in named:
        if name and (column, name) in seen:
            advice = f"use {name!r} once; it stands in {seen[column, name]} already"
            if column == "product_slug":
                advice += ", and the rows of one product belong together"
            problems.append(Problem(file, row, column, advice))
        seen.setdefault((column, name), f"{file}, row {row}")
    return problems
