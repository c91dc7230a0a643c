"""The popularity tiers of the index of words: which share of the products is in each, told from the planner's statistics."""

from __future__ import annotations

from webapp.catalog.models import POPULARITY_TIERS
from webapp.catalog.tiers import corrected, shares_of


def test_without_statistics_there_are_no_tiers() -> None:
    """A database that was never analysed is searched as a whole."""
    assert shares_of([], [], []) == ()


def test_equal_slices_are_counted_from_each_tier_on() -> None:
    """Of eleven bounds from 0 to 1000 the half is at least 512, and nine tenths at least 64."""
    shares = dict(
        zip((n for _, n in POPULARITY_TIERS), shares_of(list(range(0, 1001, 100)), [], []), strict=True)
    )
    assert shares[1] == shares[64] == 10 / 11
    assert shares[512] == 5 / 11
    assert shares[1024] == 0


def test_common_values_count_with_their_own_share() -> None:
    """Most products of a young shop were never bought: popularity 0 is in no tier."""
    shares = dict(
        zip((n for _, n in POPULARITY_TIERS), shares_of([1, 2, 4, 8], [0, 5], [0.8, 0.1]), strict=True)
    )
    assert abs(shares[1] - 0.2) < 1e-9
    assert abs(shares[4] - (0.1 + 0.1 * 0.5)) < 1e-9
    assert abs(shares[8] - 0.1 * 0.25) < 1e-9


def test_what_was_counted_stands_above_the_statistics() -> None:
    """The last slice of the statistics is one share up to the most popular product of all; the counts know better."""
    shares = corrected([0.5] + [0.01] * 29, {12: 700, 13: 200, 14: 90, 20: 10}, 100_000, most=1_000)
    assert shares[0] == 0.5
    assert shares[11] == 0.01, "only the most popular of those with just twelve tiers were counted"
    assert shares[12] == 300 / 100_000
    assert shares[13] == 100 / 100_000
    assert shares[14] == shares[19] == 10 / 100_000
    assert shares[20] == 0


def test_a_small_shop_is_counted_as_a_whole() -> None:
    """Its tiers need no statistics, so it is searched alike before and after its first ANALYZE."""
    shares = corrected((), {0: 50, 1: 30, 3: 20}, 100, most=1_000)
    assert shares[:4] == [0.5, 0.2, 0.2, 0]


def test_a_large_shop_without_statistics_has_no_tiers() -> None:
    """Counts of the top alone say nothing of the rest."""
    assert corrected((), {14: 1_000}, 100_000, most=1_000) == ()
