"""Catalogue sheets into the database: all rows or none, and the same rows twice change nothing the second time.

Categories, products and collections are known by their slug, variants by their SKU. A product whose slug is new while
its SKUs are known has been renamed: it keeps its id, and its old address redirects. Products and variants that no
sheet names stay as they are; `active` and `variant_active` take something off sale.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, selectinload
from sqlalchemy.orm.attributes import flag_modified

from webapp.catalog.models import Category, Collection, CollectionProduct, Product, SlugRedirect, Variant
from webapp.catalog.records import (
    CategoryRow,
    CollectionRow,
    Problem,
    ProductRow,
    SheetRefused,
    Sheets,
    VariantRow,
)
from webapp.catalog.tallies import apply_difference, lock_tallies, tally

BATCH = 500


@dataclass(slots=True)
class ImportReport:
    """What an import did, in products; `renamed` holds (old slug, new slug)."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    variants: int = 0
    categories: int = 0
    collections: int = 0
    renamed: list[tuple[str, str]] = field(default_factory=list)


def import_sheets(session: Session, sheets: Sheets) -> ImportReport:
    """Bring the catalogue to what the sheets say, within the caller's transaction.

    Raises SheetRefused with every row that does not fit the catalogue; the caller must then roll back.
    """
    lock_tallies(session)
    report = ImportReport()
    problems: list[Problem] = []
    categories = _import_categories(session, sheets.categories, problems, report)
    slugs_in_file = {row.slug for row in sheets.products}
    for start in range(0, len(sheets.products), BATCH):
        batch = ProductBatch(session, sheets.products[start : start + BATCH], categories, slugs_in_file)
        batch.apply(report)
        problems += batch.problems
    _import_collections(session, sheets.collections, problems, report)
    if problems:
        raise SheetRefused(sorted(problems, key=lambda problem: (problem.file, problem.row)))
    return report


def _import_categories(
    session: Session, rows: Sequence[CategoryRow], problems: list[Problem], report: ImportReport
) -> dict[str, Category]:
    """Every category by slug, after the rows are in."""
    known = {category.slug: category for category in session.scalars(select(Category))}
    for row in rows:
        category = known.get(row.slug)
        if category is None:
            known[row.slug] = category = Category(slug=row.slug)
            session.add(category)
        category.name, category.position = row.name, row.position
        category.description, category.image = row.description, row.image
        category.words = _as_kept(row.words)
    for row in rows:
        if row.parent and row.parent not in known:
            problems.append(
                Problem(row.file, row.row, "parent", f"add the category {row.parent!r}, or leave empty")
            )
        known[row.slug].parent = known.get(row.parent)
    for row in rows:
        if _is_its_own_ancestor(known[row.slug]):
            problems.append(
                Problem(row.file, row.row, "parent", "choose a parent that is not below this category")
            )
    if problems:
        raise SheetRefused(
            problems
        )  # The products below would be blamed for what is wrong with their categories.
    report.categories = len(rows)
    session.flush()
    return known


def _as_kept(words: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    return {code: dict(own) for code, own in words.items()}


def _is_its_own_ancestor(category: Category) -> bool:
    seen, above = {category.slug}, category.parent
    while above is not None:
        if above.slug in seen:
            return True
        seen.add(above.slug)
        above = above.parent
    return False


class ProductBatch:
    """Some hundred products of a sheet, looked up in four queries and written in as few."""

    def __init__(
        self,
        session: Session,
        rows: Sequence[ProductRow],
        categories: dict[str, Category],
        slugs_in_file: set[str],
    ) -> None:
        self.session = session
        self.rows = rows
        self.categories = categories
        self.slugs_in_file = slugs_in_file
        self.problems: list[Problem] = []
        found = self._find_products()
        self.by_slug = {product.slug: product for product in found}
        self.by_sku = {variant.sku: product for product in found for variant in product.variants}
        self.before = tally(found)

    def _find_products(self) -> list[Product]:
        """The products that the rows name by slug or by the SKU of a variant."""
        skus = [variant.sku for row in self.rows for variant in row.variants]
        owners = select(Variant.product_id).where(Variant.sku.in_(skus))
        wanted = Product.slug.in_([row.slug for row in self.rows]) | Product.id.in_(owners)
        # Locked, so that nobody changes what `before` has counted.
        query = select(Product).where(wanted).options(selectinload(Product.variants)).with_for_update()
        return list(self.session.scalars(query))

    def apply(self, report: ImportReport) -> None:
        """Write the rows, unless one of them has a problem; then nothing of the batch is flushed."""
        pairs = [(row, self._product_of(row)) for row in self.rows]
        for row, product in pairs:
            if product is not None:
                self._check(row, product)
        if self.problems:
            return
        touched = []
        with self.session.no_autoflush:
            for row, product in pairs:
                touched.append(self._write(row, product, report))
        self.session.flush()
        self._settle_redirects(report)
        known = {id(product) for product in touched}
        rest = [product for product in self.by_slug.values() if id(product) not in known]
        apply_difference(self.session, self.before, tally([*touched, *rest]))

    def _product_of(self, row: ProductRow) -> Product | None:
        """The known product that a row is about: by its slug, or else by its SKUs (it was renamed)."""
        if row.category not in self.categories:
            self._blame(
                row, row.row, "category", f"add the category {row.category!r} first, or choose another"
            )
        if row.slug in self.by_slug:
            return self.by_slug[row.slug]
        owners = {id(owner): owner for v in row.variants if (owner := self.by_sku.get(v.sku))}
        if len(owners) == 1:
            owner = next(iter(owners.values()))
            if owner.slug not in self.slugs_in_file:
                return owner
        for variant in row.variants:
            self._check_owner(row, variant, None)
        return None

    def _check(self, row: ProductRow, product: Product) -> None:
        for variant in row.variants:
            self._check_owner(row, variant, product)

    def _check_owner(self, row: ProductRow, variant: VariantRow, product: Product | None) -> None:
        owner = self.by_sku.get(variant.sku)
        if owner is not None and owner is not product:
            advice = f"choose another SKU; {variant.sku} belongs to the product {owner.slug!r}"
            self._blame(row, variant.row, "sku", advice)

    def _blame(self, row: ProductRow, number: int, column: str, advice: str) -> None:
        self.problems.append(Problem(row.file, number, column, advice))

    def _write(self, row: ProductRow, product: Product | None, report: ImportReport) -> Product:
        if product is None:
            product = Product(slug=row.slug)
            self.session.add(product)
            report.created += 1
            _fill_product(product, row, self.categories[row.category])
        else:
            if product.slug != row.slug:
                report.renamed.append((product.slug, row.slug))
            _fill_product(product, row, self.categories[row.category])
            changed = self.session.is_modified(product) or any(
                map(self.session.is_modified, product.variants)
            )
            report.updated += changed
            report.unchanged += not changed
        report.variants += len(row.variants)
        return product

    def _settle_redirects(self, report: ImportReport) -> None:
        """Old addresses lead to renamed products; an address that a product has again redirects no longer."""
        now_used = [row.slug for row in self.rows]
        self.session.execute(delete(SlugRedirect).where(SlugRedirect.slug.in_(now_used)))
        ids = {slug: product.id for product in self.by_slug.values() for slug in [product.slug]}
        rows = [{"slug": old, "product_id": ids[new]} for old, new in report.renamed if new in ids]
        if rows:
            statement = insert(SlugRedirect)
            self.session.execute(
                statement.on_conflict_do_update(
                    index_elements=["slug"], set_={"product_id": statement.excluded.product_id}
                ),
                rows,
            )


def _fill_product(product: Product, row: ProductRow, category: Category) -> None:
    product.slug, product.name, product.category = row.slug, row.name, category
    product.category_id = category.id
    product.maker, product.description, product.image = row.maker, row.description, row.image
    product.tags, product.attributes = list(row.tags), row.facets()
    _set_in_order(product, "specifications", row.specifications)
    product.popularity, product.is_active = row.popularity, row.is_active
    if row.added_on is not None:
        product.created_at = row.added_on
    known = {variant.sku: variant for variant in product.variants}
    for position, variant_row in enumerate(row.variants):
        variant = known.get(variant_row.sku)
        if variant is None:
            variant = Variant(sku=variant_row.sku)
            product.variants.append(variant)
        _fill_variant(variant, variant_row, position)
    on_sale = [variant for variant in product.variants if variant.is_active] or product.variants
    product.currency = row.variants[0].currency
    product.min_price_minor = min(variant.price_minor for variant in on_sale)
    product.max_price_minor = max(variant.price_minor for variant in on_sale)


def _fill_variant(variant: Variant, row: VariantRow, position: int) -> None:
    _set_in_order(variant, "options", row.options)
    variant.price_minor, variant.currency = row.price_minor, row.currency
    variant.weight_grams, variant.image = row.weight_grams, row.image
    variant.is_active, variant.position = row.is_active, position
    variant.back_on = row.back_on


def _set_in_order(item: Product | Variant, name: str, value: Mapping[str, str]) -> None:
    """Set a mapping whose order is part of its meaning: SQLAlchemy takes two dicts in other orders for the same."""
    if list((getattr(item, name) or {}).items()) != list(value.items()):
        setattr(item, name, dict(value))
        flag_modified(item, name)


def _import_collections(
    session: Session, rows: Sequence[CollectionRow], problems: list[Problem], report: ImportReport
) -> None:
    if problems or not rows:
        return
    known = {
        item.slug: item
        for item in session.scalars(select(Collection).options(selectinload(Collection.members)))
    }
    wanted = {slug for row in rows for slug in row.products}
    ids = dict(session.execute(select(Product.slug, Product.id).where(Product.slug.in_(wanted))).all())
    for row in rows:
        for slug in (slug for slug in row.products if slug not in ids):
            problems.append(Problem(row.file, row.row, "products", f"remove {slug!r}, or add that product"))
        collection = known.get(row.slug)
        if collection is None:
            collection = Collection(slug=row.slug)
            session.add(collection)
        collection.name, collection.position = row.name, row.position
        collection.description, collection.image = row.description, row.image
        collection.words = _as_kept(row.words)
        members = list(_members(row, ids))
        if [(m.product_id, m.position) for m in collection.members] != members:
            collection.members.clear()
            session.flush()
            collection.members = [CollectionProduct(product_id=i, position=p) for i, p in members]
    report.collections = len(rows)
    if not problems:
        session.flush()


def _members(row: CollectionRow, ids: dict[str, int]) -> Iterator[tuple[int, int]]:
    for position, slug in enumerate(row.products):
        if slug in ids:
            yield ids[slug], position
