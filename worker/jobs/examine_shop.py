"""examine_shop: the doctor looks at every store and, when asked to, repairs what it can."""

from __future__ import annotations

import time
from typing import Any

from orders.doctor.__main__ import open_shop
from orders.doctor.diagnosis import diagnose
from orders.doctor.reading import read
from orders.doctor.repairs import repair
from orders.doctor.report import as_data
from orders.ports import JobMessage
from worker.context import JobContext
from worker.registry import job
from worker.retry import Retry

SETTLE_SECONDS = 10.0
MOST_FINDINGS = 500


@job("low", timeout=300, keeps_result=True, retry=Retry(max_attempts=2))
def examine_shop(context: JobContext, message: JobMessage) -> dict[str, Any]:
    """Examine the shop and return the report. With `repair` in the payload the findings of these subjects are mended."""
    stores, tools = open_shop(context.desk.settings)
    diagnosis = diagnose(lambda: read(stores), settle_seconds=SETTLE_SECONDS, wait=time.sleep)
    report = as_data(diagnosis)
    report["findings_total"] = len(report["findings"])
    report["findings"] = report["findings"][:MOST_FINDINGS]
    wanted = set(message.payload.get("repair", ()))
    if wanted:
        done = [repair(finding, tools) for finding in diagnosis.all if finding.subject in wanted]
        report["repairs"] = [
            {"subject": one.finding.subject, "is_done": one.is_done, "detail": one.detail} for one in done
        ]
    return report
