"""print_papers: packing slips and invoices of many orders in one PDF."""

from __future__ import annotations

from uuid import UUID

from orders.adapters.rds.bulk_jobs import MOST_PAPERS, BulkBook
from orders.adapters.rds.engine import database_errors
from orders.adapters.rds.job_files import add_part, finish_file
from orders.domain.errors import Poison
from orders.ports import JobMessage
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

    content = pile(records, context.desk.settings.shop_name, kinds)
    now = context.desk.clock.now()
    with database_errors("the papers"), context.engine.begin() as connection:
        add_part(connection, job_id, 0, content, rows=len(records), cursor="", at=now)
        finish_file(connection, job_id, now)
