"""What a member of staff asked to be done to one order: the form, read with care."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from werkzeug.datastructures import MultiDict

from orders.domain.errors import InvalidRequest, Problem
from orders.domain.events import Actor
from orders.domain.ids import OrderId, Sku
from webapp.console.shop_time import from_shop_time


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

    def moment(self, name: str) -> datetime | None:
        """A moment as a browser's field gives it in the shop's time, None for an empty field. Raises InvalidRequest."""
        return parse_moment(self.text(name, 40), f"/{name}")


def parse_moment(typed: str, pointer: str) -> datetime | None:
    """`2026-11-24T09:00` on the shop's clock as a moment in UTC, None for nothing. Raises InvalidRequest."""
    if not typed:
        return None
    try:
        return from_shop_time(datetime.fromisoformat(typed))
    except ValueError:
        raise InvalidRequest([Problem(pointer, "choose a day and a time")]) from None
