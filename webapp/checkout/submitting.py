"""The steps of a placing that talk to the order API: hand the order over, and take its yes or its no.

Each returns whether another step may follow at once. A checkout that comes here is leased (leases.py).
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Any

from orders.domain.errors import (
    IdempotencyConflict,
    InvalidRequest,
    OrderRefused,
    OutcomeUnknown,
    Unavailable,
)
from orders.domain.ids import OrderId
from orders.failpoints import failpoint
from orders.messages import encode_order_request, restore_order_request
from orders.observability import correlation_id
from webapp.cart import queries as cart
from webapp.checkout import attempts
from webapp.checkout.leases import save
from webapp.checkout.models import Checkout, CheckoutStatus
from webapp.checkout.store import Along
from webapp.languages import N_
from webapp.wiring import Wiring

log = logging.getLogger(__name__)


def submit(checkout: Checkout, parts: Wiring) -> bool:
    """Take up an order whose money is held: hand it to the order API, or ask what became of it."""
    is_answer_lost = checkout.submitted_at is not None
    if not is_answer_lost:
        checkout.submitted_at = parts.clock.now()
        save(checkout, parts)
    return hand_over(checkout, parts, is_answer_lost=is_answer_lost)


def hand_over(checkout: Checkout, parts: Wiring, *, is_answer_lost: bool = False) -> bool:
    """Hand the order to the order API: `submitted_at` is committed. `is_answer_lost` when somebody may have done so before."""
    order_id = OrderId(str(checkout.id))
    try:
        if is_answer_lost and parts.order_api.find(order_id) is not None:
            return placed(checkout, parts)
        body = encode_order_request(restore_order_request(checkout.request or {}))
        correlation_id.set(checkout.correlation_id or correlation_id.get())
        parts.order_api.submit(order_id, body, attempt=checkout.attempts, is_answer_lost=is_answer_lost)
        failpoint("checkout.after_submit")
    except OrderRefused as error:
        refusals = [asdict(line) for line in error.lines]
        return refused(checkout, parts, N_("Part of your order cannot be had as it was."), refusals)
    except OutcomeUnknown as error:
        log.warning("submit_unknown", extra={"order_id": order_id, "reason": str(error)[:200]})
        return False
    except Unavailable as error:
        log.warning("submit_unavailable", extra={"order_id": order_id, "reason": str(error)[:200]})
        if is_answer_lost:
            return False
        return refused(
            checkout,
            parts,
            N_("We cannot take orders at this moment. Nothing was charged and your cart is kept."),
            [],
        )
    except (InvalidRequest, IdempotencyConflict) as error:
        log.error("submit_invalid", extra={"order_id": order_id, "reason": str(error)[:500]})
        if isinstance(error, IdempotencyConflict) and parts.order_api.find(order_id) is not None:
            return placed(checkout, parts)
        return refused(
            checkout,
            parts,
            N_(
                "The order could not be taken; this is our mistake. Nothing was charged and your cart is kept."
            ),
            [],
        )
    return placed(checkout, parts)


def placed(checkout: Checkout, parts: Wiring) -> bool:
    ordered = {line["sku"]: line["quantity"] for line in (checkout.request or {})["lines"]}
    checkout.status = CheckoutStatus.PLACED
    checkout.payment_token = checkout.notice = ""
    checkout.refusals = []
    values = cart.what_was_ordered(checkout.cart_id, ordered, parts.clock.now())
    save(checkout, parts, Along(cart.TAKING_OUT, values, cart.LOCKING), is_last=True)
    log.info("order_submitted", extra={"order_id": str(checkout.id)})
    return False


def refused(checkout: Checkout, parts: Wiring, notice: str, refusals: list[dict[str, Any]]) -> bool:
    checkout.status = CheckoutStatus.REFUSED
    checkout.notice, checkout.refusals = notice, refusals
    amount_minor = (checkout.request or {})["total_minor"]
    save(
        checkout,
        parts,
        attempts.recorded(checkout, "void", amount_minor, parts.payments.name, parts.clock.now()),
    )
    return True
