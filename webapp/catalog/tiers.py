"""The popular part of what a word finds: enough to choose the best page from, however many there are in all.

A word of a million products may stand in thousands of them, and to rank them all is to read them all. Every product is
therefore in the index of words not only under its words but also under each popularity that it reaches (1, 2, 4, 8 ...),
so that "mug, and at least this popular" is one look into one index, and only as many are ranked as a page needs.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask import current_app

from webapp.catalog.memory import Memory
from webapp.catalog.models import POPULARITY_TIERS
from webapp.reads import one

CANDIDATES = 250
"""About so many are ranked at least: ten pages full."""
FRESH_FOR_SECONDS = 300.0
_SPREAD = """
    SELECT coalesce(histogram_bounds::text::bigint[], '{}') AS bounds, coalesce(most_common_vals::text::bigint[], '{}') AS common,
        coalesce(most_common_freqs, '{}') AS shares
    FROM pg_stats WHERE schemaname = ANY(current_schemas(false)) AND tablename = 'products' AND attname = 'popularity'
"""

Shares = Sequence[float]
"""For each tier the share of products that reach it; empty while the database has no statistics."""


def tier_for(expected_hits: float) -> str | None:
    """The name of the highest tier in which CANDIDATES of so many hits are expected; None to look at all of them."""
    fitting = [n for n, share in enumerate(_shares()) if share * expected_hits >= CANDIDATES]
    if not fitting or _shares()[fitting[-1]] > 0.5:
        return None
    return POPULARITY_TIERS[fitting[-1]][0]


def shares_of(bounds: Sequence[int], common: Sequence[int], frequencies: Sequence[float]) -> Shares:
    """The tiers' shares from the planner's statistics: values that are common by name, the rest as equal slices."""
    if not bounds and not common:
        return ()
    rest = max(0.0, 1.0 - sum(frequencies)) if bounds else 0.0
    shares = []
    for _, least in POPULARITY_TIERS:
        among_common = sum(share for value, share in zip(common, frequencies, strict=True) if value >= least)
        above = sum(bound >= least for bound in bounds) / len(bounds) if bounds else 0.0
        shares.append(among_common + rest * above)
    return shares


def _shares() -> Shares:
    remembered: Memory[str, Shares] = current_app.extensions.setdefault(
        "cartwright-popularity", Memory(FRESH_FOR_SECONDS, most=1)
    )
    return remembered.get("products", _read)


def _read() -> Shares:
    found = one(_SPREAD, {})
    return shares_of(found.bounds, found.common, found.shares) if found else ()
