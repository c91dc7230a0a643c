"""The address book: a customer's own addresses, one of them offered first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from orders.domain.errors import NotFound, Refused
from orders.domain.ids import uuid7
from webapp.account.models import Customer, SavedAddress
from webapp.extensions import db
from webapp.languages import _
from webapp.wiring import wiring

MOST_ADDRESSES = 30


class BookFull(Refused):
    """The address book holds no more."""

    code = "address_book_full"


def all_of(customer_id: str) -> Sequence[SavedAddress]:
    """A customer's addresses, the one that is offered first in front."""
    return db.session.scalars(
        select(SavedAddress)
        .where(SavedAddress.customer_id == customer_id)
        .order_by(SavedAddress.is_default.desc(), SavedAddress.id.desc())
    ).all()


def find(customer_id: str, address_id: UUID, *, lock: bool = False) -> SavedAddress:
    """One of a customer's own addresses. Raises NotFound for another's, as for one that is not there."""
    statement = select(SavedAddress).where(
        SavedAddress.id == address_id, SavedAddress.customer_id == customer_id
    )
    found = db.session.scalar(statement.with_for_update() if lock else statement)
    if found is None:
        raise NotFound("no such address")
    return found


def offered(customer_id: str) -> SavedAddress | None:
    """The address that a form is filled with."""
    return next(iter(all_of(customer_id)), None)


def save(customer_id: str, address: Mapping[str, Any], *, is_default: bool = False) -> None:
    """Add an address; one that is in the book already is not added again. Raises BookFull. The caller commits."""
    _take_turns(customer_id)
    known = all_of(customer_id)
    same = next((saved for saved in known if saved.address == dict(address)), None)
    if same is None and len(known) >= MOST_ADDRESSES:
        raise BookFull(
            _("The address book holds %(count)s addresses; delete one first.", count=MOST_ADDRESSES)
        )
    if is_default:
        _none_first(customer_id)
    if same is not None:
        same.is_default = same.is_default or is_default
        return
    now = wiring().clock.now()
    db.session.add(
        SavedAddress(
            id=UUID(uuid7(now)),
            customer_id=customer_id,
            address=dict(address),
            is_default=is_default or not known,
            created_at=now,
        )
    )


def change(saved: SavedAddress, address: Mapping[str, Any], *, is_default: bool) -> None:
    """Replace an address of the book. The caller commits."""
    _take_turns(saved.customer_id)
    if is_default:
        _none_first(saved.customer_id)
    saved.address, saved.is_default = dict(address), is_default


def remove(customer_id: str, address_id: UUID) -> None:
    """Take an address out of the book. Raises NotFound. The caller commits."""
    db.session.delete(find(customer_id, address_id, lock=True))


def count(customer_id: str) -> int:
    """How many there are."""
    statement = select(func.count()).where(SavedAddress.customer_id == customer_id)
    return db.session.scalar(statement) or 0


def _take_turns(customer_id: str) -> None:
    """Two windows change the book one after the other: the customer's row is the lock."""
    db.session.execute(select(Customer.id).where(Customer.id == customer_id).with_for_update())


def _none_first(customer_id: str) -> None:
    db.session.execute(
        update(SavedAddress)
        .where(SavedAddress.customer_id == customer_id, SavedAddress.is_default)
        .values(is_default=False)
    )
    db.session.flush()
