"""print_papers: packing slips and invoices of many orders in one PDF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from orders.adapters.rds.bulk_jobs import MOST_PAPERS, BulkBook
from orders.adapters.rds.engine import database_errors
from orders.adapters.rds.job_files import add_part, finish_file
from orders.domain.errors import Poison
from orders.domain.ids import OrderId, Sku
from orders.ports import JobMessage, OrderRecord
from orders.services.ship_order import left_to_ship
from orders.services.whereabouts import is_elsewhere, lying
from worker.context import JobContext
from worker.registry import job
from worker.retry import Retry

PAPERS = {"slip": ("slip",), "invoice": ("invoice",), "both": ("slip", "invoice")}


@job("low", timeout=300, retry=Retry(max_attempts=5, first_seconds=2, factor=2))
def print_papers(context: JobContext, message: JobMessage) -> None:
    """Draw the papers of a bulk job's orders, oldest first, into one file: all of it in one go, once."""
    if context.engine is None:
        raise Poison("papers need the database")
    job_id, book = UUID(str(message.payload["bulk_id"])), BulkBook(context.engine)
    work = book.find(job_id)
    if work is None:
        raise Poison(f"no bulk job {job_id}")
    wanted = book.pending(job_id, MOST_PAPERS)
    if not wanted:
        return
    with context.desk.book.transaction() as tx:
        records = tx.get_orders(wanted)
    kinds = PAPERS.get(str(work.options.get("papers", "slip")), PAPERS["slip"])
    # Drawn seldom, and fpdf with fontTools is a fifth of what the program imports: not at its start.
    from orders.adapters.papers.order_papers import pile

    parcels = parcels_of(context, records) if "slip" in kinds else {}
    content = pile(records, context.desk.settings.shop_name, kinds, parcels)
    now = context.desk.clock.now()
    with database_errors("the papers"), context.engine.begin() as connection:
        add_part(connection, job_id, 0, content, rows=len(records), cursor="", at=now)
        finish_file(connection, job_id, now)


def parcels_of(
    context: JobContext, records: Sequence[OrderRecord]
) -> Mapping[OrderId, Sequence[tuple[str, Mapping[Sku, int]]]]:
    """A slip for each warehouse where pieces of an order lie. A shop with one warehouse knows without asking."""
    names = {each.code: each.name for each in context.inventory.warehouses()}
    if len(names) < 2:
        return {}
    found = context.inventory.find_reservations([record.order_id for record in records])
    parcels: dict[OrderId, Sequence[tuple[str, Mapping[Sku, int]]]] = {}
    with context.desk.book.transaction() as tx:
        for record in records:
            reservation = found.get(record.order_id)
            left = left_to_ship(record)
            if left and is_elsewhere(reservation):
                parts = lying(record, reservation, tx.shipments(record.order_id), left)
                parcels[record.order_id] = [(names.get(code, code), lines) for code, lines in parts.items()]
    return parcels
