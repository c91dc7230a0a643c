"""The popular part of what a word finds: enough to choose the best page from, however many there are in all.

A word of a million products may stand in thousands of them, and to rank them all is to read them all. Every product is
therefore in the index of words not only under its words but also under each popularity that it reaches (1, 2, 4, 8 ...),
so that "mug, and at least this popular" is one look into one index, and only as many are ranked as a page needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import current_app

from webapp.catalog.memory import Memory
from webapp.catalog.models import POPULARITY_TIERS
from webapp.catalog.tree import tree
from webapp.statements import one, rows

CANDIDATES = (75, 750)
"""About so many are ranked at least: three pages full, and thirty for those who leaf on. A candidate costs 4 microseconds and
a block of the table, so the first page of a word in 3,000 products of a million takes 0.6 ms, and with ten pages full 2 ms."""
FRESH_FOR_SECONDS = 300.0
MOST_COUNTED = 20_000
"""So many of the most popular products are counted tier by tier (some 10 ms of an index, every FRESH_FOR_SECONDS). Statistics
know slices of a hundredth, and the tiers that a frequent word needs lie within the last one."""
_SPREAD = """
    SELECT coalesce(histogram_bounds::text::bigint[], '{}') AS bounds, coalesce(most_common_vals::text::bigint[], '{}') AS common,
        coalesce(most_common_freqs, '{}') AS shares
    FROM pg_stats WHERE schemaname = ANY(current_schemas(false)) AND tablename = 'products' AND attname = 'popularity'
"""
_MOST_POPULAR = """
    SELECT width_bucket(top.popularity, CAST(%(steps)s AS bigint[])) AS tiers, count(*) AS products
    FROM (SELECT p.popularity::bigint AS popularity FROM products p WHERE p.is_active
          ORDER BY p.popularity DESC, p.id DESC LIMIT %(most)s) AS top GROUP BY 1
"""

Shares = Sequence[float]
"""For each tier the share of products that reach it; empty while neither statistics nor counts say."""


def tier_for(expected_hits: float, candidates: int) -> str | None:
    """The name of the highest tier in which so many of the hits are expected; None to look at all of them."""
    shares = _shares()
    fitting = [n for n, share in enumerate(shares) if share * expected_hits >= candidates]
    if not fitting or shares[fitting[-1]] > 0.5:
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


def corrected(shares: Shares, counted: Mapping[int, int], on_sale: int, most: int = MOST_COUNTED) -> Shares:
    """The shares with those of the most popular products replaced by what was counted.

    `counted` tells for a number of tiers how many products reach just so many. Where `most` of them cut the count
    short, the lowest number of tiers is incomplete and left to the statistics.
    """
    is_cut_short = sum(counted.values()) >= most
    if is_cut_short and not shares:
        return ()
    lowest = min(counted, default=0) + 1 if is_cut_short else 0
    exact = list(shares) or [0.0] * len(POPULARITY_TIERS)
    for n in range(len(exact)):
        if n + 1 >= lowest:
            exact[n] = sum(products for tiers, products in counted.items() if tiers > n) / max(on_sale, 1)
    return exact


def _shares() -> Shares:
    remembered: Memory[str, Shares] = current_app.extensions.setdefault(
        "cartwright-popularity", Memory(FRESH_FOR_SECONDS, most=1)
    )
    return remembered.get("products", _read)


def _read() -> Shares:
    found = one(_SPREAD, {})
    shares = shares_of(found.bounds, found.common, found.shares) if found else ()
    steps = [least for _, least in POPULARITY_TIERS]
    counted = {row.tiers: row.products for row in rows(_MOST_POPULAR, {"steps": steps, "most": MOST_COUNTED})}
    return corrected(shares, counted, tree().product_count)
