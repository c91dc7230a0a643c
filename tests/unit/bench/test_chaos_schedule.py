"""The chaos run's schedule depends on the seed alone, leaves room to recover, and every fault in it can be done."""

from __future__ import annotations

from itertools import pairwise

import pytest

from bench.chaos.faults import DOINGS
from bench.chaos.schedule import BY_NAME, FAULTS, LAST_BEFORE_SECONDS, PROMISED_SECONDS, draw

LONG = 1800.0


def test_the_same_seed_gives_the_same_schedule_and_another_seed_another() -> None:
    """A run that failed can be played again."""
    assert draw(7, 600) == draw(7, 600)
    assert draw(7, 600) != draw(8, 600)


def test_a_shorter_run_is_the_beginning_of_a_longer_one() -> None:
    """What the length cuts off is the end only."""
    short = draw(3, 120)
    assert short == draw(3, 600)[: len(short)]


@pytest.mark.parametrize("seed", range(1, 21))
def test_ten_minutes_meet_every_kind_and_none_twice_before(seed: int) -> None:
    """The deck is dealt out before it is shuffled again, and ten minutes are long enough for all of it."""
    names = [planned.name for planned in draw(seed, 600)]
    assert set(names[: len(FAULTS)]) == BY_NAME.keys()


@pytest.mark.parametrize("seed", range(1, 6))
def test_each_fault_has_time_to_be_recovered_from_before_the_next(seed: int) -> None:
    """Else a recovery would be counted for the wrong fault."""
    plan = draw(seed, LONG)
    for planned, following in pairwise(plan):
        assert following.at - (planned.at + planned.seconds) >= max(
            PROMISED_SECONDS, planned.fault.recovers_within
        )
    assert plan[-1].at + plan[-1].seconds + LAST_BEFORE_SECONDS <= LONG


def test_the_kinds_can_be_chosen() -> None:
    """One fault can be looked at alone."""
    assert {planned.name for planned in draw(1, 120, ["worker-killed"])} == {"worker-killed"}


def test_every_fault_of_the_schedule_has_a_way_to_do_it() -> None:
    """A name without a deed would be a line in the report and nothing else."""
    assert DOINGS.keys() == BY_NAME.keys()
