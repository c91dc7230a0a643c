"""Who goes in next: the line before the door, with a clock of our own and no threads."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from webapp.waiting_line import (
    FEWEST_IN_LINE,
    LATE_SECONDS,
    LEARNED_FROM_SECONDS,
    LOOK_EVERY_SECONDS,
    OLDEST_EVERY,
    QUIET_SECONDS,
    Bounds,
    Rank,
    Turn,
    WaitingLine,
)

SLOW = 10 * LATE_SECONDS


def ask(line: WaitingLine, rank: Rank, now: float = 0.0) -> Turn:
    """Ask, and have a turn."""
    turn = line.ask(rank, now)
    assert turn is not None
    return turn


def called(turns: Iterable[Turn]) -> list[Turn]:
    """Those who were called, in the order of their call."""
    return sorted(
        (turn for turn in turns if turn.called_at is not None), key=lambda turn: turn.called_at or 0
    )


def hand_on(line: WaitingLine, inside: Turn, waiting: list[Turn], count: int) -> list[Rank]:
    """Let whoever is inside leave, so many times, a millisecond apart; the ranks in the order in which they were called."""
    ranks = []
    for number in range(count):
        line.leave(inside, number / 1000)
        [inside] = called(waiting)
        waiting.remove(inside)
        ranks.append(inside.rank)
    return ranks


def test_whoever_is_further_goes_first_and_equals_in_the_order_of_their_arrival() -> None:
    """A newcomer brings a dozen requests: nobody who has begun waits behind one."""
    line = WaitingLine(Bounds(most=1))
    inside = ask(line, Rank.KNOWN)
    waiting = [ask(line, rank) for rank in (*reversed(Rank), *Rank)]
    first_payer = next(turn for turn in waiting if turn.rank is Rank.PAYING)
    ranks = hand_on(line, inside, waiting, 2)
    assert ranks == [Rank.PLACING, Rank.PLACING]
    line.leave(Turn(Rank.PLACING, 0), 1)
    assert called(waiting) == [first_payer]


def test_every_so_many_places_go_to_whoever_has_waited_longest() -> None:
    """However many say that they are placing an order, nobody is shut out."""
    line = WaitingLine(Bounds(most=1))
    inside = ask(line, Rank.KNOWN)
    waiting = [ask(line, Rank.NEWCOMER, 0)] + [ask(line, Rank.PLACING, 1) for _ in range(3 * OLDEST_EVERY)]
    assert hand_on(line, inside, waiting, OLDEST_EVERY) == [Rank.PLACING] * (OLDEST_EVERY - 1) + [
        Rank.NEWCOMER
    ]


def test_a_full_line_of_one_rank_is_nobody_elses() -> None:
    """A flood of newcomers does not keep a shopper who pays out of the line."""
    line = WaitingLine(Bounds(most=1, in_line=2))
    ask(line, Rank.KNOWN)
    ask(line, Rank.NEWCOMER)
    ask(line, Rank.NEWCOMER)
    assert line.ask(Rank.NEWCOMER, 0) is None
    assert line.ask(Rank.PAYING, 0) is not None
    assert (line.inside, line.waiting) == (1, 3)


def test_orders_that_hang_leave_places_for_everybody_else() -> None:
    """Half of the places, at most, wait for a provider and the order API."""
    line = WaitingLine(Bounds(most=4))
    placing = [ask(line, Rank.PLACING) for _ in range(5)]
    assert called(placing) == placing[:2]
    others = [ask(line, Rank.NEWCOMER), ask(line, Rank.KNOWN)]
    assert called(others) == others
    line.leave(placing[0], 1)
    assert called(placing) == placing[:3]


def test_one_who_gave_up_is_not_called() -> None:
    """And one who was called cannot give up any more: the place is theirs to leave."""
    line = WaitingLine(Bounds(most=1))
    inside, impatient, patient = (ask(line, Rank.KNOWN) for _ in range(3))
    assert line.give_up(impatient)
    line.leave(inside, 1)
    assert called([impatient, patient]) == [patient]
    assert not line.give_up(patient)
    line.leave(patient, 2)
    assert (line.inside, line.waiting) == (0, 0)


def crowd(line: WaitingLine, late: float, seconds: float = 3.0, began: float = 0.0) -> float:
    """Let a line stand for a while, every place taken up so late; returns when it ended."""
    now, inside = began, [ask(line, Rank.CHECKING_OUT, began) for _ in range(line.limit)]
    while now < began + seconds:
        now += LOOK_EVERY_SECONDS
        turn = ask(line, Rank.CHECKING_OUT, now)
        while turn.called_at is None:
            line.leave(inside.pop(), now)
        line.took_up(turn, now + late)
        inside.append(turn)
    for turn in inside:
        line.leave(turn, now)
    return now


def test_fewer_are_let_in_at_once_while_places_are_taken_up_late() -> None:
    """A busy processor answers no more requests for having more of them begun. It never comes to a standstill."""
    line = WaitingLine(Bounds(most=100, fewest=8))
    crowd(line, SLOW)
    assert line.limit == 8


def test_more_are_let_in_again_once_places_are_taken_up_in_time() -> None:
    """Most of them then wait for others, and the processor has time."""
    line = WaitingLine(Bounds(most=100, fewest=8))
    now = crowd(line, SLOW)
    crowd(line, 0.0, seconds=30.0, began=now)
    assert line.limit == 100


def test_one_late_place_among_many_is_no_reason_for_fewer() -> None:
    """A garbage collection is no crowd: the average of a while counts."""
    line = WaitingLine(Bounds(at_first=10, fewest=2, most=10))
    for number in range(400):
        now = (number + 1) * LOOK_EVERY_SECONDS / 40
        line.took_up(Turn(Rank.KNOWN, now, now - (SLOW if number % 40 == 0 else 0.0)), now)
    assert line.limit == 10


def test_fewer_are_let_in_while_the_database_has_no_connection_left() -> None:
    """However idle the processor: they would wait for a connection, which gives up sooner than the door."""
    line = WaitingLine(Bounds(most=100, fewest=8), is_short=lambda: True)
    crowd(line, 0.0)
    assert line.limit == 8


def test_what_a_rush_taught_is_forgotten_in_quiet() -> None:
    """The next one may wait for something else."""
    line = WaitingLine(Bounds(at_first=16, fewest=8))
    now = crowd(line, SLOW)
    line.leave(ask(line, Rank.KNOWN, now + QUIET_SECONDS / 2), now + QUIET_SECONDS / 2)
    assert line.limit == 8
    line.leave(ask(line, Rank.KNOWN, now + 2 * QUIET_SECONDS), now + 2 * QUIET_SECONDS)
    assert line.limit == 16


@pytest.mark.parametrize(("rank", "per_second", "longest"), [(Rank.NEWCOMER, 20, 40), (Rank.KNOWN, 20, 60)])
def test_a_standing_line_is_as_long_as_is_let_in_soon(rank: Rank, per_second: int, longest: int) -> None:
    """A burst may fill it. Later ones are told at once what they would only be told later."""
    line = WaitingLine(Bounds(most=1, in_line=200))
    inside, waiting = ask(line, rank), [ask(line, rank) for _ in range(200)]
    for number in range(int(LEARNED_FROM_SECONDS * per_second)):
        line.leave(inside, now := (number + 1) / per_second)
        inside = waiting.pop(0)
    assert line.waiting > longest
    assert line.ask(rank, now) is None
    for turn in waiting[longest - 1 :]:
        assert line.give_up(turn)
    assert line.ask(rank, now) is not None
    assert line.ask(rank, now) is None


def test_a_few_newcomers_may_wait_however_slow_it_goes() -> None:
    """Whoever is in the checkout may in any case."""
    line = WaitingLine(Bounds(most=1, in_line=100))
    ask(line, Rank.PLACING)
    for _ in range(FEWEST_IN_LINE + 1):
        ask(line, Rank.NEWCOMER)
        ask(line, Rank.PLACING)
    assert line.ask(Rank.NEWCOMER, 60) is None
    assert line.ask(Rank.PLACING, 60) is not None
