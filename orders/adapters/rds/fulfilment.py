"""The part of the order book that keeps shipments and returns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from orders.adapters.rds.base import table_of
from orders.adapters.rds.fulfilment_models import ReturnLine, ReturnRow, ShipmentLine, ShipmentRow
from orders.domain.ids import OrderId, Sku
from orders.ports import ReturnRecord, ReturnStatus, Shipment

_SHIPMENTS, _SHIPMENT_LINES = table_of(ShipmentRow), table_of(ShipmentLine)
_RETURNS, _RETURN_LINES = table_of(ReturnRow), table_of(ReturnLine)


class Fulfilment:
    """Shipments and returns on one connection; SqlOrderTransaction builds on it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add_shipment(self, shipment: Shipment) -> bool:
        """Lines only with a new parcel."""
        values = {name: getattr(shipment, name) for name in _SHIPMENT_NAMES}
        statement = (
            insert(_SHIPMENTS).on_conflict_do_nothing(index_elements=["id"]).returning(_SHIPMENTS.c.id)
        )
        if self.connection.execute(statement, values).first() is None:
            return False
        self.connection.execute(
            insert(_SHIPMENT_LINES),
            [
                {"shipment_id": shipment.id, "sku": sku, "quantity": quantity}
                for sku, quantity in shipment.lines.items()
            ],
        )
        return True

    def save_shipment(self, shipment: Shipment) -> None:
        """Its lines and its id stay."""
        values = {name: getattr(shipment, name) for name in _SHIPMENT_CHANGES}
        self.connection.execute(update(_SHIPMENTS).where(_SHIPMENTS.c.id == shipment.id).values(**values))

    def find_shipment(self, carrier: str, tracking_number: str) -> Shipment | None:
        """By the index of tracking numbers, which leaves out the empty ones."""
        found = select(_SHIPMENTS).where(
            _SHIPMENTS.c.tracking_number == tracking_number,
            _SHIPMENTS.c.tracking_number != "",
            _SHIPMENTS.c.carrier == carrier,
        )
        row = self.connection.execute(found.order_by(_SHIPMENTS.c.shipped_at).limit(1)).mappings().first()
        if row is None:
            return None
        values = {name: row[name] for name in _SHIPMENT_NAMES} | {"order_id": OrderId(str(row["order_id"]))}
        return Shipment(**values, lines={})

    def shipments(self, order_id: OrderId) -> Sequence[Shipment]:
        """By time."""
        parcels = self.connection.execute(_GET_SHIPMENTS, {"order_id": order_id}).mappings().all()
        lines: dict[str, dict[Sku, int]] = defaultdict(dict)
        for row in self.connection.execute(_GET_SHIPMENT_LINES, {"order_id": order_id}):
            lines[row.shipment_id][Sku(row.sku)] = row.quantity
        return [
            Shipment(
                **{**{name: row[name] for name in _SHIPMENT_NAMES}, "order_id": order_id},
                lines=lines[row["id"]],
            )
            for row in parcels
        ]

    def save_return(self, record: ReturnRecord) -> None:
        """Insert, or update what may change."""
        values = {name: getattr(record, name) for name in _RETURN_NAMES} | {"status": str(record.status)}
        changes = {name: values[name] for name in ("status", "decided_at", "received_at")}
        statement = insert(_RETURNS).values(**values)
        self.connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changes))
        rows = [
            {
                "return_id": record.id,
                "sku": sku,
                "quantity": quantity,
                "restocked": record.restocked.get(sku, 0),
                "written_off": record.written_off.get(sku, 0),
            }
            for sku, quantity in record.lines.items()
        ]
        line = insert(_RETURN_LINES)
        self.connection.execute(
            line.on_conflict_do_update(
                index_elements=["return_id", "sku"],
                set_={"restocked": line.excluded.restocked, "written_off": line.excluded.written_off},
            ),
            rows,
        )

    def returns(self, order_id: OrderId) -> Sequence[ReturnRecord]:
        """By time of the request."""
        found = self.connection.execute(_GET_RETURNS, {"order_id": order_id}).mappings().all()
        lines: dict[str, list[Any]] = defaultdict(list)
        for row in self.connection.execute(_GET_RETURN_LINES, {"order_id": order_id}):
            lines[row.return_id].append(row)
        return [
            ReturnRecord(
                **{
                    **{name: row[name] for name in _RETURN_NAMES},
                    "order_id": order_id,
                    "status": ReturnStatus(row["status"]),
                },
                lines={Sku(line.sku): line.quantity for line in lines[row["id"]]},
                restocked={Sku(line.sku): line.restocked for line in lines[row["id"]] if line.restocked},
                written_off={
                    Sku(line.sku): line.written_off for line in lines[row["id"]] if line.written_off
                },
            )
            for row in found
        ]


_SHIPMENT_CHANGES = ("carrier", "tracking_number", "tracking_url", "delivered_at")
_SHIPMENT_NAMES = ("id", "order_id", "shipped_at", "warehouse", *_SHIPMENT_CHANGES)
_RETURN_NAMES = (
    "id",
    "order_id",
    "status",
    "reason",
    "comment",
    "requested_at",
    "decided_at",
    "received_at",
)
_GET_SHIPMENTS = (
    select(_SHIPMENTS)
    .where(_SHIPMENTS.c.order_id == bindparam("order_id"))
    .order_by(_SHIPMENTS.c.shipped_at, _SHIPMENTS.c.id)
)
_GET_SHIPMENT_LINES = (
    select(_SHIPMENT_LINES)
    .join(_SHIPMENTS, _SHIPMENTS.c.id == _SHIPMENT_LINES.c.shipment_id)
    .where(_SHIPMENTS.c.order_id == bindparam("order_id"))
)
_GET_RETURNS = (
    select(_RETURNS)
    .where(_RETURNS.c.order_id == bindparam("order_id"))
    .order_by(_RETURNS.c.requested_at, _RETURNS.c.id)
)
_GET_RETURN_LINES = (
    select(_RETURN_LINES)
    .join(_RETURNS, _RETURNS.c.id == _RETURN_LINES.c.return_id)
    .where(_RETURNS.c.order_id == bindparam("order_id"))
)
