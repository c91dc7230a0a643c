"""When a shop has recovered from a fault is what its shoppers and their orders saw, not what an ending process still did."""

from __future__ import annotations

import pytest

from bench.chaos.recovery import OrderTimes, Recovery, recoveries
from bench.chaos.schedule import Planned
from bench.chaos.watch import Inflicted
from bench.load.samples import Sample

NEWCOMER = OrderTimes(taken=11.0, recorded=12.0, accepted=11.5, came=10.5)


def _ended(at: float, skipped: str = "") -> Inflicted:
    return Inflicted(Planned(at - 1, "worker-killed", 1, 0.5), began=at - 1, ended=at, skipped=skipped)


def _recovery(orders: list[OrderTimes], steps: list[Sample] | None = None) -> Recovery:
    [found] = recoveries([_ended(10.0)], orders, steps or [])
    return found


def test_recovered_is_when_newcomers_can_buy_and_nothing_of_before_is_owed() -> None:
    """An order taken before the end that is recorded late makes the recovery late, however soon new ones are served."""
    late = OrderTimes(taken=9.0, recorded=17.0, accepted=9.5, came=8.0)
    found = _recovery([late, NEWCOMER, OrderTimes(13.0, 15.0, 14.0, 12.0)])
    assert found.served_after == pytest.approx(2.0)
    assert found.caught_up_after == pytest.approx(7.0)
    assert found.waiting == 1
    assert found.recovered_after == pytest.approx(7.0)


def test_an_order_that_an_ending_process_still_answers_does_not_count_as_served() -> None:
    """Its shopper had come in before; the shop is open again when somebody who comes to the door can buy."""
    found = _recovery([OrderTimes(taken=10.1, recorded=10.4, accepted=10.2, came=8.0), NEWCOMER])
    assert found.served_after == pytest.approx(2.0)


def test_shoppers_who_had_to_press_reload_make_the_recovery_as_late_as_their_answer() -> None:
    """Whether they began before or after the end; who was answered at once after it does not matter."""
    steps = [
        Sample("cart", due=8.0, latency=1.0),
        Sample("place", due=9.5, latency=2.0),
        Sample("product", due=11.0, latency=6.0, retries=3, failed_at=12.0),
        Sample("product", due=12.0, latency=8.0),
    ]
    found = _recovery([NEWCOMER], steps)
    assert (found.waiting_shoppers, found.answered_after) == (2, pytest.approx(7.0))
    assert found.recovered_after == pytest.approx(7.0)


def test_who_has_to_try_again_after_the_next_fault_counts_for_that_one() -> None:
    """A fault that could not be done is none."""
    faults = [_ended(10.0), _ended(15.0, skipped="no victim"), _ended(30.0)]
    steps = [
        Sample("product", due=31.0, latency=4.0, retries=1, failed_at=32.0),
        # Begun before the next fault and broken by it.
        Sample("place", due=28.9, latency=7.0, retries=1, failed_at=29.5),
    ]
    answered = [found.answered_after for found in recoveries(faults, [NEWCOMER], steps)]
    assert answered == [0.0, 0.0, pytest.approx(5.9)]


def test_who_is_broken_again_by_the_next_fault_waits_for_each_in_its_time() -> None:
    """One click that met two faults; the second, not the first, is why it took until 33. Who only waits still waits for the first."""
    faults = [_ended(10.0), _ended(25.0)]
    broken_twice = Sample("place", due=9.5, latency=23.5, retries=4, failed_at=9.7, failed_last=26.0)
    found = recoveries(faults, [NEWCOMER], [broken_twice])
    assert [each.answered_after for each in found] == [pytest.approx(14.0), pytest.approx(8.0)]
    only_slow = Sample("place", due=9.5, latency=23.5, retries=1, failed_at=9.7, failed_last=9.7)
    assert recoveries(faults, [NEWCOMER], [only_slow])[0].answered_after == pytest.approx(23.0)


def test_orders_whose_shopper_gave_up_are_owed_like_all_others() -> None:
    """Nobody saw the answer, but the shop had taken the order."""
    found = _recovery([OrderTimes(9.0, 14.0, None), NEWCOMER])
    assert found.waiting == 1
    assert found.recovered_after == pytest.approx(4.0)


def test_never_is_not_zero() -> None:
    """Without an order after the fault, or with one of before that is missing, there is no recovery."""
    assert _recovery([OrderTimes(8.0, 9.0, 9.0, 7.0)]).recovered_after is None
    missing = [OrderTimes(9.0, None, 9.5, 8.0), NEWCOMER]
    assert _recovery(missing).caught_up_after is None
    assert _recovery(missing).recovered_after is None


def test_nothing_waited_is_told_apart_from_quick() -> None:
    """Zero seconds is only what they are when nobody and no order was on its way as the fault ended."""
    found = _recovery([OrderTimes(8.0, 9.0, 8.5, 7.0), NEWCOMER])
    assert (found.waiting, found.caught_up_after) == (0, 0.0)
    assert (found.waiting_shoppers, found.answered_after) == (0, 0.0)
