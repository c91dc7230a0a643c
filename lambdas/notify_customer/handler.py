"""The Lambda behind the notify queue: order events become e-mails and text messages."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from lambdas.notify_customer.rendering import JinjaRenderer
from lambdas.runtime import Runtime, before_snapshot, runtime
from orders.domain.errors import CartwrightError
from orders.messages import decode_event
from orders.observability import accept_correlation_id
from orders.services.notify_customer import notify_customer

log = logging.getLogger(__name__)


def handle(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Handle a batch of SQS records and report those that failed, so that only they come again."""
    run = _runtime()
    failed = [record["messageId"] for record in event.get("Records", ()) if not _is_handled(record, run)]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _is_handled(record: Mapping[str, Any], run: Runtime) -> bool:
    """One record: the outermost loop of this function. One bad message must not stop its neighbours."""
    started = time.monotonic()
    outcome, facts = "failed", {"message_id": record.get("messageId", "")}
    try:
        payload = decode_event(record["body"])
        accept_correlation_id(payload.get("correlation_id"))
        facts |= {"order_id": payload["order_id"], "notified_event": payload["event"]}
        sent = notify_customer(
            payload,
            tracking=run.tracking,
            notifier=run.notifier,
            renderer=JinjaRenderer(run.settings.shop_name, run.settings.public_url),
            clock=run.clock,
            is_sms_enabled=run.settings.sms_enabled,
        )
        outcome, facts["channels"] = "done", ",".join(sent)
    except CartwrightError as error:
        facts["reason"] = f"{error.code}: {error}"
        log.warning("notification_failed", extra=facts)
    except Exception:
        log.exception("notification_failed", extra=facts)
    log.info(
        "message",
        extra={**facts, "outcome": outcome, "duration_ms": round((time.monotonic() - started) * 1000, 1)},
    )
    return outcome == "done"


def _runtime() -> Runtime:
    return runtime("notify_customer", "tracking_table", "public_url")


def _prepare() -> object:
    run = _runtime()
    return run.tracking, run.notifier


before_snapshot(_prepare)
