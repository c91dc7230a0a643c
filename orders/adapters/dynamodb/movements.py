"""What orders do to stock: each movement in one transaction with its marker or with the state of its order, so that it happens once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from orders.adapters.dynamodb.items import (
    line_items,
    milliseconds,
    move_key,
    order_key,
    reservation_of,
    shard_of,
    stock_key,
)
from orders.adapters.dynamodb.table import Action, ConditionFailed, Deadline, Table, TransactionCancelled
from orders.domain.errors import CartwrightError, NotFound, Refused
from orders.domain.ids import OrderId, Sku
from orders.domain.inventory import MovementKind, ReservationState, ReservedLine, choose_lines
from orders.ports import Clock, Reservation

_HOLDING = "#available = #available + :quantity, #reserved = #reserved - :quantity, #updated_at = :now"
_SHIP = "#reserved = #reserved - :quantity, #sold = #sold + :quantity, #updated_at = :now"
_TAKE_BACK = "#sold = #sold - :quantity, #available = #available + :quantity, #updated_at = :now"
_OFF_THE_INDEXES = "REMOVE #outbox_shard, #expiry_shard, #message"


class Movements:
    """Everything that moves pieces after they were reserved."""

    def __init__(self, inventory: Table, clock: Clock) -> None:
        self._inventory = inventory
        self._clock = clock

    # --- the end of a reservation -----------------------------------------------------------------------------

    def expire(self, order_id: OrderId, message: str, at: datetime) -> bool:
        """See ports.InventoryStore.expire, without the tracking view."""
        return self._give_back(
            order_id,
            {ReservationState.RESERVED},
            "SET #state = :state, #revision = #revision + :one, #message = :message, "
            "#outbox_shard = :shard, #outbox_at = :at REMOVE #expiry_shard",
            state=ReservationState.EXPIRED,
            message=message,
            shard=shard_of(order_id),
            at=milliseconds(at),
        )

    def release(self, order_id: OrderId) -> None:
        """See ports.InventoryStore.release."""
        given_back = self._give_back(
            order_id,
            {ReservationState.RESERVED, ReservationState.CONFIRMED},
            f"SET #state = :state, #revision = #revision + :one {_OFF_THE_INDEXES}",
            state=ReservationState.RELEASED,
        )
        if given_back:
            return
        try:
            self._inventory.update(order_key(order_id), _OFF_THE_INDEXES, "attribute_exists(#pk)")
        except ConditionFailed as error:
            raise NotFound(f"no reservation of order {order_id}") from error

    def _give_back(
        self, order_id: OrderId, when: set[ReservationState], update: str, **values: str | int
    ) -> bool:
        """Move what the order holds back to available and update its item. False when its state is not in `when`."""
        deadline = Deadline()
        while True:
            item = self._inventory.get(order_key(order_id))
            if item is None or item["state"] not in when:
                return False
            held = [line for line in reservation_of(item).lines if line.held]
            actions = [
                self._inventory.change(
                    item["pk"], update, "#revision = :revision", revision=item["revision"], one=1, **values
                ),
                *(self._move(line, line.held, _HOLDING, "#reserved >= :quantity") for line in held),
            ]
            try:
                self._inventory.transact(actions, deadline)
                return True
            except TransactionCancelled as cancelled:
                _check_order_moved_on(cancelled, order_id)
            deadline.back_off()

    # --- shipments and returns ----------------------------------------------------------------------------------

    def reduce(self, order_id: OrderId, change_id: str, wanted: Mapping[Sku, int]) -> None:
        """See ports.InventoryStore.reduce."""

        def move(reservation: Reservation) -> list[tuple[ReservedLine, int]]:
            return (
                choose_lines(reservation.lines, wanted, lambda line: line.held)
                if reservation.holds_stock
                else []
            )

        def after(line: ReservedLine, pieces: int) -> ReservedLine:
            return replace(line, quantity=line.quantity - pieces)

        marker = move_key(change_id, MovementKind.RELEASE)
        self._move_lines(order_id, marker, move, after, _HOLDING, "#reserved >= :quantity")

    def ship(self, order_id: OrderId, shipment_id: str, wanted: Mapping[Sku, int], warehouse: str) -> None:
        """See ports.InventoryStore.ship."""

        def move(reservation: Reservation) -> list[tuple[ReservedLine, int]]:
            if not reservation.holds_stock:
                raise Refused(f"order {order_id} is {reservation.state} and holds nothing to ship")
            return choose_lines(reservation.lines, wanted, lambda line: line.held, warehouse)

        def after(line: ReservedLine, pieces: int) -> ReservedLine:
            return replace(line, shipped=line.shipped + pieces)

        marker = move_key(shipment_id, MovementKind.SHIP)
        self._move_lines(order_id, marker, move, after, _SHIP, "#reserved >= :quantity")

    def take_back(self, order_id: OrderId, return_id: str, wanted: Mapping[Sku, int]) -> None:
        """See ports.InventoryStore.take_back."""

        def move(reservation: Reservation) -> list[tuple[ReservedLine, int]]:
            return choose_lines(reservation.lines, wanted, lambda line: line.shipped - line.returned)

        def after(line: ReservedLine, pieces: int) -> ReservedLine:
            return replace(line, returned=line.returned + pieces)

        marker = move_key(return_id, MovementKind.TAKE_BACK)
        self._move_lines(order_id, marker, move, after, _TAKE_BACK, "#sold >= :quantity")

    def _move_lines(
        self,
        order_id: OrderId,
        marker: str,
        move: Callable[[Reservation], list[tuple[ReservedLine, int]]],
        after: Callable[[ReservedLine, int], ReservedLine],
        update: str,
        condition: str,
    ) -> None:
        deadline = Deadline()
        while True:
            found = self._inventory.get_many([order_key(order_id), marker])
            if marker in found:
                return
            if order_key(order_id) not in found:
                raise NotFound(f"no reservation of order {order_id}")
            item = found[order_key(order_id)]
            reservation = reservation_of(item)
            moves = move(reservation)
            pieces = {(line.sku, line.counter): count for line, count in moves}
            lines = [after(line, pieces.get((line.sku, line.counter), 0)) for line in reservation.lines]
            actions = [
                self._inventory.change(
                    item["pk"],
                    "SET #lines = :lines, #revision = #revision + :one",
                    "#revision = :revision",
                    lines=line_items(lines),
                    one=1,
                    revision=item["revision"],
                ),
                self._marker(marker, order_id),
                *(self._move(line, count, update, condition) for line, count in moves),
            ]
            try:
                self._inventory.transact(actions, deadline)
                return
            except TransactionCancelled as cancelled:
                if cancelled.reasons[1].is_condition:
                    return
                _check_order_moved_on(cancelled, order_id)
            deadline.back_off()

    def _marker(self, key: str, order_id: OrderId) -> Action:
        """What applies a movement once."""
        applied_at = milliseconds(self._clock.now())
        return self._inventory.put_if_absent({"pk": key, "order_id": order_id, "applied_at": applied_at})

    def _move(self, line: ReservedLine, pieces: int, update: str, condition: str) -> Action:
        return self._inventory.change(
            stock_key(line.sku, line.counter),
            f"SET {update}",
            condition,
            quantity=pieces,
            now=milliseconds(self._clock.now()),
        )


def _check_order_moved_on(cancelled: TransactionCancelled, order_id: OrderId) -> None:
    """Return when the order changed since it was read: its counters then may have changed with it.

    A counter that does not hold what an unchanged order reserved on it is a defect, and no retry mends it.
    """
    if not cancelled.reasons[0].is_condition:
        raise CartwrightError(f"a counter does not hold what order {order_id} reserved on it") from cancelled
