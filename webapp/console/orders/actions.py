"""The actions that staff may take on an order: what each needs, and which use case of the core does it.

An action is offered when the state machine allows one of its events and the role has its permission. No action changes
an order itself: `run` translates a form into one call of orders.services.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from werkzeug.datastructures import MultiDict

from orders.domain.errors import InvalidRequest, Problem, VersionConflict
from orders.domain.events import Actor, EventType
from orders.domain.ids import OrderId, Sku
from orders.domain.order import OrderState, allowed_events
from orders.domain.request import Address
from orders.ports import OrderRecord
from orders.services.cancel_order import cancel_order
from orders.services.change_address import add_note, change_address
from orders.services.desk import OrderDesk
from orders.services.hold_order import hold_order, release_order
from orders.services.refund_order import Refund, refund_order
from orders.services.return_order import decide_return, receive_return, request_return
from orders.services.ship_order import Parcel, deliver_order, ship_order, start_picking
from webapp.console.amounts import parse_amount
from webapp.console.permissions import Permission

HOLD_REASONS = ("fraud", "address", "stock", "payment", "manual")
RETURN_REASONS = ("changed_mind", "damaged", "wrong_item", "not_as_described", "arrived_late", "other")


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for: the form, who asked, and what makes it happen once and against what was seen."""

    form: MultiDict[str, str]
    order_id: OrderId
    actor: Actor
    command_id: str
    version: int | None
    currency: str

    def text(self, name: str, longest: int = 500) -> str:
        """A text of the form, trimmed."""
        return self.form.get(name, "").replace("\x00", "").strip()[:longest]

    def needed(self, name: str, what: str, longest: int = 500) -> str:
        """A text that must be there. Raises InvalidRequest."""
        found = self.text(name, longest)
        if not found:
            raise InvalidRequest([Problem(f"/{name}", what)])
        return found

    def one_of(self, name: str, known: Sequence[str]) -> str:
        """One of the known words. Raises InvalidRequest."""
        found = self.text(name)
        if found not in known:
            raise InvalidRequest([Problem(f"/{name}", "choose one from the list")])
        return found

    def pieces(self, prefix: str) -> dict[Sku, int]:
        """The pieces by SKU from fields such as `ship:SKU`, those above zero. Raises InvalidRequest."""
        found: dict[Sku, int] = {}
        for name, value in self.form.items():
            if not name.startswith(f"{prefix}:") or value.strip() in {"", "0"}:
                continue
            sku = Sku(name.partition(":")[2])
            if not (value.strip().isascii() and value.strip().isdigit() and len(value.strip()) < 7):
                raise InvalidRequest([Problem(f"/lines/{sku}", f"“{value}” is not a number of pieces")])
            found[sku] = int(value)
        return found


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


def _hold(desk: OrderDesk, wish: Wish) -> OrderRecord:
    return hold_order(
        desk,
        wish.order_id,
        command_id=wish.command_id,
        actor=wish.actor,
        hold_reason=wish.one_of("hold_reason", HOLD_REASONS),
        reason=wish.text("reason"),
        expected_version=wish.version,
    )


def _release(desk: OrderDesk, wish: Wish) -> OrderRecord:
    return release_order(
        desk,
        wish.order_id,
        command_id=wish.command_id,
        actor=wish.actor,
        reason=wish.text("reason"),
        expected_version=wish.version,
    )


def _pick(desk: OrderDesk, wish: Wish, *, is_stopped: bool = False) -> OrderRecord:
    return start_picking(
        desk,
        wish.order_id,
        command_id=wish.command_id,
        actor=wish.actor,
        is_stopped=is_stopped,
        expected_version=wish.version,
    )


def _ship(desk: OrderDesk, wish: Wish) -> OrderRecord:
    lines = wish.pieces("ship")
    if not lines:
        raise InvalidRequest([Problem("/lines", "put at least one piece into the parcel")])
    url = wish.text("tracking_url")
    if url and not url.startswith(("https://", "http://")):
        raise InvalidRequest([Problem("/tracking_url", "a link begins with https://")])
    parcel = Parcel(lines, wish.text("carrier", 40), wish.text("tracking_number", 80), url)
    return ship_order(
        desk,
        wish.order_id,
        parcel,
        shipment_id=wish.command_id,
        actor=wish.actor,
        expected_version=wish.version,
    )


def _deliver(desk: OrderDesk, wish: Wish) -> OrderRecord:
    return deliver_order(
        desk, wish.order_id, command_id=wish.command_id, actor=wish.actor, expected_version=wish.version
    )


def _cancel(desk: OrderDesk, wish: Wish) -> OrderRecord:
    record = cancel_order(
        desk,
        wish.order_id,
        command_id=wish.command_id,
        actor=wish.actor,
        reason=wish.needed("reason", "say why, for the timeline"),
        expected_version=wish.version,
    )
    # Cancelling what is cancelled is no error for a program; a clerk is told that it was not them.
    with desk.book.transaction() as tx:
        for event in tx.events(wish.order_id):
            if event.type is EventType.ORDER_CANCELLED and event.actor != wish.actor:
                raise VersionConflict(f"the order was cancelled by {event.actor.id} already")
    return record


def _refund(desk: OrderDesk, wish: Wish) -> OrderRecord:
    refund = Refund(
        wish.pieces("refund"),
        is_with_shipping="shipping" in wish.form,
        amount_minor=parse_amount(wish.text("amount"), wish.currency),
    )
    if not (refund.lines or refund.is_with_shipping or refund.amount_minor):
        raise InvalidRequest([Problem("/amount_minor", "choose what to pay back")])
    return refund_order(
        desk,
        wish.order_id,
        refund,
        command_id=wish.command_id,
        actor=wish.actor,
        reason=wish.needed("reason", "say why, for the timeline"),
        expected_version=wish.version,
    )


_ADDRESS = ("name", "line1", "line2", "postal_code", "city", "region", "country")
_ADDRESS_NEEDED = {"name": "a name", "line1": "a street", "postal_code": "a postal code", "city": "a city"}


def _address(desk: OrderDesk, wish: Wish) -> OrderRecord:
    problems = [
        Problem(f"/{name}", f"an address needs {what}")
        for name, what in _ADDRESS_NEEDED.items()
        if not wish.text(name, 120)
    ]
    if problems:
        raise InvalidRequest(problems)
    address = Address(**{name: wish.text(name, 120) for name in _ADDRESS})
    return change_address(
        desk,
        wish.order_id,
        address,
        command_id=wish.command_id,
        actor=wish.actor,
        expected_version=wish.version,
    )


def _note(desk: OrderDesk, wish: Wish) -> OrderRecord:
    return add_note(
        desk,
        wish.order_id,
        wish.needed("text", "write something", 2000),
        command_id=wish.command_id,
        actor=wish.actor,
        is_public="is_public" in wish.form,
    )


def _return(desk: OrderDesk, wish: Wish) -> OrderRecord:
    return request_return(
        desk,
        wish.order_id,
        wish.pieces("return"),
        return_id=wish.command_id,
        actor=wish.actor,
        reason=wish.one_of("return_reason", RETURN_REASONS),
        comment=wish.text("comment"),
    )


def _decide(desk: OrderDesk, wish: Wish, *, is_approved: bool) -> OrderRecord:
    return decide_return(
        desk,
        wish.order_id,
        return_id=wish.needed("return_id", "which return?", 80),
        actor=wish.actor,
        is_approved=is_approved,
        reason=wish.text("reason") if is_approved else wish.needed("reason", "tell the shopper why"),
    )


def _receive(desk: OrderDesk, wish: Wish) -> OrderRecord:
    return receive_return(
        desk,
        wish.order_id,
        return_id=wish.needed("return_id", "which return?", 80),
        actor=wish.actor,
        restocked=wish.pieces("restock"),
        written_off=wish.pieces("write_off"),
    )


_E, _P = EventType, Permission
_SHIPPING = frozenset({_E.ORDER_SHIPPED, _E.ORDER_PARTLY_SHIPPED})


ACTIONS: Mapping[str, Action] = {
    action.code: action
    for action in (
        Action("pick", "Start picking", frozenset({_E.PICKING_STARTED}), _P.ORDERS_FULFIL, _pick, is_main=True),
        Action("ship", "Ship", _SHIPPING | {_E.PICKING_STARTED}, _P.ORDERS_FULFIL, _ship, "ship", is_main=True),
        Action("deliver", "Mark delivered", frozenset({_E.ORDER_DELIVERED}), _P.ORDERS_FULFIL, _deliver, is_main=True),
        Action("release", "Release", frozenset({_E.ORDER_RELEASED}), _P.ORDERS_HOLD, _release, "reason", is_main=True),
        Action("hold", "Hold", frozenset({_E.ORDER_HELD}), _P.ORDERS_HOLD, _hold, "hold"),
        Action(
            "unpick", "Stop picking", frozenset({_E.PICKING_STOPPED}), _P.ORDERS_FULFIL,
            lambda desk, wish: _pick(desk, wish, is_stopped=True),
        ),
        Action("address", "Change address", frozenset({_E.ADDRESS_CHANGED}), _P.ORDERS_EDIT, _address, "address"),
        Action(
            "refund", "Refund", frozenset({_E.PAYMENT_PARTLY_REFUNDED, _E.PAYMENT_REFUNDED}), _P.PAYMENTS_REFUND,
            _refund, "refund", is_danger=True,
        ),
        Action("return", "Register a return", frozenset({_E.RETURN_REQUESTED}), _P.RETURNS_DECIDE, _return, "return"),
        Action(
            "approve", "Approve return", frozenset({_E.RETURN_APPROVED}), _P.RETURNS_DECIDE,
            lambda desk, wish: _decide(desk, wish, is_approved=True), "reason", needs_return=True,
        ),
        Action(
            "reject", "Reject return", frozenset({_E.RETURN_REJECTED}), _P.RETURNS_DECIDE,
            lambda desk, wish: _decide(desk, wish, is_approved=False), "reason", is_danger=True, needs_return=True,
        ),
        Action(
            "receive", "Receive return", frozenset({_E.RETURN_RECEIVED}), _P.RETURNS_RECEIVE, _receive, "receive",
            needs_return=True,
        ),
        Action("note", "Add a note", frozenset({_E.NOTE_ADDED}), _P.ORDERS_NOTE, _note, "note"),
        Action("cancel", "Cancel order", frozenset({_E.ORDER_CANCELLED}), _P.ORDERS_CANCEL, _cancel, "reason", is_danger=True),
    )
}  # fmt: skip


def offered(state: OrderState, may: Callable[[Permission], bool]) -> list[Action]:
    """The actions that this state and this person allow, in their order on the page."""
    allowed = allowed_events(state)
    return [action for action in ACTIONS.values() if action.events & allowed and may(action.permission)]
