"""The chaos run's schedule depends on the seed alone, leaves room to recover, and every fault in it can be done."""

from __future__ import annotations

from itertools import pairwise

import pytest

from bench.chaos.faults import DOINGS
from bench.chaos.schedule import BY_NAME, FAULTS, LAST_BEFORE_SECONDS, PROMISED_SECONDS, Planned, draw
from bench.chaos.watch import Inflicted, caught_up, recovery

LONG = 1800.0


def test_the_same_seed_gives_the_same_schedule_and_another_seed_another() -> None:
    """A run that failed can be played again."""
    assert draw(7, 600) == draw(7, 600)
    assert draw(7, 600) != draw(8, 600)


def test_a_shorter_run_is_the_beginning_of_a_longer_one() -> None:
    """What the length cuts off is the end only."""
    short = draw(3, 120)
    assert short == draw(3, 600)[: len(short)]


def test_every_kind_comes_before_one_comes_twice() -> None:
    """Ten minutes meet each kind; the deck is dealt out before it is shuffled again."""
    names = [planned.name for planned in draw(1, LONG)]
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


def _ended(at: float) -> Inflicted:
    return Inflicted(Planned(at - 1, "worker-killed", 1, 0.5), began=at - 1, ended=at)


def test_recovery_is_the_first_order_both_accepted_and_recorded_after_the_fault() -> None:
    """An order that was accepted before the fault ended, or is recorded only later, does not count as recovered yet."""
    accepted = {"before": 9.0, "early": 11.0, "late": 14.0}
    recorded = {"before": 10.5, "early": 16.0, "late": 15.0}
    assert recovery(_ended(10.0), accepted, recorded) == pytest.approx(5.0)


def test_without_an_order_after_the_fault_there_is_no_recovery() -> None:
    """Never is not zero."""
    assert recovery(_ended(10.0), {"before": 9.0}, {"before": 12.0}) is None


def test_caught_up_is_when_the_last_order_from_before_is_recorded() -> None:
    """Orders accepted during the fault wait; the last of them counts, and one that is missing means never."""
    accepted, recorded = {"a": 5.0, "b": 9.5, "c": 12.0}, {"a": 5.1, "b": 13.0, "c": 20.0}
    assert caught_up(_ended(10.0), accepted, recorded) == pytest.approx(3.0)
    assert caught_up(_ended(10.0), accepted, {"a": 5.1}) is None
