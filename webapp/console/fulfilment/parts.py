"""An order whose pieces lie in several warehouses, part by part: which there are, and which one is being packed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orders.domain.ids import Sku
from orders.services.ship_order import free_to_ship, left_to_ship
from orders.services.whereabouts import Whereabouts
from webapp.console.orders.reading import OrderFile
from webapp.console.warehouses.names import in_order, known_place, place_name

EVERYWHERE = "*"
"""What a form says when the pieces of all places were brought together into one parcel: no code has a star."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What may leave now. `by_place` is empty for an order that lies in the main warehouse: no page tells of places then.

    `chosen` is the place whose pieces are being packed: a code, EVERYWHERE, or nothing.
    """

    by_place: Whereabouts
    chosen: str
    pieces: Mapping[Sku, int]

    @property
    def is_spread(self) -> bool:
        """Whether there is more than one place to choose from."""
        return len(self.by_place) > 1


def parts_of(file: OrderFile, wanted: str) -> Parts:
    """The parts of an order, with the wanted one chosen, or the first that has something."""
    free = free_to_ship(file.record)
    by_place = {
        place: mine
        for place in in_order(file.lies)
        if (mine := {sku: count for sku, count in file.lies[place].items() if sku in free})
    }
    if not by_place:
        return Parts({}, "", free)
    if wanted == EVERYWHERE:
        return Parts(by_place, EVERYWHERE, free)
    chosen = wanted if wanted in by_place else next(iter(by_place))
    return Parts(by_place, chosen, by_place[chosen])


def slips_of(
    file: OrderFile, shipment_id: str, wanted: str
) -> Sequence[tuple[str, Mapping[Sku, int] | None]]:
    """What an order's packing slips say, as (place, pieces), None for all that is left: the slip of one parcel; of what is
    still to ship, one for each warehouse where it lies, or for the wanted one; of an order that is gone, its last parcel's."""
    sent = [one for one in file.shipments if one.id == shipment_id]
    if not sent and not left_to_ship(file.record):
        sent = list(file.shipments[-1:])
    if sent:
        return [(place_name(one.warehouse) if one.warehouse else "", one.lines) for one in sent]
    if wanted == EVERYWHERE or not file.lies:
        return [("", None)]
    chosen = [wanted] if wanted in file.lies else in_order(file.lies)
    return [(place_name(code), file.lies[code]) for code in chosen]


def chosen_place(said: str) -> str:
    """The warehouse of a form as a parcel names it: nothing for an order of one place, and for pieces that were brought
    together. Raises InvalidRequest."""
    return known_place(said, "/warehouse") if said and said != EVERYWHERE else ""
