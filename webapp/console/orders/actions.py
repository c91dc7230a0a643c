"""The actions that staff may take on an order: what each needs, and what runs it.

An action is offered when the state machine allows one of its events and the role has its permission. No action changes
an order itself: `run` translates a form into one call of orders.services (runs.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from orders.domain.events import EventType
from orders.domain.order import OrderState, allowed_events
from orders.ports import OrderRecord
from orders.services.capture_payment import may_ask_for_money
from orders.services.desk import OrderDesk
from webapp.console.orders import runs
from webapp.console.orders.wish import Wish
from webapp.console.permissions import Permission

Run = Callable[[OrderDesk, Wish], OrderRecord]


@dataclass(frozen=True, slots=True)
class Action:
    """One action. `events` are those of which the state machine must allow at least one."""

    code: str
    label: str
    events: frozenset[EventType]
    permission: Permission
    run: Run
    form: str = ""
    """The template of its fields; empty for an action that asks nothing."""
    is_danger: bool = False
    is_main: bool = False
    needs_return: bool = False
    """Belongs to one return of the order and is offered beside it."""
    needs_line: bool = False
    """Belongs to one held line of the order and is offered beside it."""
    when: Callable[[OrderState], bool] = lambda state: True
    """What the action needs beyond its events, where the state machine is asked by a program and not by a person."""

    def is_allowed(self, state: OrderState) -> bool:
        """Whether the state allows it."""
        return bool(self.events & allowed_events(state)) and self.when(state)


_E, _P = EventType, Permission
_SHIPPING = frozenset({_E.ORDER_SHIPPED, _E.ORDER_PARTLY_SHIPPED})


ACTIONS: Mapping[str, Action] = {
    action.code: action
    for action in (
        Action("pick", "Start picking", frozenset({_E.PICKING_STARTED}), _P.ORDERS_FULFIL, runs.pick, is_main=True),
        Action("ship", "Ship", _SHIPPING | {_E.PICKING_STARTED}, _P.ORDERS_FULFIL, runs.ship, "ship", is_main=True),
        Action("deliver", "Mark delivered", frozenset({_E.ORDER_DELIVERED}), _P.ORDERS_FULFIL, runs.deliver, is_main=True),
        Action("release", "Release", frozenset({_E.ORDER_RELEASED}), _P.ORDERS_HOLD, runs.release, "reason", is_main=True),
        Action(
            "capture", "Take the money", frozenset({_E.PAYMENT_CAPTURED}), _P.PAYMENTS_REFUND, runs.capture, "reason",
            when=may_ask_for_money,
        ),
        Action("hold", "Hold", frozenset({_E.ORDER_HELD}), _P.ORDERS_HOLD, runs.hold, "hold"),
        Action("hold_lines", "Hold lines", frozenset({_E.LINES_HELD}), _P.ORDERS_HOLD, runs.hold_some, "hold_lines"),
        Action(
            "release_lines", "Release the line", frozenset({_E.LINES_RELEASED}), _P.ORDERS_HOLD, runs.release_some,
            "reason", needs_line=True,
        ),
        Action(
            "unpick", "Stop picking", frozenset({_E.PICKING_STOPPED}), _P.ORDERS_FULFIL,
            lambda desk, wish: runs.pick(desk, wish, is_stopped=True),
        ),
        Action("address", "Change address", frozenset({_E.ADDRESS_CHANGED}), _P.ORDERS_EDIT, runs.address, "address"),
        Action(
            "refund", "Refund", frozenset({_E.PAYMENT_PARTLY_REFUNDED, _E.PAYMENT_REFUNDED}), _P.PAYMENTS_REFUND,
            runs.refund, "refund", is_danger=True,
        ),
        Action("return", "Register a return", frozenset({_E.RETURN_REQUESTED}), _P.RETURNS_DECIDE, runs.return_, "return"),
        Action(
            "approve", "Approve return", frozenset({_E.RETURN_APPROVED}), _P.RETURNS_DECIDE,
            lambda desk, wish: runs.decide(desk, wish, is_approved=True), "reason", needs_return=True,
        ),
        Action(
            "reject", "Reject return", frozenset({_E.RETURN_REJECTED}), _P.RETURNS_DECIDE,
            lambda desk, wish: runs.decide(desk, wish, is_approved=False), "reason", is_danger=True, needs_return=True,
        ),
        Action(
            "receive", "Receive return", frozenset({_E.RETURN_RECEIVED}), _P.RETURNS_RECEIVE, runs.receive, "receive",
            needs_return=True,
        ),
        Action("note", "Add a note", frozenset({_E.NOTE_ADDED}), _P.ORDERS_NOTE, runs.note, "note"),
        Action("cancel", "Cancel order", frozenset({_E.ORDER_CANCELLED}), _P.ORDERS_CANCEL, runs.cancel, "reason", is_danger=True),
    )
}  # fmt: skip


def offered(state: OrderState, may: Callable[[Permission], bool]) -> list[Action]:
    """The actions that this state and this person allow, in their order on the page."""
    return [action for action in ACTIONS.values() if action.is_allowed(state) and may(action.permission)]
