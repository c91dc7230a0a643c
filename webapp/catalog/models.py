"""The catalogue's tables: what the shop sells, how it is found, and what its pages were once called.

Prices are integer minor units. A product carries what its card needs (lowest and highest price, picture, facets), so
that a list reads one table by one index. Three tables are tallies kept exact by `webapp.catalog.tallies`: how many
products a category shows, how many carry each facet value, and in how many each word occurs.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Computed,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column, relationship

from orders.adapters.rds.base import Base

SEARCH_LANGUAGE = "english"
"""The text search configuration of `products.search`; a query must use the same one."""

FACETS = ("Colour", "Material", "Maker", "Made in")
"""The attribute names that shoppers filter by, in the order in which a page offers them."""

SEARCH_DOCUMENT = (
    f"setweight(to_tsvector('{SEARCH_LANGUAGE}', name), 'A') || "
    f"setweight(to_tsvector('{SEARCH_LANGUAGE}', tags), 'B') || "
    f"setweight(to_tsvector('{SEARCH_LANGUAGE}', attributes), 'C') || "
    f"setweight(to_tsvector('{SEARCH_LANGUAGE}', description), 'D')"
)
"""Built from the row alone, so that PostgreSQL keeps it: no writer can forget to."""

POPULARITY_TIERS = tuple((f"~{n}", 2**n) for n in range(30))
"""Each tier's name in the index of words, and from which popularity on a product is in it."""

WORDS_AND_TIERS = (
    "({p}search || array_to_tsvector((ARRAY["
    + ", ".join(f"'{name}'" for name, _ in POPULARITY_TIERS)
    + "])[1:width_bucket({p}popularity, ARRAY["
    + ", ".join(str(least) for _, least in POPULARITY_TIERS)
    + "])]))"
)
"""A product's words with the names of the tiers that it reaches, as it is indexed; `{p}` is the table's name and a point."""


class Category(Base):
    """A shelf of the shop. Categories form a tree; a product hangs on one of them."""

    __tablename__ = "categories"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    slug: Mapped[str] = mapped_column(String(120), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"), index=True)
    position: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    description: Mapped[str] = mapped_column(Text, default="", server_default=text("''"))
    image: Mapped[str] = mapped_column(String(200), default="", server_default=text("''"))
    words: Mapped[dict[str, dict[str, str]]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    """Name and description in the shop's other languages, `{"de": {"name": "Küche", "description": "…"}}` (words.py)."""
    product_count: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    """Active products of this category itself, without its children's: a tally."""

    parent: Mapped[Category | None] = relationship(remote_side="Category.id", back_populates="children")
    children: Mapped[list[Category]] = relationship(back_populates="parent", order_by="Category.position")


class Product(Base):
    """Something the shop sells in one or more variants; a shopper's page, a card in a list, an entry in the search."""

    __tablename__ = "products"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    slug: Mapped[str] = mapped_column(String(120), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text, default="", server_default=text("''"))
    category_id: Mapped[int] = mapped_column(ForeignKey("categories.id"))
    image: Mapped[str] = mapped_column(String(200), default="", server_default=text("''"))
    """A path below the static folder, such as `catalogue/kettle.svg`; empty when there is no picture."""
    maker: Mapped[str] = mapped_column(String(120), default="", server_default=text("''"))
    tags: Mapped[list[str]] = mapped_column(JSONB, default=list, server_default=text("'[]'"))
    attributes: Mapped[dict[str, list[str]]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    """Facets as lists of values, `{"Material": ["Oak"]}`: filter with `attributes @> '{"Material": ["Oak"]}'`."""
    specifications: Mapped[dict[str, str]] = mapped_column(JSON, default=dict, server_default=text("'{}'"))
    """Facts for the product page only, `{"Height": "22 cm"}`. JSON and not JSONB, which forgets the order of the names."""
    search: Mapped[Any] = mapped_column(TSVECTOR, Computed(SEARCH_DOCUMENT, persisted=True))
    min_price_minor: Mapped[int] = mapped_column(BigInteger)
    max_price_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    is_active: Mapped[bool] = mapped_column(Boolean, default=True, server_default=text("true"))
    popularity: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), onupdate=func.now()
    )

    category: Mapped[Category] = relationship()
    variants: Mapped[list[Variant]] = relationship(
        back_populates="product", order_by="Variant.position", cascade="all, delete-orphan"
    )

    __table_args__ = (
        CheckConstraint("min_price_minor >= 0 AND max_price_minor >= min_price_minor", name="price_range"),
        # Each order of a list has an index that ends in the id, read forwards or backwards, so that the next page is
        # one index range after the last row seen. Rows that are not shown are not in the index.
        Index("ix_products_by_popularity", "popularity", "id", postgresql_where=text("is_active")),
        Index("ix_products_by_price", "min_price_minor", "id", postgresql_where=text("is_active")),
        Index("ix_products_by_age", "created_at", "id", postgresql_where=text("is_active")),
        Index(
            "ix_products_category_popularity", "category_id", "popularity", "id",
            postgresql_where=text("is_active"),
        ),
        Index(
            "ix_products_category_price", "category_id", "min_price_minor", "id",
            postgresql_where=text("is_active"),
        ),
        Index("ix_products_category_age", "category_id", "created_at", "id", postgresql_where=text("is_active")),
        Index("ix_products_search", "search", postgresql_using="gin"),
        # Without a list of pending entries, which every search would read through until a vacuum empties it.
        Index(
            "ix_products_words", text(WORDS_AND_TIERS.format(p="")),
            postgresql_using="gin", postgresql_with={"fastupdate": "off"}, postgresql_where=text("is_active"),
        ),
        Index(
            "ix_products_facets", "attributes", postgresql_using="gin",
            postgresql_ops={"attributes": "jsonb_path_ops"}, postgresql_with={"fastupdate": "off"},
        ),
    )  # fmt: skip


class Variant(Base):
    """One thing that can be put in a cart: a product in one size, colour or material, known by its SKU."""

    __tablename__ = "variants"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"))
    sku: Mapped[str] = mapped_column(String(64), unique=True)
    options: Mapped[dict[str, str]] = mapped_column(JSON, default=dict, server_default=text("'{}'"))
    """`{"Colour": "Oak", "Size": "M"}`, in the order in which a page offers the choices: hence JSON, as above."""
    price_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    weight_grams: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    position: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))
    image: Mapped[str] = mapped_column(String(200), default="", server_default=text("''"))
    """This variant's own picture; empty means the product's."""
    is_active: Mapped[bool] = mapped_column(Boolean, default=True, server_default=text("true"))
    back_on: Mapped[date | None] = mapped_column(Date)
    """When more of it is expected, for as long as it is sold out; a day that has passed is not shown."""

    product: Mapped[Product] = relationship(back_populates="variants")

    __table_args__ = (
        CheckConstraint("price_minor >= 0", name="price_not_negative"),
        CheckConstraint("weight_grams >= 0", name="weight_not_negative"),
        Index("ix_variants_product_id", "product_id", "position"),
    )


class SlugRedirect(Base):
    """A product's former address: the page answers 301 to where the product lives now."""

    __tablename__ = "slug_redirects"

    slug: Mapped[str] = mapped_column(String(120), primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())

    product: Mapped[Product] = relationship()


class Collection(Base):
    """A hand-picked shelf across categories, such as "Breakfast, slowly", for the home page."""

    __tablename__ = "collections"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    slug: Mapped[str] = mapped_column(String(120), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    description: Mapped[str] = mapped_column(Text, default="", server_default=text("''"))
    image: Mapped[str] = mapped_column(String(200), default="", server_default=text("''"))
    position: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    words: Mapped[dict[str, dict[str, str]]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    """As of a category: name and description in the shop's other languages."""

    members: Mapped[list[CollectionProduct]] = relationship(
        order_by="CollectionProduct.position", cascade="all, delete-orphan"
    )


class CollectionProduct(Base):
    """One product's place in a collection."""

    __tablename__ = "collection_products"

    collection_id: Mapped[int] = mapped_column(
        ForeignKey("collections.id", ondelete="CASCADE"), primary_key=True
    )
    product_id: Mapped[int] = mapped_column(
        ForeignKey("products.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    position: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))

    product: Mapped[Product] = relationship()


class SearchWord(Base):
    """A word of the catalogue's own vocabulary and in how many active products it occurs: a tally.

    It answers prefix suggestions and "did you mean" without a database extension. The collation is "C" because a
    prefix is then a range of the primary key.
    """

    __tablename__ = "search_words"

    word: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    frequency: Mapped[int] = mapped_column(Integer)

    __table_args__ = (Index("ix_search_words_frequency", "frequency"),)


class FacetCount(Base):
    """How many active products of a category carry a facet value: a tally, so that a list counts nothing itself."""

    __tablename__ = "facet_counts"

    category_id: Mapped[int] = mapped_column(
        ForeignKey("categories.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[str] = mapped_column(String(120), primary_key=True)
    product_count: Mapped[int] = mapped_column(Integer)
