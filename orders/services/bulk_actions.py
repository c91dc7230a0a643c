"""What may be done to many orders at once: each by the same use case as for one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from orders.domain.errors import InvalidRequest, Problem
from orders.domain.events import Actor
from orders.domain.ids import OrderId
from orders.ports import OrderRecord, Reservation
from orders.services.cancel_order import cancel_order
from orders.services.desk import OrderDesk
from orders.services.hold_order import hold_order, release_order
from orders.services.ship_order import Parcel, deliver_order, start_picking
from orders.services.whereabouts import add_tracking_of_place, ship_from_each_place


@dataclass(frozen=True, slots=True)
class Task:
    """One order of a bulk job. `command_id` is the same at every repeat, so that nothing is done twice.

    `reservation` tells in which warehouses the pieces lie; a shop with one warehouse needs none.
    """

    order_id: OrderId
    command_id: str
    actor: Actor
    options: Mapping[str, Any]
    reservation: Reservation | None = None

    @property
    def reason(self) -> str:
        """Why, for the timeline."""
        return str(self.options.get("reason", ""))


def _hold(desk: OrderDesk, task: Task) -> OrderRecord:
    return hold_order(
        desk,
        task.order_id,
        command_id=task.command_id,
        actor=task.actor,
        hold_reason=str(task.options.get("hold_reason", "manual")),
        reason=task.reason,
    )


def _release(desk: OrderDesk, task: Task) -> OrderRecord:
    return release_order(
        desk, task.order_id, command_id=task.command_id, actor=task.actor, reason=task.reason
    )


def _pick(desk: OrderDesk, task: Task) -> OrderRecord:
    return start_picking(desk, task.order_id, command_id=task.command_id, actor=task.actor)


def _unpick(desk: OrderDesk, task: Task) -> OrderRecord:
    return start_picking(desk, task.order_id, command_id=task.command_id, actor=task.actor, is_stopped=True)


def _ship(desk: OrderDesk, task: Task) -> OrderRecord:
    return ship_from_each_place(
        desk,
        task.order_id,
        task.reservation,
        carrier=str(task.options.get("carrier", ""))[:40],
        shipment_id=task.command_id,
        actor=task.actor,
    )


def _track(desk: OrderDesk, task: Task) -> OrderRecord:
    # A job that the release before began has the one parcel itself as its options.
    for said in task.options.get("parcels") or [task.options]:
        parcel = Parcel(
            {},
            str(said.get("carrier", "")),
            str(said["tracking_number"]),
            str(said.get("tracking_url", "")),
            str(said.get("warehouse", "")),
        )
        record = add_tracking_of_place(
            desk, task.order_id, task.reservation, parcel, command_id=task.command_id, actor=task.actor
        )
    return record


def _deliver(desk: OrderDesk, task: Task) -> OrderRecord:
    return deliver_order(desk, task.order_id, command_id=task.command_id, actor=task.actor)


def _cancel(desk: OrderDesk, task: Task) -> OrderRecord:
    return cancel_order(desk, task.order_id, command_id=task.command_id, actor=task.actor, reason=task.reason)


BULK_ACTIONS: Mapping[str, Callable[[OrderDesk, Task], OrderRecord]] = {
    "pick": _pick,
    "unpick": _unpick,
    "ship": _ship,
    "track": _track,
    "deliver": _deliver,
    "hold": _hold,
    "release": _release,
    "cancel": _cancel,
}

OWN_OPTIONS = frozenset({"track"})
"""Actions that need something of each order's own beside what belongs to all."""

LEAVING = frozenset({"ship", "track"})
"""Actions that need to know where the pieces of each order lie."""

UNDONE_BY: Mapping[str, str] = {"hold": "release", "release": "hold", "pick": "unpick", "unpick": "pick"}
"""What takes an action back, where the state machine has a way back at all."""


def perform(desk: OrderDesk, action: str, task: Task) -> OrderRecord:
    """Do one action to one order, once per command id; returns the order as it is then. Raises Refused when it cannot be,
    Unavailable to try again."""
    if action not in BULK_ACTIONS:
        raise InvalidRequest([Problem("/action", f"no bulk action {action}")])
    return BULK_ACTIONS[action](desk, task)
