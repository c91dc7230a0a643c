"""Labels: bought from a carrier once, kept with the order, printed as often as the printer jams."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from orders.adapters.rds.label_models import LabelRow
from orders.domain.errors import TransitionRefused
from orders.domain.ids import order_number
from orders.ports import Carrier, OrderRecord
from orders.services.ship_order import free_to_ship


def buy_label(
    session: Session,
    carrier: Carrier,
    record: OrderRecord,
    *,
    label_id: str,
    sender: str,
    by: str,
    now: datetime,
) -> LabelRow:
    """The label of an order's next parcel, once per `label_id`; the caller commits.

    Raises TransitionRefused when nothing may leave the house, Refused or Unavailable as the carrier does.
    """
    known = session.get(LabelRow, label_id)
    if known is not None:
        return known
    if record.state.is_final or record.state.is_held or not free_to_ship(record):
        raise TransitionRefused("nothing of this order may leave the house now")
    made = carrier.make_label(
        idempotency_key=label_id,
        reference=order_number(record.order_id),
        sender=sender,
        recipient=record.request.shipping_address,
    )
    values = {
        "id": label_id, "order_id": UUID(record.order_id), "carrier": made.carrier,
        "tracking_number": made.tracking_number, "tracking_url": made.tracking_url, "document": made.document,
        "created_at": now, "created_by": by[:80],
    }  # fmt: skip
    session.execute(insert(LabelRow).values(**values).on_conflict_do_nothing(index_elements=["id"]))
    return session.scalars(select(LabelRow).where(LabelRow.id == label_id)).one()


def chosen_label(session: Session, order_id: UUID, label_id: str) -> Mapping[str, str]:
    """Carrier, number and link of one of the order's labels, for the fields of a form; empty for none."""
    row = session.get(LabelRow, label_id) if label_id else None
    if row is None or row.order_id != order_id:
        return {}
    return {"carrier": row.carrier, "tracking_number": row.tracking_number, "tracking_url": row.tracking_url}
