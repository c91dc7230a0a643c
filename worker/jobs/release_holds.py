"""release_holds: what was held for a time goes on by itself when the time is over."""

from __future__ import annotations

import logging

from orders.ports import JobMessage
from orders.services.hold_order import release_due
from worker.context import JobContext
from worker.registry import job

log = logging.getLogger(__name__)


@job("low", timeout=60, every=30)
def release_holds(context: JobContext, message: JobMessage) -> None:
    """Let orders and lines go on whose hold has ended; any number of workers may look at once."""
    released = release_due(context.desk)
    if released:
        log.info("holds_released", extra={"orders": released})
