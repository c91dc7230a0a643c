"""What carriers call, and the page of the embedded one: outside of the console, behind signatures instead of sessions."""

from __future__ import annotations

import urllib.error
import urllib.request

from flask import Blueprint, abort, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from orders.adapters.carriers.post import NAME, SIGNATURE_HEADER, EmbeddedPost
from orders.domain.errors import InvalidRequest, NotFound, Unavailable
from orders.domain.events import Actor
from orders.services.ship_order import deliver_parcel
from webapp.console.wiring import console_wiring, desk
from webapp.extensions import csrf
from webapp.rate_limit import limited
from webapp.wiring import wiring

carriers = Blueprint("carriers", __name__)
MOST_BYTES = 10_000
CALL_SECONDS = 10.0


@carriers.post("/carriers/<name>/events")
@csrf.exempt  # type: ignore[untyped-decorator]
def carrier_event(name: str) -> ResponseReturnValue:
    """A signed message of a carrier: a parcel arrived. Told twice, it happens once.

    400 for a message that is not the carrier's, 404 for a parcel that is not ours, 202 for what we do not act upon.
    """
    carrier = console_wiring().carriers.get(name) or abort(404)
    body = request.get_data()
    if len(body) > MOST_BYTES:
        abort(413)
    try:
        event = carrier.read_event(body, request.headers.get(SIGNATURE_HEADER, ""), wiring().clock.now())
        if event.kind != "delivered":
            return jsonify(result="ignored"), 202
        deliver_parcel(
            desk(),
            event.carrier,
            event.tracking_number,
            event_id=f"{event.carrier}:{event.id}"[:80],
            actor=Actor("provider", event.carrier),
            at=event.at,
        )
    except InvalidRequest as invalid:
        return jsonify(result="refused", detail=str(invalid)), 400
    except NotFound as unknown:
        return jsonify(result="unknown", detail=str(unknown)), 404
    except Unavailable as away:
        return jsonify(result="try again", detail=str(away)), 503
    return jsonify(result="delivered")


@carriers.get("/post/<number>")
@limited("post", burst=60, per_seconds=60)
def parcel(number: str) -> ResponseReturnValue:
    """The embedded carrier's own page of a parcel: where the tracking link of its labels leads."""
    post = _post()
    try:
        found = post.find(number[:20])
    except NotFound:
        abort(404, f"{NAME} has no parcel {number[:20]}.")
    return render_template(
        "post/parcel.html", carrier=NAME, parcel=found, is_courier=wiring().settings.is_local
    )


@carriers.post("/post/<number>/deliver")
def deliver(number: str) -> ResponseReturnValue:
    """The courier hands the parcel over (on a laptop only): the carrier notes it and tells the shop, as a real one would."""
    if not wiring().settings.is_local:
        abort(404)
    post, now = _post(), wiring().clock.now()
    try:
        body, signature = post.deliver(number[:20], now)
    except NotFound:
        abort(404)
    told = urllib.request.Request(  # noqa: S310  (our own public address)
        f"{wiring().settings.public_url.rstrip('/')}{url_for('carriers.carrier_event', name=post.name)}",
        data=body,
        headers={"Content-Type": "application/json", SIGNATURE_HEADER: signature},
    )
    try:
        with urllib.request.urlopen(told, timeout=CALL_SECONDS):  # noqa: S310
            pass
    except urllib.error.URLError as error:
        raise Unavailable(f"the shop did not take the message: {error}") from error
    return redirect(url_for("carriers.parcel", number=number))


def _post() -> EmbeddedPost:
    post = console_wiring().carriers.get(EmbeddedPost.name)
    if not isinstance(post, EmbeddedPost):
        abort(404)
    return post
