"""A loop rests only where company is likely: not before a single order, not in a flood."""

from __future__ import annotations

import pytest

from worker.gathering import OFTEN_SECONDS, Gathering

REST, MOST = 0.1, 10


@pytest.mark.parametrize(
    ("comings", "rests"),
    [
        # (seconds between them, how many came), and whether the loop rests after each
        ([(0.0, 1)], [False]),
        ([(0.0, 1), (0.2, 1), (0.2, 3)], [False, True, True]),
        ([(0.0, 1), (OFTEN_SECONDS, 1)], [False, False]),
        ([(0.0, 1), (0.1, 0), (0.1, 1)], [False, False, True]),
        ([(0.0, 1), (0.1, MOST), (0.1, 1), (0.1, 1)], [False, False, False, True]),
    ],
)
def test_a_loop_rests_while_work_comes_often_and_not_in_floods(
    comings: list[tuple[float, int]], rests: list[bool]
) -> None:
    """One message alone is served at once, and so are ten that are there."""
    now = 0.0
    gathering = Gathering(REST, lambda: now)
    given = []
    for pause, count in comings:
        now += pause
        gathering.came(count, MOST)
        given.append(gathering.rest_seconds() == REST)
    assert given == rests


def test_who_was_not_needed_for_a_while_does_not_rest() -> None:
    """The first message after a quiet time is as quick as ever."""
    now = 0.0
    gathering = Gathering(REST, lambda: now)
    for moment in (0.1, 0.2):
        now = moment
        gathering.came(1, MOST)
    now = 0.2 + OFTEN_SECONDS
    assert gathering.rest_seconds() == 0.0
