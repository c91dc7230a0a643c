"""Stripe's webhooks: the signature checked by its own library, and what of an event matters to us."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import stripe

from orders.domain.errors import Refused

TOLERANCE_SECONDS = 300
"""An event signed longer ago is a replay; Stripe signs anew for each delivery."""


class Heed(StrEnum):
    """What an event asks of us."""

    LOOK_AGAIN = "look_again"
    """Something moved on a payment page: ask Stripe how the payment stands."""
    DISPUTE = "dispute"
    """The cardholder disputes the payment with the bank."""
    REFUND_FAILED = "refund_failed"
    """Money that was paid back did not arrive."""


_HEEDED = {
    "checkout.session.completed": Heed.LOOK_AGAIN,
    "checkout.session.expired": Heed.LOOK_AGAIN,
    "payment_intent.amount_capturable_updated": Heed.LOOK_AGAIN,
    "payment_intent.canceled": Heed.LOOK_AGAIN,
    "charge.dispute.created": Heed.DISPUTE,
    "refund.failed": Heed.REFUND_FAILED,
}


@dataclass(frozen=True, slots=True)
class StripeEvent:
    """An event that Stripe surely sent. Its contents are a hint: what counts is what Stripe answers when it is asked.

    `order_id` is empty where Stripe does not know it; `reference` then names the payment. `heed` is None for an event
    that means nothing to us.
    """

    id: str
    kind: str
    heed: Heed | None
    order_id: str
    reference: str


def read_event(body: bytes, signature: str, secret: str) -> StripeEvent:
    """The event of a webhook's body. Raises Refused for a signature that is wrong or too old, or a body that is no event."""
    if not secret:
        raise Refused("no webhook secret is set: nothing can be believed")
    try:
        event = stripe.Webhook.construct_event(body, signature, secret, TOLERANCE_SECONDS)
        thing: dict[str, Any] = event.data.object.to_dict()
    except (ValueError, AttributeError, KeyError, TypeError, stripe.SignatureVerificationError) as error:
        raise Refused("not signed by Stripe") from error
    metadata = thing.get("metadata") or {}
    reference = thing.get("payment_intent") or (
        thing.get("id") if thing.get("object") == "payment_intent" else ""
    )
    return StripeEvent(
        id=str(event.id),
        kind=str(event.type),
        heed=_HEEDED.get(event.type),
        order_id=str(metadata.get("order_id") or thing.get("client_reference_id") or ""),
        reference=str(reference or ""),
    )
