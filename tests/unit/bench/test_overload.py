"""What counts as bearing an overload."""

from __future__ import annotations

import pytest

from bench.load.overload import RECOVERED_WITHIN_SECONDS, judged
from bench.load.samples import Sample
from bench.load.shopper import NOT_TAKEN, TURNED_AWAY

BEFORE, SHED, AFTER = Sample("place", 5, 0.2), Sample("product", 15, 1, TURNED_AWAY), Sample("place", 28, 0.3)
SOLD = Sample("place", 14, 2.0)


def test_who_sheds_honestly_and_recovers_bears_it() -> None:
    """The last who was turned away, however long after the rush, is the end of it."""
    begun = Sample("payment", 12, 1, TURNED_AWAY)
    verdict = judged([BEFORE, SHED, begun, SOLD, Sample("place", 19, 4, NOT_TAKEN), AFTER], 10, 20, lost=0)
    assert (verdict.shed, verdict.shed_begun, verdict.not_taken) == (2, 1, 1)
    assert verdict.recovered_after == pytest.approx(3.0)
    assert (verdict.sold_before, verdict.sold_during) == (pytest.approx(0.1), pytest.approx(0.1))
    assert verdict.p99_during == pytest.approx(2000)
    assert (verdict.p99_before, verdict.p99_after) == (pytest.approx(200), pytest.approx(300))
    assert verdict.is_kept


@pytest.mark.parametrize(
    ("steps", "lost"),
    [
        ([BEFORE, SOLD, AFTER], 0),
        ([BEFORE, SHED, SOLD, AFTER], 1),
        ([BEFORE, SHED, SOLD, Sample("cart", 16, 1, "HTTP 502"), AFTER], 0),
        ([BEFORE, SHED, SOLD, Sample("cart", 16, 20, "TimeoutError"), AFTER], 0),
        ([BEFORE, SHED, AFTER], 0),
        ([BEFORE, SHED, SOLD], 0),
        (
            [
                BEFORE,
                SOLD,
                Sample("cart", 19, 2 + RECOVERED_WITHIN_SECONDS, TURNED_AWAY),
                Sample("cart", 40, 1),
            ],
            0,
        ),
    ],
    ids=[
        "nobody shed",
        "an order lost",
        "a server error",
        "no answer",
        "nothing sold",
        "nobody served again",
        "late",
    ],
)
def test_anything_else_does_not(steps: list[Sample], lost: int) -> None:
    """A run that was no overload proves nothing either."""
    assert not judged(steps, 10, 20, lost).is_kept
