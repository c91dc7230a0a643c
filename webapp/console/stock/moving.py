"""What staff do to the stock of one SKU, as a form says it: deliveries, corrected counts, transfers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from werkzeug.datastructures import MultiDict

from orders.domain.errors import InvalidRequest, Problem
from orders.domain.inventory import MAIN
from webapp.console.stock.sheet import MOST_PIECES
from webapp.console.warehouses.names import known_place

Form = MultiDict[str, str]
REASONS = ("supplier", "counted", "damaged", "found", "sample", "other")
TRANSFER_REASONS = ("to where it sells", "to ship together", "making room", "other")


@dataclass(frozen=True, slots=True)
class Movement:
    """Pieces more in a warehouse, or fewer when negative. `kind` is restock or adjust."""

    movement_id: str
    kind: str
    pieces: int
    reason: str
    warehouse: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """Pieces from one warehouse to another."""

    movement_id: str
    pieces: int
    reason: str
    origin: str
    destination: str


def read_movement(form: Form) -> Movement:
    """A delivery or a corrected count; in the main warehouse when the form asks for none. Raises InvalidRequest."""
    kind = form.get("kind", "")
    if kind not in {"restock", "adjust"}:
        raise InvalidRequest([Problem("/kind", "choose what happened")])
    pieces = _whole(form)
    if pieces == 0 or abs(pieces) > MOST_PIECES or (kind == "restock" and pieces < 0):
        raise InvalidRequest([Problem("/pieces", "type how many pieces; only a correction may be negative")])
    reason = _reason(form, REASONS)
    warehouse = known_place(form["warehouse"], "/warehouse") if "warehouse" in form else MAIN
    return Movement(_movement_id(form), kind, pieces, reason, warehouse)


def read_transfer(form: Form) -> Transfer:
    """A transfer between two warehouses. Raises InvalidRequest."""
    pieces = _whole(form)
    if not 0 < pieces <= MOST_PIECES:
        raise InvalidRequest([Problem("/pieces", "type how many pieces move")])
    reason = _reason(form, TRANSFER_REASONS)
    origin = known_place(form.get("origin", ""), "/origin")
    destination = known_place(form.get("destination", ""), "/destination")
    if origin == destination:
        raise InvalidRequest([Problem("/destination", "choose two different warehouses")])
    return Transfer(_movement_id(form), pieces, reason, origin, destination)


def _movement_id(form: Form) -> str:
    """What makes a form move its pieces once."""
    return f"console:{form.get('movement_id', '')[:60]}"


def _whole(form: Form) -> int:
    try:
        return int(form.get("pieces", ""))
    except ValueError:
        raise InvalidRequest([Problem("/pieces", "type a whole number of pieces")]) from None


def _reason(form: Form, known: Sequence[str]) -> str:
    reason = form.get("reason", "")
    if reason not in known:
        raise InvalidRequest([Problem("/reason", "choose a reason")])
    note = form.get("note", "").strip()[:200]
    return f"{reason}: {note}" if note else reason
