"""The popularity tiers of the index of words: which share of the products is in each, told from the planner's statistics."""

from __future__ import annotations

from webapp.catalog.models import POPULARITY_TIERS
from webapp.catalog.tiers import shares_of


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
