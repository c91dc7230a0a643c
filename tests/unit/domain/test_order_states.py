"""The state machine: one table, every state with a way out, nothing illegal, versions only grow."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.domain.errors import TransitionRefused
from orders.domain.events import EventType
from orders.domain.order import (
    INITIAL,
    TRANSITIONS,
    FulfilmentStatus,
    OrderState,
    OrderStatus,
    PaymentStatus,
    Stage,
    allowed_events,
    apply,
    stage_of,
)

MONEY_AND_TALK = {
    EventType.NOTE_ADDED,
    EventType.PAYMENT_PARTLY_REFUNDED,
    EventType.RETURN_REQUESTED,
    EventType.RETURN_APPROVED,
    EventType.RETURN_REJECTED,
    EventType.RETURN_RECEIVED,
}


def reachable() -> set[OrderState]:
    """Every state that any sequence of events can reach, versions folded away."""
    seen: set[OrderState] = set()
    todo = [INITIAL]
    while todo:
        state = todo.pop()
        if state in seen:
            continue
        seen.add(state)
        for event in allowed_events(state):
            after = apply(state, event)
            todo.append(OrderState(after.order, after.payment, after.fulfilment, after.is_held, version=1))
    return seen


def test_every_event_but_the_first_is_in_the_table() -> None:
    """One table says it all; only the creation is not a transition."""
    assert set(EventType) - set(TRANSITIONS) == {EventType.ORDER_PLACED}


@given(st.lists(st.sampled_from(sorted(TRANSITIONS)), max_size=40))
def test_any_sequence_moves_legally_or_not_at_all(events: list[EventType]) -> None:
    """An event that is allowed adds one to the version; a refused one changes nothing (promise I6)."""
    state = INITIAL
    for event in events:
        if event in allowed_events(state):
            after = apply(state, event)
            assert after.version == state.version + 1
            state = after
        else:
            with pytest.raises(TransitionRefused):
                apply(state, event)


def test_no_open_state_is_a_dead_end() -> None:
    """Row O14: from every reachable state that is not final something beyond talk can still happen."""
    for state in reachable():
        if not state.is_final:
            assert allowed_events(state) - MONEY_AND_TALK, state


def test_a_final_state_never_comes_back_to_life() -> None:
    """Cancelled and expired orders are not picked, shipped or confirmed again."""
    for state in reachable():
        if state.order in {OrderStatus.CANCELLED, OrderStatus.EXPIRED}:
            for event in allowed_events(state):
                assert apply(state, event).order is state.order


def test_nothing_ships_from_an_order_that_is_not_confirmed() -> None:
    """Goods leave only for a confirmed order whose money is held or taken."""
    for state in reachable():
        if state.fulfilment in {FulfilmentStatus.SHIPPED, FulfilmentStatus.PARTLY_SHIPPED}:
            assert state.order is OrderStatus.CONFIRMED, state


def test_a_held_order_is_neither_picked_nor_confirmed() -> None:
    """Row O8: a hold stops the goods until it is released."""
    for state in reachable():
        if state.is_held:
            assert not allowed_events(state) & {
                EventType.ORDER_CONFIRMED,
                EventType.PICKING_STARTED,
                EventType.ORDER_SHIPPED,
                EventType.ORDER_PARTLY_SHIPPED,
            }


def test_a_cancelled_order_can_always_give_the_money_back() -> None:
    """However the money stands when an order ends early, there is an event that returns it."""
    gives_back = {EventType.PAYMENT_VOIDED, EventType.PAYMENT_REFUNDED}
    for state in reachable():
        if state.order in {OrderStatus.CANCELLED, OrderStatus.EXPIRED} and state.payment in {
            PaymentStatus.AUTHORISED,
            PaymentStatus.CAPTURED,
            PaymentStatus.PARTLY_REFUNDED,
        }:
            assert allowed_events(state) & gives_back, state


@pytest.mark.parametrize(
    ("order", "payment", "fulfilment", "held"),
    list(product(OrderStatus, PaymentStatus, FulfilmentStatus, [False, True])),
)
def test_every_state_has_a_stage_for_the_shopper(
    order: OrderStatus, payment: PaymentStatus, fulfilment: FulfilmentStatus, held: bool
) -> None:
    """The tracking page has a word for every combination, also those that should not occur."""
    assert stage_of(OrderState(order, payment, fulfilment, held)) in Stage


def test_nothing_leaves_the_shelf_before_the_order_is_confirmed() -> None:
    """Until then its reservation may still end, and the rules that hold an order back were not asked."""
    leaving = {EventType.PICKING_STARTED, EventType.ORDER_PARTLY_SHIPPED, EventType.ORDER_SHIPPED}
    for state in reachable():
        if state.order is OrderStatus.PLACED:
            assert not leaving & allowed_events(state), state
            assert state.fulfilment is FulfilmentStatus.UNFULFILLED
