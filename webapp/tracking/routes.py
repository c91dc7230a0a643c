"""Order path 9/9: the order's page by signed link: confirmation, details, and a status that moves by itself."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator

from flask import Blueprint, Flask, Response, abort, current_app, render_template, request
from werkzeug.exceptions import ServiceUnavailable

from orders import links
from orders.domain.errors import Unavailable
from orders.domain.ids import OrderId, order_number
from orders.ports import TrackingView
from webapp.account.order_access import actions_for
from webapp.extensions import db
from webapp.languages import Language, _, current_language, speaking
from webapp.rate_limit import check_rate
from webapp.statements import is_in_transaction
from webapp.tracking.hub import HubFull, Listener, TrackingHub
from webapp.tracking.queries import Told, find_order, view_from_checkout
from webapp.tracking.story import story
from webapp.wiring import wiring

bp = Blueprint("tracking", __name__)
log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 15.0
"""Shorter than every idle timeout on the way (ALB 60 s, CloudFront 30 s): the stream is never taken for dead."""
LONGEST_STREAM_SECONDS = 1800.0
"""Then the browser is let reconnect, so that streams move to new hosts after a deployment."""


@bp.record_once
def _make_hub(state: object) -> None:
    app: Flask = state.app  # type: ignore[attr-defined]
    app.extensions["cartwright-tracking-hub"] = TrackingHub(app.extensions["cartwright"].tracking)


@bp.get("/orders/<token>")
def order(token: str) -> Response | str:
    """The order's page, for whoever holds its link."""
    return order_page(_order_of(token), token)


def order_page(order_id: OrderId, token: str) -> Response | str:
    """The page of an order, by link or by account: the caller has checked who asks."""
    told = find_order(order_id)
    view, is_live = (told.view, _hub().is_answered) if told.view else _projected(order_id, told)
    if view is None and told.details is None:
        abort(404, _("This order is not known here. If you placed it a moment ago, reload in a few seconds."))
    actions = actions_for(told.row)
    if is_in_transaction():
        db.session.rollback()
    page = "tracking/details.html" if request.args.get("part") == "details" else "tracking/order.html"
    return render_template(
        page,
        token=token,
        number=order_number(order_id),
        story=story(view) if view else None,
        is_live=is_live,
        details=told.details,
        actions=actions,
    )


@bp.get("/orders/<token>/live")
def live(token: str) -> Response:
    """The stream of an order's states (server-sent events); `Last-Event-ID` or `?since=` says what the page has."""
    order_id = _order_of(token)
    check_rate("live", burst=60, per_seconds=60)
    since = request.headers.get("Last-Event-ID") or request.args.get("since") or "0"
    hub = _hub()
    try:
        listener = hub.listen(order_id, int(since) if since.isdecimal() and len(since) < 10 else 0)
    except HubFull:
        raise ServiceUnavailable(
            _("Live updates are busy; reload the page instead."), retry_after=30
        ) from None
    response = Response(_stream(hub, listener, current_language()), mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # nginx must hand on every event at once.
    response.call_on_close(lambda: hub.leave(listener))
    return response


def _stream(hub: TrackingHub, listener: Listener, language: Language) -> Iterator[str]:
    # No request or database session is held here: a stream lives for half an hour. So its language is handed in.
    ends_at = time.monotonic() + LONGEST_STREAM_SECONDS
    yield "retry: 2000\n\n"
    try:
        while time.monotonic() < ends_at:
            view = listener.wait(HEARTBEAT_SECONDS)
            yield _event(view, language) if view else ": still here\n\n"
    except EOFError:
        return
    finally:
        hub.leave(listener)


def _event(view: TrackingView, language: Language) -> str:
    with speaking(language):
        told = story(view)
    data = json.dumps(told, separators=(",", ":"), ensure_ascii=False)
    return f"id: {view.version}\nevent: moved\ndata: {data}\n\n"


def _order_of(token: str) -> OrderId:
    order_id = links.read(token, links.keys_of(wiring().settings)) if len(token) <= 64 else None
    if order_id is None:
        abort(
            404,
            _("This link does not open an order. It may have been cut; copy the whole link from the e-mail."),
        )
    return order_id


def _projected(order_id: OrderId, told: Told) -> tuple[TrackingView | None, bool]:
    """The view of an order that is not in the book yet, and whether it comes from the live projection."""
    try:
        return wiring().tracking.get(order_id) or view_from_checkout(told, order_id), True
    except Unavailable as error:
        log.warning("tracking_away", extra={"reason": str(error)[:200]})
        return view_from_checkout(told, order_id), False


def _hub() -> TrackingHub:
    hub: TrackingHub = current_app.extensions["cartwright-tracking-hub"]
    return hub
