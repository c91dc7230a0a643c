"""The list of warehouses as staff change it: read from a form, checked, and written only over the list that was seen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

from sqlalchemy import text
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from orders.countries import COUNTRY_NAMES
from orders.domain.errors import InvalidRequest, NotFound, Problem, Refused, VersionConflict
from orders.domain.inventory import MAIN
from orders.domain.warehouses import Warehouse, is_warehouse_code
from orders.ports import InventoryStore

LONGEST_NAME = 40
List = tuple[Warehouse, ...]
_LOCK = 0x57485345
"""Key of the advisory lock: the store takes a whole list and knows no condition, so changes of it queue up here."""


def fingerprint(warehouses: Sequence[Warehouse]) -> str:
    """What a form tells of the list that its reader saw."""
    known = json.dumps([asdict(each) for each in warehouses], sort_keys=True)
    return hashlib.sha256(known.encode()).hexdigest()[:20]


def change_list(
    session: Session, inventory: InventoryStore, seen: str, change: Callable[[List], Sequence[Warehouse]]
) -> List:
    """Put the changed list in place of the one that was seen; returns it. One change at a time, until the caller commits.

    Raises VersionConflict when somebody changed the list meanwhile, Refused and InvalidRequest as `change` does.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    current = tuple(inventory.warehouses())
    if fingerprint(current) != seen:
        raise VersionConflict("the warehouses were changed since you opened this page")
    after = tuple(change(current))
    # What the audit says is in the database before the list is changed: it is not changed without a trace.
    session.flush()
    inventory.set_warehouses(after)
    return after


def read_warehouse(code: str, form: MultiDict[str, str], others: Sequence[Warehouse]) -> Warehouse:
    """The warehouse of a form. Raises InvalidRequest, naming every field at fault."""
    problems: list[Problem] = []
    if not is_warehouse_code(code):
        problems.append(
            Problem("/code", "a small letter, then small letters, digits and hyphens, 16 at most")
        )
    elif any(each.code == code for each in others):
        problems.append(Problem("/code", f"there is a warehouse “{code}” already"))
    name = " ".join(form.get("name", "").split())
    if not 0 < len(name) <= LONGEST_NAME:
        problems.append(Problem("/name", f"give it a name of at most {LONGEST_NAME} letters"))
    elif any(each.name.casefold() == name.casefold() for each in others):
        problems.append(Problem("/name", f"another warehouse is called “{name}”"))
    countries = dict.fromkeys(form.get("countries", "").upper().replace(",", " ").split())
    unknown = [one for one in countries if one not in COUNTRY_NAMES]
    if unknown:
        problems.append(
            Problem(
                "/countries",
                f"“{unknown[0][:20]}” is no country: name countries by their two letters, such as DK, SE",
            )
        )
    if problems:
        raise InvalidRequest(problems)
    return Warehouse(code, name, tuple(countries))


def place_of(warehouses: Sequence[Warehouse], code: str) -> int:
    """Which one of the list it is. Raises NotFound."""
    for index, each in enumerate(warehouses):
        if each.code == code:
            return index
    raise NotFound(f"no warehouse {code}")


def moved(warehouses: List, code: str, *, is_up: bool) -> List:
    """The list with one warehouse a place earlier or later; at the end of the list it stays where it is."""
    index = place_of(warehouses, code)
    other = max(0, index - 1) if is_up else min(len(warehouses) - 1, index + 1)
    after = list(warehouses)
    after[index], after[other] = after[other], after[index]
    return tuple(after)


def without(warehouses: List, code: str, inventory: InventoryStore) -> List:
    """The list without an empty warehouse. Raises Refused for the main one, and while pieces lie there."""
    gone = warehouses[place_of(warehouses, code)]
    if code == MAIN:
        raise Refused(f"{gone.name} stays: stock that names no place lies there")
    # Reads every SKU: a warehouse is closed once in years.
    levels = [level.at(code) for level in inventory.all_levels()]
    available, reserved = sum(one.available for one in levels), sum(one.reserved for one in levels)
    if available or reserved:
        raise Refused(
            f"{gone.name} is not empty: {available} pieces are available there and {reserved} reserved for orders. "
            "Transfer or ship them first"
        )
    return tuple(each for each in warehouses if each.code != code)
