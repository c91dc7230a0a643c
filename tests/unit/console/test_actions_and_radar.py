"""The console knows every state of the state machine: an action for every event of staff, a limit for every open state."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orders.domain.events import EventType
from orders.domain.order import INITIAL, TRANSITIONS, OrderState, allowed_events, apply, stage_of
from webapp.console.jobs.radar import STAGES, stage_code
from webapp.console.orders.actions import ACTIONS, offered
from webapp.console.permissions import ROLE_PERMISSIONS, Permission, Role

BY_PROGRAMS = {
    EventType.ORDER_CONFIRMED,
    EventType.ORDER_EXPIRED,
    EventType.PAYMENT_FAILED,
    EventType.PAYMENT_VOIDED,
    EventType.PARCEL_DELIVERED,
    EventType.TRACKING_ADDED,
}
"""Events that only programs bring about (the worker, the sweeper, a carrier's message, the import of numbers); staff set
them off by releasing, cancelling, refunding, importing."""
BY_SHOPPERS = {EventType.ORDER_EDITED}
"""Fewer pieces of an order that is not packed yet: the shopper takes them off on the order's page."""


def _reachable() -> Iterator[OrderState]:
    """Every state that some history leads to, each once."""
    from dataclasses import replace

    seen, todo = {replace(INITIAL, version=1)}, [INITIAL]
    while todo:
        state = todo.pop()
        yield state
        for event in allowed_events(state):
            after = replace(apply(state, event), version=1)
            if after not in seen:
                seen.add(after)
                todo.append(after)


REACHABLE = list(_reachable())


def test_every_event_of_staff_has_an_action() -> None:
    """A new event of the state machine is either somebody's button or said to be a program's."""
    covered = set().union(*(action.events for action in ACTIONS.values()))
    assert covered == set(TRANSITIONS) - BY_PROGRAMS - BY_SHOPPERS


def test_what_is_offered_is_allowed_in_every_state() -> None:
    """Exactly: an action is offered when one of its events is allowed, for somebody who may do everything."""
    for state in REACHABLE:
        allowed = allowed_events(state)
        codes = {action.code for action in offered(state, lambda permission: True)}
        assert codes == {
            action.code for action in ACTIONS.values() if action.events & allowed and action.when(state)
        }, state


@pytest.mark.parametrize("role", list(Role))
def test_a_role_is_offered_only_what_it_may(role: Role) -> None:
    """The permission of the action decides, in every state."""
    for state in REACHABLE:
        for action in offered(state, ROLE_PERMISSIONS[role].__contains__):
            assert action.permission in ROLE_PERMISSIONS[role]


def test_a_viewer_is_offered_nothing() -> None:
    """Looking changes nothing."""
    assert all(offered(state, ROLE_PERMISSIONS[Role.VIEWER].__contains__) == [] for state in REACHABLE)


def test_every_open_state_has_an_age_limit_and_every_final_one_has_none() -> None:
    """No order can be forgotten: whatever state it is in, the radar has a limit for it."""
    for state in REACHABLE:
        code = stage_code(state)
        assert (code == "") == state.is_final, state
        if code:
            assert STAGES[code].limit.total_seconds() > 0
            assert STAGES[code].advice


def test_every_open_state_has_a_way_out_for_staff() -> None:
    """In every state that is not final, somebody with all permissions can do more than leave a note."""
    for state in REACHABLE:
        if not state.is_final:
            codes = {action.code for action in offered(state, lambda permission: True)} - {"note", "return"}
            assert codes, (state, stage_of(state))


def test_every_permission_of_an_action_is_somebodys() -> None:
    """A button that no role can press is a dead button."""
    held = set().union(*ROLE_PERMISSIONS.values())
    assert {action.permission for action in ACTIONS.values()} <= held == set(Permission)
