"""The staff's journal of stock movements: the rows of the audit that say who moved how many pieces, and why.

The console writes them (webapp/console/stock); the doctor compares them with what the inventory applied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, DateTime, Engine, Text, column, exists, literal, select, table
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from orders.adapters.rds.engine import database_errors
from orders.domain.ids import Sku
from orders.domain.inventory import StockMovement

BY_STAFF = ("console:", "sheet:")
"""How the ids of the staff's movements begin; others are the catalogue's and the programs' own."""
_ACTIONS = table(
    "staff_actions",
    column("at", DateTime(timezone=True)),
    column("action", Text),
    column("subject", Text),
    column("detail", JSONB),
    column("reason", Text),
)
_ID = _ACTIONS.c.detail["movement_id"].astext


def journaled(connection: Connection) -> Mapping[str, StockMovement]:
    """Every movement that the journal tells of, by its id."""
    statement = select(
        _ACTIONS.c.at, _ACTIONS.c.subject, _ID.label("id"), _ACTIONS.c.detail["pieces"].label("pieces")
    )
    return {
        row.id: StockMovement(row.id, Sku(row.subject.removeprefix("sku:")), int(row.pieces), row.at)
        for row in connection.execute(statement.where(_ACTIONS.c.action.like("stock.%"), _ID.is_not(None)))
    }


def told_of(connection: Connection | Session, skus: Sequence[Sku]) -> set[str]:
    """The ids of the movements of these SKUs that the journal tells of already: a form may be sent twice."""
    subjects = [f"sku:{sku}" for sku in skus]
    return set(connection.scalars(select(_ID).where(_ACTIONS.c.subject.in_(subjects), _ID.is_not(None))))


class StaffJournal:
    """Writes what is missing in the journal."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, movement: StockMovement, reason: str) -> None:
        """Enter a movement of which nobody's name is known, once. Raises Unavailable."""
        facts = {"movement_id": movement.id, "pieces": movement.pieces}
        row = select(
            literal(movement.at, DateTime(timezone=True)),
            literal("stock.found"),
            literal(f"sku:{movement.sku}"),
            literal(facts, JSONB),
            literal(reason),
        ).where(~exists(select(literal(1)).select_from(_ACTIONS).where(movement.id == _ID)))
        with database_errors("the staff's journal"), self._engine.begin() as connection:
            connection.execute(_ACTIONS.insert().from_select(list(_ACTIONS.c), row))
