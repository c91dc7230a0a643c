"""A checkout and its row: found by one statement, kept by one that compares versions.

What is found here belongs to no session: only `keep` writes it, and only what was changed. An order finds and keeps its
checkout fifteen times, and a unit of work around each took more than all its pages (docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple, cast
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import Table, inspect
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import make_transient, make_transient_to_detached

from orders.adapters.rds.engine import json_text
from orders.adapters.rds.statements import run_together
from orders.domain.errors import VersionConflict
from webapp import statements
from webapp.checkout.models import Checkout
from webapp.extensions import db

_TABLE = cast(Table, Checkout.__table__)
_COLUMNS = tuple(column.name for column in _TABLE.columns)
_JSON = frozenset(column.name for column in _TABLE.columns if isinstance(column.type, JSONB))

Values = Mapping[str, Any]


class Along(NamedTuple):
    """A statement that is done along with keeping a checkout, and not done when that fails: `... WHERE EXISTS (SELECT FROM
    kept)`. Its values have names of their own."""

    statement: str
    values: Values


def find(checkout_id: UUID) -> Checkout | None:
    """The checkout of this id, whoever asks: for who has been let in already."""
    return _found(_BY_ID, {"id": checkout_id})


def get(checkout_id: UUID) -> Checkout:
    """The checkout of this id, which is there."""
    found = find(checkout_id)
    if found is None:
        raise LookupError(f"there is no checkout {checkout_id}")
    return found


def find_unfinished(cart_id: UUID) -> Checkout | None:
    """The one checkout of this cart that is neither placed nor abandoned."""
    return _found(_UNFINISHED, {"cart": cart_id})


def find_latest(cart_id: UUID) -> Checkout | None:
    """The newest checkout of this cart, whatever became of it."""
    return _found(_LATEST, {"cart": cart_id})


def find_of_cart(checkout_id: UUID, cart_id: UUID) -> Checkout | None:
    """A checkout by its id, only for the cart that it belongs to."""
    return _found(_OF_CART, {"id": checkout_id, "cart": cart_id})


def add(values: Values) -> Checkout | None:
    """A new checkout of a cart; None when the cart has an unfinished one, which the partial unique index decides."""
    return _found(_inserting(tuple(values)), _written(values))


def keep(checkout: Checkout, now: datetime, *along: Along, first: Along | None = None) -> None:
    """Write what was changed, count the change, and do what goes along with it, all or nothing. Commits.

    A page that was drawn before is out of date then. `first` is a lock that the rest needs, in the same transaction.
    Raises VersionConflict when another window or process has changed the checkout since it was read: nothing was done.
    """
    was = checkout.version
    checkout.version = was + 1
    checkout.updated_at = now
    changed = _changed(checkout)
    statement = _keeping(changed, tuple(each.statement for each in along))
    values = _written({name: getattr(checkout, name) for name in changed})
    values |= {"kept_id": checkout.id, "kept_version": was}
    for each in along:
        values |= each.values
    if statements.is_in_transaction():
        if first is not None:
            statements.rows(first.statement, first.values)
        kept = statements.rows(statement, values)
    elif first is not None:
        kept = run_together(db.engine, first, (statement, values))
    else:
        kept = statements.rows(statement, values)
    if not kept:
        db.session.rollback()
        raise VersionConflict("this order was changed in another window")
    if statements.is_in_transaction():
        db.session.commit()
    _as_read(checkout)


def detached(checkout: Checkout) -> Checkout:
    """A checkout that SQLAlchemy has read, out of its session."""
    db.session.expunge(checkout)
    return checkout


# --- rows and objects ---------------------------------------------------------------------------------------


def _found(statement: str, values: Values) -> Checkout | None:
    row = statements.one(statement, values)
    if row is None:
        return None
    checkout = Checkout()
    checkout.__dict__.update(zip(_COLUMNS, row, strict=True))
    make_transient_to_detached(checkout)
    return checkout


def _changed(checkout: Checkout) -> tuple[str, ...]:
    unmodified = inspect(checkout).unmodified
    return tuple(name for name in _COLUMNS if name not in unmodified)


def _as_read(checkout: Checkout) -> None:
    """What it says now is what is in its row."""
    make_transient(checkout)
    make_transient_to_detached(checkout)


def _written(values: Values) -> dict[str, Any]:
    return {name: _as_parameter(name, value) for name, value in values.items()}


def _as_parameter(name: str, value: Any) -> Any:
    if name in _JSON and value is not None:
        return Jsonb(value, json_text)
    return str(value) if isinstance(value, StrEnum) else value  # psycopg would write an enumeration's name.


# --- statements ---------------------------------------------------------------------------------------------

_ALL = sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))


def _selecting(condition: str) -> str:
    return sql.SQL("SELECT {} FROM checkouts WHERE ").format(_ALL).as_string() + condition


_BY_ID = _selecting("id = %(id)s")
_OF_CART = _selecting("id = %(id)s AND cart_id = %(cart)s")
_UNFINISHED = _selecting("cart_id = %(cart)s AND status NOT IN ('placed', 'abandoned')")
_LATEST = _selecting("cart_id = %(cart)s ORDER BY id DESC LIMIT 1")


@lru_cache(64)
def _inserting(names: tuple[str, ...]) -> str:
    return (
        sql.SQL("INSERT INTO checkouts ({}) VALUES ({}) ON CONFLICT DO NOTHING RETURNING {}")
        .format(
            sql.SQL(", ").join(map(sql.Identifier, names)),
            sql.SQL(", ").join(map(sql.Placeholder, names)),
            _ALL,
        )
        .as_string()
    )


@lru_cache(256)
def _keeping(names: tuple[str, ...], along: tuple[str, ...]) -> str:
    """The UPDATE of these columns, with what goes along; a row comes back when the version was the one that was read."""
    sets = [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in names]
    kept = sql.SQL(
        "WITH kept AS (UPDATE checkouts SET {} WHERE id = %(kept_id)s AND version = %(kept_version)s RETURNING id)"
    ).format(sql.SQL(", ").join(sets))
    parts = [
        sql.SQL(", {} AS (").format(sql.Identifier(f"along_{number}")) + sql.SQL(each) + sql.SQL(")")
        for number, each in enumerate(along)
    ]
    return sql.Composed([kept, *parts, sql.SQL(" SELECT id FROM kept")]).as_string()
