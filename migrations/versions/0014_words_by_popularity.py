"""Search that ranks the popular part of its hits, from an index that is never behind."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

WORDS, FACETS = "ix_products_words", "ix_products_facets"
_NAMES = ", ".join(f"'~{n}'" for n in range(30))
_LEAST = ", ".join(str(2**n) for n in range(30))
WORDS_AND_TIERS = (
    f"(search || array_to_tsvector((ARRAY[{_NAMES}])[1:width_bucket(popularity, ARRAY[{_LEAST}])]))"
)
NEVER_BEHIND = {"fastupdate": "off"}
"""Pending entries of a GIN index are read through by every search; a catalogue is written seldom and searched always."""


def upgrade() -> None:
    """Expand. Concurrently, so that the shop goes on selling; a build that broke off is dropped and begun again.

    `ix_products_search` stays for the release before, which asks by it.
    """
    with op.get_context().autocommit_block():
        for name in (WORDS, FACETS):
            op.drop_index(name, "products", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            WORDS,
            "products",
            [sa.text(WORDS_AND_TIERS)],
            postgresql_using="gin",
            postgresql_with=NEVER_BEHIND,
            postgresql_where=sa.text("is_active"),
            postgresql_concurrently=True,
        )
        op.create_index(
            FACETS,
            "products",
            ["attributes"],
            postgresql_using="gin",
            postgresql_ops={"attributes": "jsonb_path_ops"},
            postgresql_with=NEVER_BEHIND,
            postgresql_concurrently=True,
        )
        op.drop_index("ix_products_attributes", "products", if_exists=True, postgresql_concurrently=True)


def downgrade() -> None:
    """Undo it: only searching becomes slower."""
    with op.get_context().autocommit_block():
        op.drop_index("ix_products_attributes", "products", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            "ix_products_attributes",
            "products",
            ["attributes"],
            postgresql_using="gin",
            postgresql_ops={"attributes": "jsonb_path_ops"},
            postgresql_concurrently=True,
        )
        for name in (FACETS, WORDS):
            op.drop_index(name, "products", if_exists=True, postgresql_concurrently=True)
