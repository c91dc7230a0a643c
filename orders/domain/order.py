"""The state machine of an order: three statuses, one table, and the questions that are answered from it.

An order has a status of its own life, one of its payment and one of its fulfilment. An event moves all three at
once or none. TRANSITIONS is the only place that says what may follow what; the SQL `WHERE ... IN`, the buttons of
the console and the shopper's page are derived from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeVar

from orders.domain.errors import TransitionRefused
from orders.domain.events import EventType


class OrderStatus(StrEnum):
    """The order's own life."""

    PLACED = "placed"
    CONFIRMED = "confirmed"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class PaymentStatus(StrEnum):
    """Where the money is."""

    AUTHORISED = "authorised"
    CAPTURED = "captured"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"
    VOIDED = "voided"
    FAILED = "failed"


class FulfilmentStatus(StrEnum):
    """Where the goods are."""

    UNFULFILLED = "unfulfilled"
    PICKING = "picking"
    PARTLY_SHIPPED = "partly_shipped"
    SHIPPED = "shipped"
    DELIVERED = "delivered"


@dataclass(frozen=True, slots=True)
class OrderState:
    """The three statuses, the hold and the optimistic version of one order."""

    order: OrderStatus
    payment: PaymentStatus
    fulfilment: FulfilmentStatus
    is_held: bool = False
    version: int = 1

    @property
    def is_final(self) -> bool:
        """Whether nothing is expected to happen any more (a refund or return still may)."""
        return self.order in {OrderStatus.COMPLETED, OrderStatus.CANCELLED, OrderStatus.EXPIRED}


INITIAL = OrderState(OrderStatus.PLACED, PaymentStatus.AUTHORISED, FulfilmentStatus.UNFULFILLED)

_O, _P, _F = OrderStatus, PaymentStatus, FulfilmentStatus
S = TypeVar("S", bound=StrEnum)


def _same(*statuses: S) -> Mapping[S, S]:
    return {status: status for status in statuses}


@dataclass(frozen=True, slots=True)
class Transition:
    """What one event needs and does, per status: a mapping from each allowed status to the next.

    An empty mapping neither needs nor changes that status. `held` is None (does not matter), False (only while
    not held) or True (only while held); `sets_held` is the hold afterwards, None for unchanged.
    """

    order: Mapping[OrderStatus, OrderStatus] = field(default_factory=dict)
    payment: Mapping[PaymentStatus, PaymentStatus] = field(default_factory=dict)
    fulfilment: Mapping[FulfilmentStatus, FulfilmentStatus] = field(default_factory=dict)
    held: bool | None = None
    sets_held: bool | None = None

    def allows(self, state: OrderState) -> bool:
        """Whether the event may happen in this state."""
        return (
            (not self.order or state.order in self.order)
            and (not self.payment or state.payment in self.payment)
            and (not self.fulfilment or state.fulfilment in self.fulfilment)
            and (self.held is None or self.held == state.is_held)
        )


_OPEN = _same(_O.PLACED, _O.CONFIRMED)
_NOT_YET_SHIPPED = {_F.UNFULFILLED: _F.UNFULFILLED, _F.PICKING: _F.UNFULFILLED}
_PAYABLE = _same(_P.AUTHORISED, _P.CAPTURED, _P.PARTLY_REFUNDED)
_ON_ITS_WAY = _same(_F.PARTLY_SHIPPED, _F.SHIPPED, _F.DELIVERED)

TRANSITIONS: Mapping[EventType, Transition] = {
    EventType.ORDER_CONFIRMED: Transition(order={_O.PLACED: _O.CONFIRMED}, payment=_PAYABLE, held=False),
    EventType.ORDER_HELD: Transition(order=_OPEN, held=False, sets_held=True),
    EventType.ORDER_RELEASED: Transition(order=_OPEN, held=True, sets_held=False),
    EventType.PAYMENT_CAPTURED: Transition(
        # Whatever became of the order meanwhile: money that the provider took is a fact, and is given back next.
        payment={_P.AUTHORISED: _P.CAPTURED, _P.FAILED: _P.CAPTURED},
    ),
    EventType.PAYMENT_FAILED: Transition(payment={_P.AUTHORISED: _P.FAILED}),
    EventType.PAYMENT_VOIDED: Transition(payment={_P.AUTHORISED: _P.VOIDED, _P.FAILED: _P.VOIDED}),
    EventType.PAYMENT_PARTLY_REFUNDED: Transition(
        payment={_P.CAPTURED: _P.PARTLY_REFUNDED, _P.PARTLY_REFUNDED: _P.PARTLY_REFUNDED}
    ),
    EventType.PAYMENT_REFUNDED: Transition(
        payment={_P.CAPTURED: _P.REFUNDED, _P.PARTLY_REFUNDED: _P.REFUNDED}
    ),
    EventType.PICKING_STARTED: Transition(
        order=_same(_O.CONFIRMED), payment=_PAYABLE, fulfilment={_F.UNFULFILLED: _F.PICKING}, held=False
    ),
    EventType.PICKING_STOPPED: Transition(order=_same(_O.CONFIRMED), fulfilment={_F.PICKING: _F.UNFULFILLED}),
    EventType.ORDER_PARTLY_SHIPPED: Transition(
        order=_same(_O.CONFIRMED),
        payment=_PAYABLE,
        fulfilment={_F.PICKING: _F.PARTLY_SHIPPED, _F.PARTLY_SHIPPED: _F.PARTLY_SHIPPED},
        held=False,
    ),
    EventType.ORDER_SHIPPED: Transition(
        order=_same(_O.CONFIRMED),
        payment=_PAYABLE,
        fulfilment={_F.PICKING: _F.SHIPPED, _F.PARTLY_SHIPPED: _F.SHIPPED},
        held=False,
    ),
    EventType.ORDER_DELIVERED: Transition(
        order={_O.CONFIRMED: _O.COMPLETED}, fulfilment={_F.SHIPPED: _F.DELIVERED}
    ),
    EventType.ORDER_CANCELLED: Transition(
        order={_O.PLACED: _O.CANCELLED, _O.CONFIRMED: _O.CANCELLED},
        fulfilment=_NOT_YET_SHIPPED,
        sets_held=False,
    ),
    EventType.ORDER_EXPIRED: Transition(
        order={_O.PLACED: _O.EXPIRED, _O.CONFIRMED: _O.EXPIRED},
        fulfilment=_NOT_YET_SHIPPED,
        sets_held=False,
    ),
    EventType.RETURN_REQUESTED: Transition(fulfilment=_ON_ITS_WAY),
    EventType.RETURN_APPROVED: Transition(fulfilment=_ON_ITS_WAY),
    EventType.RETURN_REJECTED: Transition(fulfilment=_ON_ITS_WAY),
    EventType.RETURN_RECEIVED: Transition(fulfilment=_ON_ITS_WAY),
    EventType.ADDRESS_CHANGED: Transition(order=_OPEN, fulfilment=_same(_F.UNFULFILLED)),
    EventType.ORDER_EDITED: Transition(order=_OPEN, fulfilment=_same(_F.UNFULFILLED)),
    EventType.NOTE_ADDED: Transition(),
    # A held line stays in the house while the others go; the order itself moves on.
    EventType.LINES_HELD: Transition(order=_OPEN),
    EventType.LINES_RELEASED: Transition(order=_OPEN),
    EventType.TRACKING_ADDED: Transition(fulfilment=_ON_ITS_WAY),
    EventType.PARCEL_DELIVERED: Transition(fulfilment=_ON_ITS_WAY),
}
"""ORDER_PLACED is absent: it creates the order and can happen only once, held by the primary key."""

SHOPPER_MAY_CANCEL_IN = frozenset({_F.UNFULFILLED})
"""The self-service grace window: a shopper may cancel or change until picking starts; staff may a little longer."""


def apply(state: OrderState, event: EventType) -> OrderState:
    """The state after an event, its version one higher. Raises TransitionRefused when the table forbids it."""
    transition = TRANSITIONS.get(event)
    if transition is None or not transition.allows(state):
        raise TransitionRefused(
            f"{event} is not possible while the order is {state.order}, its payment {state.payment} "
            f"and its fulfilment {state.fulfilment}{' (on hold)' if state.is_held else ''}"
        )
    return replace(
        state,
        order=transition.order.get(state.order, state.order),
        payment=transition.payment.get(state.payment, state.payment),
        fulfilment=transition.fulfilment.get(state.fulfilment, state.fulfilment),
        is_held=state.is_held if transition.sets_held is None else transition.sets_held,
        version=state.version + 1,
    )


def allowed_events(state: OrderState) -> frozenset[EventType]:
    """Every event that may happen next: exactly the actions that a page may offer."""
    return frozenset(event for event, transition in TRANSITIONS.items() if transition.allows(state))


class Stage(StrEnum):
    """What the shopper sees of the three statuses: one word on the tracking page."""

    PLACED = "placed"
    CONFIRMED = "confirmed"
    ON_HOLD = "on_hold"
    PREPARING = "preparing"
    PARTLY_SHIPPED = "partly_shipped"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


_STAGE_OF_FULFILMENT = {
    _F.PICKING: Stage.PREPARING,
    _F.PARTLY_SHIPPED: Stage.PARTLY_SHIPPED,
    _F.SHIPPED: Stage.SHIPPED,
    _F.DELIVERED: Stage.DELIVERED,
}


def stage_of(state: OrderState) -> Stage:
    """The one word for the shopper, derived and never stored as a truth."""
    if state.order is _O.CANCELLED:
        return Stage.CANCELLED
    if state.order is _O.EXPIRED:
        return Stage.EXPIRED
    if state.is_held:
        return Stage.ON_HOLD
    if state.fulfilment in _STAGE_OF_FULFILMENT:
        return _STAGE_OF_FULFILMENT[state.fulfilment]
    return Stage.PLACED if state.order is _O.PLACED else Stage.CONFIRMED
