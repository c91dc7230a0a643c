"""The actions of staff, each one call of a use case of the core: what the form says, and nothing decided here."""

from __future__ import annotations

from orders.domain.errors import InvalidRequest, Problem, VersionConflict
from orders.domain.events import EventType
from orders.domain.ids import Sku
from orders.domain.request import Address
from orders.domain.risk import HoldKind
from orders.ports import OrderRecord
from orders.services.cancel_order import cancel_order
from orders.services.capture_payment import ask_for_money
from orders.services.change_address import add_note, change_address
from orders.services.desk import OrderDesk
from orders.services.hold_order import hold_lines, hold_order, release_lines, release_order
from orders.services.refund_order import Refund, refund_order
from orders.services.return_order import RETURN_REASONS, decide_return, receive_return, request_return
from orders.services.ship_order import Parcel, deliver_order, ship_order, start_picking
from webapp.console.amounts import parse_amount
from webapp.console.fulfilment.parts import chosen_place
from webapp.console.orders.wish import Wish

HOLD_REASONS = tuple(str(kind) for kind in HoldKind)


def hold(desk: OrderDesk, wish: Wish) -> OrderRecord:
    """Hold the order, for a time or until somebody lets it go."""
    return hold_order(
        desk,
        wish.order_id,
        command_id=wish.command_id,
        actor=wish.actor,
        hold_reason=wish.one_of("hold_reason", HOLD_REASONS),
        reason=wish.text("reason"),
        until=wish.moment("until"),
        expected_version=wish.version,
    )


def hold_some(desk: OrderDesk, wish: Wish) -> OrderRecord:
    """Hold some lines while the others go on."""
    return hold_lines(
        desk,
        wish.order_id,
        [Sku(sku) for sku in wish.form.getlist("line")],
        command_id=wish.command_id,
        actor=wish.actor,
        hold_reason=wish.one_of("hold_reason", HOLD_REASONS),
        reason=wish.text("reason"),
        until=wish.moment("until"),
        expected_version=wish.version,
    )


def release_some(desk: OrderDesk, wish: Wish) -> OrderRecord:
    """Let one held line go."""
    return release_lines(
        desk,
        wish.order_id,
        [Sku(wish.needed("line", "which line?", 64))],
        command_id=wish.command_id,
        actor=wish.actor,
        reason=wish.text("reason"),
        expected_version=wish.version,
    )


def release(desk: OrderDesk, wish: Wish) -> OrderRecord:
    """Let the order go on."""
    return release_order(
        desk,
        wish.order_id,
        command_id=wish.command_id,
        actor=wish.actor,
        reason=wish.text("reason"),
        expected_version=wish.version,
    )


def pick(desk: OrderDesk, wish: Wish, *, is_stopped: bool = False) -> OrderRecord:
    """Start or stop picking."""
    return start_picking(
        desk,
        wish.order_id,
        command_id=wish.command_id,
        actor=wish.actor,
        is_stopped=is_stopped,
        expected_version=wish.version,
    )


def ship(desk: OrderDesk, wish: Wish) -> OrderRecord:
    """Ship the pieces of the form as one parcel."""
    lines = wish.pieces("ship")
    if not lines:
        raise InvalidRequest([Problem("/lines", "put at least one piece into the parcel")])
    url = wish.text("tracking_url")
    if url and not url.startswith(("https://", "http://")):
        raise InvalidRequest([Problem("/tracking_url", "a link begins with https://")])
    place = chosen_place(wish.text("warehouse", 40))
    parcel = Parcel(lines, wish.text("carrier", 40), wish.text("tracking_number", 80), url, place)
    return ship_order(
        desk,
        wish.order_id,
        parcel,
        shipment_id=wish.command_id,
        actor=wish.actor,
        expected_version=wish.version,
    )


def capture(desk: OrderDesk, wish: Wish) -> OrderRecord:
    """Have the money taken again."""
    return ask_for_money(
        desk,
        wish.order_id,
        command_id=wish.command_id,
        actor=wish.actor,
        reason=wish.text("reason"),
        expected_version=wish.version,
    )


def deliver(desk: OrderDesk, wish: Wish) -> OrderRecord:
    """Everything arrived."""
    return deliver_order(
        desk, wish.order_id, command_id=wish.command_id, actor=wish.actor, expected_version=wish.version
    )


def cancel(desk: OrderDesk, wish: Wish) -> OrderRecord:
    """Cancel, and tell a second clerk that somebody else did."""
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


def refund(desk: OrderDesk, wish: Wish) -> OrderRecord:
    """Pay back pieces, the delivery or an amount."""
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


def address(desk: OrderDesk, wish: Wish) -> OrderRecord:
    """Deliver to another address."""
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


def note(desk: OrderDesk, wish: Wish) -> OrderRecord:
    """Leave a note."""
    return add_note(
        desk,
        wish.order_id,
        wish.needed("text", "write something", 2000),
        command_id=wish.command_id,
        actor=wish.actor,
        is_public="is_public" in wish.form,
    )


def return_(desk: OrderDesk, wish: Wish) -> OrderRecord:
    """Register a return."""
    return request_return(
        desk,
        wish.order_id,
        wish.pieces("return"),
        return_id=wish.command_id,
        actor=wish.actor,
        reason=wish.one_of("return_reason", RETURN_REASONS),
        comment=wish.text("comment"),
        expected_version=wish.version,
    )


def decide(desk: OrderDesk, wish: Wish, *, is_approved: bool) -> OrderRecord:
    """Approve or reject a return."""
    return decide_return(
        desk,
        wish.order_id,
        return_id=wish.needed("return_id", "which return?", 80),
        actor=wish.actor,
        is_approved=is_approved,
        reason=wish.text("reason") if is_approved else wish.needed("reason", "tell the shopper why"),
        command_id=wish.command_id,
        expected_version=wish.version,
    )


def receive(desk: OrderDesk, wish: Wish) -> OrderRecord:
    """Book what came back."""
    return receive_return(
        desk,
        wish.order_id,
        return_id=wish.needed("return_id", "which return?", 80),
        actor=wish.actor,
        restocked=wish.pieces("restock"),
        written_off=wish.pieces("write_off"),
        command_id=wish.command_id,
        expected_version=wish.version,
    )
