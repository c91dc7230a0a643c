"""Where Stripe tells what happened on its pages: believed only when signed, and safe to hear twice, late or in any order.

An event moves nothing by itself: the checkout asks Stripe how the payment stands (placing.advance), the order's book takes
each event once (its inbox).
"""

from __future__ import annotations

import logging
from uuid import UUID

from flask import Blueprint, Response, abort, request
from sqlalchemy import select

from orders.adapters.payments.stripe_events import Heed, StripeEvent, read_event
from orders.adapters.rds.models import PaymentAttemptRow
from orders.adapters.rds.order_book import SqlOrderBook
from orders.domain.errors import NotFound, Refused
from orders.domain.ids import OrderId, is_order_id
from orders.services.desk import OrderDesk
from orders.services.heed_provider import heed_dispute, heed_failed_refund
from webapp.checkout import placing
from webapp.checkout.models import IN_FLIGHT, Checkout
from webapp.extensions import csrf, db
from webapp.rate_limit import limited
from webapp.wiring import wiring

log = logging.getLogger(__name__)
bp = Blueprint("stripe_webhook", __name__)


@bp.post("/webhooks/stripe")
@csrf.exempt  # type: ignore[untyped-decorator]
@limited("stripe", burst=300, per_seconds=60)
def receive() -> Response:
    """Take one event. 204 when it is done or means nothing to us, 400 when it is not Stripe's, 404 when its order is not
    known (yet): Stripe then sends it again, for three days."""
    try:
        event = read_event(
            request.get_data(),
            request.headers.get("Stripe-Signature", ""),
            wiring().settings.stripe_webhook_secret,
        )
    except Refused as refused:
        log.warning("stripe_event_refused", extra={"reason": str(refused)})
        abort(400, "This is not signed by Stripe.")
    log.info("stripe_event", extra={"event_id": event.id, "kind": event.kind})
    if event.heed is not None:
        _heed(event, _order_of(event))
    return Response(status=204)


def _heed(event: StripeEvent, order_id: OrderId) -> None:
    if event.heed is Heed.LOOK_AGAIN:
        checkout = db.session.get(Checkout, UUID(order_id))
        db.session.commit()
        if checkout is not None and checkout.status in IN_FLIGHT:
            placing.advance(checkout.id, wiring())
        return
    parts = wiring()
    desk = OrderDesk(SqlOrderBook(db.engine), parts.clock, parts.settings)
    heed = heed_dispute if event.heed is Heed.DISPUTE else heed_failed_refund
    try:
        heed(desk, order_id, event_id=event.id, provider="stripe")
    except NotFound:
        abort(404, "This order is not known here.")


def _order_of(event: StripeEvent) -> OrderId:
    """The order that an event is about: as we told Stripe, or by the payment's name in our attempts."""
    if is_order_id(event.order_id):
        return OrderId(event.order_id)
    query = select(PaymentAttemptRow.order_id).where(PaymentAttemptRow.reference == event.reference).limit(1)
    found = db.session.scalar(query) if event.reference else None
    db.session.commit()
    if found is None:
        abort(404, "This payment is not known here.")
    return OrderId(str(found))
