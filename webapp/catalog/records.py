"""What a catalogue sheet says, as records, and what can be wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from webapp.catalog.models import FACETS


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: where it is and what to do. Row 1 is the header; 0 means the file as a whole."""

    file: str
    row: int
    column: str
    advice: str

    def __str__(self) -> str:
        place = f"{self.file}, row {self.row}" if self.row else self.file
        return f"{place}, {self.column}: {self.advice}" if self.column else f"{place}: {self.advice}"


class SheetRefused(ValueError):
    """The sheet was not taken, and nothing was written; `problems` holds every fault found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True)
class CategoryRow:
    """A category as the sheet says it should be."""

    file: str
    row: int
    slug: str
    name: str
    parent: str
    position: int
    description: str
    image: str
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Name and description by the codes of other languages."""


@dataclass(frozen=True, slots=True)
class CollectionRow:
    """A collection and the slugs of its products in order."""

    file: str
    row: int
    slug: str
    name: str
    position: int
    description: str
    image: str
    products: tuple[str, ...]
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VariantRow:
    """A variant as the sheet says it should be, with the pieces to start with."""

    row: int
    sku: str
    options: Mapping[str, str]
    price_minor: int
    currency: str
    weight_grams: int
    image: str
    is_active: bool
    stock: int
    back_on: date | None = None


@dataclass(frozen=True, slots=True)
class ProductRow:
    """A product and its variants as the sheet says they should be."""

    file: str
    row: int
    slug: str
    name: str
    category: str
    maker: str
    description: str
    tags: tuple[str, ...]
    attributes: Mapping[str, list[str]]
    specifications: Mapping[str, str]
    image: str
    popularity: int
    added_on: datetime | None
    is_active: bool
    variants: tuple[VariantRow, ...]

    def facets(self) -> dict[str, list[str]]:
        """The attributes with the maker, and with what the variants' options add (their colours, their wood)."""
        found = {name: list(values) for name, values in self.attributes.items()}
        if self.maker:
            found["Maker"] = [self.maker]
        for variant in self.variants:
            for name, value in variant.options.items():
                if name in FACETS and variant.is_active and value not in found.setdefault(name, []):
                    found[name].append(value)
        return found


@dataclass(slots=True)
class Sheets:
    """Everything that was read, in the order of the files."""

    categories: list[CategoryRow] = field(default_factory=list)
    products: list[ProductRow] = field(default_factory=list)
    collections: list[CollectionRow] = field(default_factory=list)
