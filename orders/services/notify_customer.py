"""Telling the shopper what happened: each (order, event, channel) at most once (promise I11)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Protocol

from orders.domain.errors import CartwrightError, OutcomeUnknown
from orders.domain.events import NOTIFIED, EventType
from orders.domain.ids import OrderId
from orders.failpoints import failpoint
from orders.ports import Clock, EmailMessage, Notifier, TrackingStore

log = logging.getLogger(__name__)

CHANNELS = ("email", "sms")


class Renderer(Protocol):
    """Turns an event (messages.event_to_dict) into what the shopper reads."""

    def email(self, event: Mapping[str, Any]) -> EmailMessage:
        """The e-mail."""
        ...

    def sms(self, event: Mapping[str, Any]) -> str:
        """The text message."""
        ...


def notify_customer(
    event: Mapping[str, Any],
    *,
    tracking: TrackingStore,
    notifier: Notifier,
    renderer: Renderer,
    clock: Clock,
    is_sms_enabled: bool,
) -> list[str]:
    """Tell the shopper over every channel that is wanted and was not used for this event; returns those channels.

    A definite failure gives the claim back and is raised after the other channels had their turn, so that a retry
    sends the rest. When the outcome is unknown the claim stays: better no message than two.
    """
    sent: list[str] = []
    failure: CartwrightError | None = None
    for channel in channels_wanted(event, is_sms_enabled=is_sms_enabled):
        try:
            if _send_once(channel, event, tracking, notifier, renderer, clock):
                sent.append(channel)
        except CartwrightError as error:
            failure = error
    if failure is not None:
        raise failure
    return sent


def channels_wanted(event: Mapping[str, Any], *, is_sms_enabled: bool) -> list[str]:
    """The channels of one event: e-mail unless refused, texts only for who opted in and gave a number.

    The confirmation goes by e-mail whatever was chosen: it is the shopper's record of the contract
    (Directive 2011/83/EU, article 8(7)).
    """
    order = event["order"]
    if event["event"] not in NOTIFIED:
        return []
    preferences = order.get("notify") or {}
    wants_sms = is_sms_enabled and order.get("wants_sms") and order.get("phone")
    wanted = {
        "email": bool(order.get("email"))
        and (event["event"] == EventType.ORDER_CONFIRMED or preferences.get("email", True)),
        "sms": bool(wants_sms) and preferences.get("sms", True),
    }
    return [channel for channel in CHANNELS if wanted[channel]]


def _send_once(
    channel: str,
    event: Mapping[str, Any],
    tracking: TrackingStore,
    notifier: Notifier,
    renderer: Renderer,
    clock: Clock,
) -> bool:
    order_id, kind = OrderId(event["order_id"]), _ledger_name(event)
    facts = {"order_id": order_id, "notified_event": kind, "channel": channel}
    # Rendered before the claim: a template that fails has not used up the one chance to send.
    email = renderer.email(event) if channel == "email" else None
    text = renderer.sms(event) if channel == "sms" else ""
    if not tracking.claim_notification(order_id, kind, channel, clock.now()):
        log.info("notification_already_claimed", extra=facts)
        return False
    try:
        failpoint("notify.after_claim")
        if email is not None:
            provider_id = notifier.send_email(email)
        else:
            provider_id = notifier.send_sms(event["order"]["phone"], text, _tags(event))
    except OutcomeUnknown as error:
        log.error("notification_outcome_unknown", extra={**facts, "reason": str(error)})
        return False
    except CartwrightError:
        tracking.release_notification(order_id, kind, channel)
        raise
    failpoint("notify.after_send")
    tracking.finish_notification(order_id, kind, channel, clock.now(), provider_id)
    log.info("notification_sent", extra={**facts, "provider_id": provider_id})
    return True


def _tags(event: Mapping[str, Any]) -> dict[str, str]:
    """What ties a message to its order and to the request that caused it; the e-mail's renderer sets the same."""
    return {name: str(event.get(name, "")) for name in ("event", "order_id", "correlation_id")}


def _ledger_name(event: Mapping[str, Any]) -> str:
    """What the ledger knows this event by. The version tells the second partial shipment from the first."""
    return f"{event['event']}@{event['version']}" if event.get("version") else str(event["event"])
