"""`python -m orders.doctor.after_restore`: the book was restored to an earlier time; make the other stores agree with it.

The inventory and the tracking table know of a later time than the book. What can be told again is told again; what
cannot is named, order by order, and never quietly dropped. The programs must not run meanwhile. It may be run again.

    python -m orders.doctor.after_restore                     tell again, and list what is lost
    python -m orders.doctor.after_restore --give-back FILE    and then write the lost orders to FILE and give their stock back
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from orders.adapters.aws import make_client
from orders.adapters.dynamodb.items import order_key
from orders.adapters.dynamodb.table import Table
from orders.doctor.__main__ import open_shop
from orders.domain.errors import Unavailable
from orders.domain.ids import OrderId
from orders.ports import InventoryStore, OrderBook, OrderQueue, Reservation, TrackingStore
from orders.services.rebuild import rebuild_tracking, views
from orders.settings import Settings, SettingsError


class Memory(Protocol):
    """Forgets what the stores hold of one order; only a restore may do that."""

    def forget_view(self, order_id: OrderId) -> None:
        """Delete the shopper's view. The ledger of what the shopper was told stays: nobody is told twice."""
        ...

    def forget_reservation(self, order_id: OrderId) -> None:
        """Delete the reservation with its idempotency record: the same id may then be ordered anew."""
        ...


@dataclass(frozen=True, slots=True)
class LostOrder:
    """An order that was accepted and confirmed, and of which the restored book knows nothing."""

    order_id: OrderId
    accepted_at: datetime
    state: str
    lines: Mapping[str, int]
    total_of_lines_minor: int
    currency: str
    correlation_id: str
    is_shipped: bool
    """Pieces of it left the house: a person must enter it again, its stock cannot be given back."""


@dataclass
class Reconciled:
    """What was done, and what a person must decide."""

    views_forgotten: int = 0
    views_projected: int = 0
    sent_again: list[OrderId] = field(default_factory=list)
    lost: list[LostOrder] = field(default_factory=list)


def reconcile(
    book: OrderBook, inventory: InventoryStore, tracking: TrackingStore, queue: OrderQueue, memory: Memory
) -> Reconciled:
    """Make tracking say what the book says, and send accepted orders again of which the book knows nothing.

    A reservation keeps its message until the order is recorded. One that was recorded after the time of the restore has
    none any more, so its addresses and its payment's reference are gone: those orders are returned as lost. Raises
    Unavailable; a repeat goes on from there.
    """
    done = Reconciled()
    versions = {view.order_id: view.version for view in views(book)}
    for view in list(tracking.all_views()):
        if view.version > versions.get(view.order_id, view.version):
            # The projection refuses to go back in time, as it should: an older view is otherwise a late message.
            memory.forget_view(view.order_id)
            done.views_forgotten += 1
    done.views_projected = rebuild_tracking(book, tracking).written
    for reservation in inventory.all_reservations():
        if reservation.order_id in versions:
            continue
        if reservation.message:
            queue.send(reservation.message, queue="orders")
            inventory.mark_sent(reservation.order_id, reservation.state)
            done.sent_again.append(reservation.order_id)
        else:
            done.lost.append(_lost(reservation))
    done.lost.sort(key=lambda order: order.accepted_at)
    return done


def give_back(lost: Sequence[LostOrder], inventory: InventoryStore, memory: Memory) -> int:
    """Give the stock of lost orders back and forget them. Returns how many; shipped ones are left to a person."""
    given = 0
    for order in lost:
        if order.is_shipped:
            continue
        inventory.release(order.order_id)
        memory.forget_view(order.order_id)
        memory.forget_reservation(order.order_id)
        given += 1
    return given


def _lost(reservation: Reservation) -> LostOrder:
    pieces: dict[str, int] = {}
    for line in reservation.lines:
        pieces[line.sku] = pieces.get(line.sku, 0) + line.quantity
    return LostOrder(
        order_id=reservation.order_id,
        accepted_at=reservation.accepted_at,
        state=reservation.state.value,
        lines=pieces,
        total_of_lines_minor=sum(line.quantity * line.unit_price_minor for line in reservation.lines),
        currency=reservation.currency,
        correlation_id=reservation.correlation_id,
        is_shipped=any(line.shipped for line in reservation.lines),
    )


class DynamoMemory:
    """Memory over the tables that the settings name."""

    def __init__(self, client: Any, settings: Settings) -> None:
        self._inventory = Table(client, settings.inventory_table, "pk")
        self._tracking = Table(client, settings.tracking_table, "order_id")

    def forget_view(self, order_id: OrderId) -> None:
        """See Memory."""
        self._tracking.delete(order_id)

    def forget_reservation(self, order_id: OrderId) -> None:
        """See Memory."""
        self._inventory.delete(order_key(order_id))


def main(words: Sequence[str]) -> int:
    """Exit code 0: nothing is lost, or it was written down and given back. 1: orders are lost. 2: a store is away."""
    parser = argparse.ArgumentParser("python -m orders.doctor.after_restore", description=__doc__)
    parser.add_argument(
        "--give-back", type=Path, metavar="FILE", help="write lost orders here, give stock back"
    )
    chosen = parser.parse_args(words)
    try:
        settings = Settings.from_environment(os.environ)
        stores, tools = open_shop(settings)
    except SettingsError as error:
        print(f"The settings are wrong: {error}", file=sys.stderr)  # noqa: T201
        return 2
    memory = DynamoMemory(make_client("dynamodb", settings), settings)
    try:
        done = reconcile(tools.book, tools.inventory, tools.tracking, tools.queue, memory)
        report = json.dumps([asdict(order) for order in done.lost], indent=1, default=str)
        if chosen.give_back and done.lost:
            # On disk before anything is forgotten: this list is all that is left of them.
            with chosen.give_back.open("x", encoding="utf-8") as file:
                file.write(report + "\n")
            given = give_back(done.lost, tools.inventory, memory)
            print(f"{given} lost orders are in {chosen.give_back}, and their stock is for sale")  # noqa: T201
    except Unavailable as error:
        print(f"A store cannot be reached: {error}", file=sys.stderr)  # noqa: T201
        return 2
    except FileExistsError:
        print(f"{chosen.give_back} is there already, and nothing was given back", file=sys.stderr)  # noqa: T201
        return 2
    finally:
        stores.engine.dispose()
    print(  # noqa: T201
        f"{done.views_forgotten} views were newer than the book, {done.views_projected} projected, "
        f"{len(done.sent_again)} orders sent again, {len(done.lost)} lost"
    )
    if not chosen.give_back:
        print(report)  # noqa: T201
    return 1 if any(order.is_shipped or not chosen.give_back for order in done.lost) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
