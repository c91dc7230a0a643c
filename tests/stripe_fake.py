"""Stripe's HTTP API in miniature, on a real port: pages, payments, refunds, idempotency keys, errors in Stripe's form, and faults.

It keeps Stripe's rules, not ours: a key belongs to one question and repeats its answer; an open page cannot be cancelled but
expired; money is captured once; a refund is at most what was captured. Nothing of the product is imported here.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

Json = dict[str, Any]
KEY, WEBHOOK_SECRET = "sk_test_fake", "whsec_fake"


_CODES = (
    "auto bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hi-IN hr hu id it ja ko lt lv ms mt nb nl pl pt pt-BR ro ru"
    " sk sl sv th tr vi zh zh-HK zh-TW"
)
SPOKEN = frozenset(_CODES.split())
"""The languages of a page (docs.stripe.com/api/checkout/sessions/create)."""


class Refusal(Exception):
    """An error answer of the API."""

    def __init__(self, status: int, kind: str, code: str, message: str = "", **more: str) -> None:
        self.status = status
        self.body = {"error": {"type": kind, "code": code, "message": message or code, **more}}
        super().__init__(code)


@dataclass
class Fault:
    """What goes wrong with the next request to a path. `after`: the deed is done, only its answer suffers."""

    path: str
    status: int = 0
    """0 breaks the connection; HANG never answers."""
    after: bool = False


HANG = -1


@dataclass
class FakeStripe:
    """The server and its books. Use it as a context manager."""

    sessions: dict[str, Json] = field(default_factory=dict)
    intents: dict[str, Json] = field(default_factory=dict)
    refunds: dict[str, Json] = field(default_factory=dict)
    answers: dict[str, tuple[str, int, Json]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    forgets_keys: bool = False
    declines_capture: bool = False
    fails_refunds: bool = False

    def __enter__(self) -> Self:
        self._lock, self._gone = threading.RLock(), threading.Event()
        self._running: set[str] = set()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                fake._serve(self)

            def do_POST(self) -> None:
                fake._serve(self)

            def log_message(self, *args: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._gone.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where stripe.api_base points."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    # --- what the shopper and the bank do -------------------------------------------------------------------

    def pay(self, session_id: str, outcome: str = "approved") -> None:
        """What happens on Stripe's page: the card is approved (after its challenge), or declined and the page stays open."""
        with self._lock:
            session = self.sessions[session_id]
            assert session["status"] == "open", session["status"]
            if outcome == "declined":
                return
            asked = session["_intent"]
            intent = {
                "id": f"pi_{secrets.token_hex(8)}", "object": "payment_intent", "status": "requires_capture",
                "amount": session["amount_total"], "amount_capturable": session["amount_total"], "amount_received": 0,
                "currency": session["currency"], "metadata": dict(asked["metadata"]),
                "capture_method": asked["capture_method"], "last_payment_error": None, "next_action": None,
            }  # fmt: skip
            self.intents[intent["id"]] = intent
            session.update(status="complete", payment_intent=intent["id"], url=None)

    def held_minor(self) -> int:
        """Money that is held on cards."""
        return sum(i["amount_capturable"] for i in self.intents.values() if i["status"] == "requires_capture")

    def taken_minor(self) -> int:
        """Money that was captured, less what was paid back."""
        paid_back = sum(r["amount"] for r in self.refunds.values() if r["status"] == "succeeded")
        return int(sum(i["amount_received"] for i in self.intents.values())) - int(paid_back)

    def event(
        self, kind: str, thing: Json, *, event_id: str = "", at: int | None = None
    ) -> tuple[bytes, str]:
        """A webhook's body and signature, as Stripe makes them."""
        body = {
            "id": event_id or f"evt_{secrets.token_hex(8)}", "object": "event", "type": kind,
            "created": int(time.time()), "data": {"object": self._shown(thing)}, "livemode": False,
        }  # fmt: skip
        return signed(json.dumps(body).encode(), at=at)

    # --- the API --------------------------------------------------------------------------------------------

    def _serve(self, http: BaseHTTPRequestHandler) -> None:
        length = int(http.headers.get("Content-Length") or 0)
        form = http.rfile.read(length).decode()
        path, query = urlsplit(http.path).path, urlsplit(http.path).query
        fault = self._fault(path)
        if fault is None or fault.after:
            status, body = self._answer(http, path, form, query)
            if fault is None:
                _send(http, status, body)
                return
        if fault.status == HANG:
            self._gone.wait(30)
            http.close_connection = True
        elif fault.status == 0:
            http.close_connection = True
            http.connection.close()
        else:
            kind = {402: "card_error", 429: "rate_limit"}.get(fault.status, "api_error")
            _send(http, fault.status, Refusal(fault.status, kind, f"fault_{fault.status}").body)

    def _fault(self, path: str) -> Fault | None:
        with self._lock:
            found = next((fault for fault in self.faults if path.endswith(fault.path)), None)
            if found is not None:
                self.faults.remove(found)
            return found

    def _answer(self, http: BaseHTTPRequestHandler, path: str, form: str, query: str) -> tuple[int, Json]:
        if http.headers.get("Authorization") != f"Bearer {KEY}":
            return 401, Refusal(401, "invalid_request_error", "api_key").body
        key, fingerprint = http.headers.get("Idempotency-Key", ""), f"{path}?{form}"
        with self._lock:
            self.requests.append((http.command, path))
            known = None if self.forgets_keys else self.answers.get(key)
            if known is not None:
                if known[0] != fingerprint:
                    return 400, Refusal(400, "idempotency_error", "idempotency_key_in_use").body
                return known[1:]
            try:
                done = 200, self._route(http.command, path, _nested(form or query))
            except Refusal as refusal:
                done = refusal.status, refusal.body
            if key and http.command == "POST":
                self.answers[key] = (fingerprint, *done)
            return done

    def _route(self, method: str, path: str, given: Json) -> Json:
        for verb, pattern, act in _ROUTES:
            match = re.fullmatch(pattern, path)
            if verb == method and match:
                return self._shown(act(self, *match.groups(), given), given)
        raise Refusal(404, "invalid_request_error", "no_such_route", f"{method} {path}")

    def _shown(self, thing: Json, given: Json | None = None) -> Json:
        shown = {name: value for name, value in thing.items() if not name.startswith("_")}
        if "payment_intent" in (given or {}).get("expand", {}).values() and shown.get("payment_intent"):
            shown["payment_intent"] = self._shown(self.intents[shown["payment_intent"]])
        return shown

    def _make_session(self, given: Json) -> Json:
        line = given["line_items"]["0"]
        amount = int(line["price_data"]["unit_amount"]) * int(line["quantity"])
        if amount < 50:
            raise Refusal(400, "invalid_request_error", "amount_too_small")
        if given.get("locale", "auto") not in SPOKEN:
            raise Refusal(400, "invalid_request_error", "parameter_invalid_string_enum", "no such locale")
        session_id = f"cs_test_{secrets.token_hex(29)}"
        self.sessions[session_id] = {
            "id": session_id, "object": "checkout.session", "status": "open", "payment_status": "unpaid",
            "amount_total": amount, "currency": line["price_data"]["currency"], "payment_intent": None,
            "url": f"{self.url}/pay/{session_id}", "metadata": given.get("metadata", {}),
            "client_reference_id": given["client_reference_id"], "_intent": given["payment_intent_data"],
            "locale": given.get("locale"), "_title": line["price_data"]["product_data"]["name"],
        }  # fmt: skip
        return self.sessions[session_id]

    def _session(self, session_id: str, given: Json) -> Json:
        return _known(self.sessions, session_id)

    def _expire_session(self, session_id: str, given: Json) -> Json:
        session = _known(self.sessions, session_id)
        if session["status"] != "open":
            raise Refusal(400, "invalid_request_error", "resource_not_open", "only an open session expires")
        session.update(status="expired", url=None)
        return session

    def _intent(self, intent_id: str, given: Json) -> Json:
        return _known(self.intents, intent_id)

    def _capture(self, intent_id: str, given: Json) -> Json:
        intent, amount = _known(self.intents, intent_id), int(given["amount_to_capture"])
        if intent["status"] != "requires_capture":
            raise Refusal(400, "invalid_request_error", "payment_intent_unexpected_state")
        if amount > intent["amount_capturable"]:
            raise Refusal(400, "invalid_request_error", "amount_too_large")
        if self.declines_capture:
            raise Refusal(402, "card_error", "card_declined", decline_code="insufficient_funds")
        intent.update(status="succeeded", amount_received=amount, amount_capturable=0)
        intent["metadata"] |= given.get("metadata", {})
        return intent

    def _cancel(self, intent_id: str, given: Json) -> Json:
        intent = _known(self.intents, intent_id)
        if intent["status"] in {"succeeded", "canceled"}:
            raise Refusal(400, "invalid_request_error", "payment_intent_unexpected_state")
        intent.update(status="canceled", amount_capturable=0)
        return intent

    def _search(self, given: Json) -> Json:
        wanted = re.findall(r"metadata\['(\w+)'\]:'([^']*)'", given["query"])
        found = [i for i in self.intents.values() if any(i["metadata"].get(k) == v for k, v in wanted)]
        return {
            "object": "search_result",
            "url": "/v1/payment_intents/search",
            "has_more": False,
            "data": found,
        }

    def _refund(self, given: Json) -> Json:
        intent, amount = _known(self.intents, given["payment_intent"]), int(given["amount"])
        before = sum(r["amount"] for r in self.refunds.values() if r["payment_intent"] == intent["id"])
        if amount > intent["amount_received"] - before:
            raise Refusal(400, "invalid_request_error", "charge_already_refunded")
        refund = {
            "id": f"re_{secrets.token_hex(8)}", "object": "refund", "amount": amount, "payment_intent": intent["id"],
            "status": "failed" if self.fails_refunds else "succeeded", "metadata": given.get("metadata", {}),
            "failure_reason": "expired_or_canceled_card" if self.fails_refunds else None,
        }  # fmt: skip
        self.refunds[refund["id"]] = refund
        return refund

    def _list_refunds(self, given: Json) -> Json:
        found = [r for r in self.refunds.values() if r["payment_intent"] == given["payment_intent"]]
        return {"object": "list", "url": "/v1/refunds", "has_more": False, "data": found[::-1]}


_ROUTES: list[tuple[str, str, Callable[..., Json]]] = [
    ("POST", r"/v1/checkout/sessions", FakeStripe._make_session),
    ("GET", r"/v1/checkout/sessions/(\w+)", FakeStripe._session),
    ("POST", r"/v1/checkout/sessions/(\w+)/expire", FakeStripe._expire_session),
    ("GET", r"/v1/payment_intents/search", FakeStripe._search),
    ("GET", r"/v1/payment_intents/(\w+)", FakeStripe._intent),
    ("POST", r"/v1/payment_intents/(\w+)/capture", FakeStripe._capture),
    ("POST", r"/v1/payment_intents/(\w+)/cancel", FakeStripe._cancel),
    ("POST", r"/v1/refunds", FakeStripe._refund),
    ("GET", r"/v1/refunds", FakeStripe._list_refunds),
]


def signed(body: bytes, *, at: int | None = None, secret: str = WEBHOOK_SECRET) -> tuple[bytes, str]:
    """A body with the header Stripe-Signature (docs.stripe.com/webhooks/signature)."""
    stamp = int(time.time()) if at is None else at
    mac = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return body, f"t={stamp},v1={mac}"


def _known(table: dict[str, Json], thing_id: str) -> Json:
    if thing_id not in table:
        raise Refusal(404, "invalid_request_error", "resource_missing", f"no such thing: {thing_id}")
    return table[thing_id]


def _nested(form: str) -> Json:
    """`a[b][0][c]=1` as nested objects, lists with their indexes as keys."""
    result: Json = {}
    for name, value in parse_qsl(form, keep_blank_values=True):
        *path, last = re.findall(r"[^\[\]]+", name)
        place = result
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return result


def _send(http: BaseHTTPRequestHandler, status: int, body: Json) -> None:
    text = json.dumps(body).encode()
    http.send_response(status)
    http.send_header("Content-Type", "application/json")
    http.send_header("Content-Length", str(len(text)))
    http.end_headers()
    http.wfile.write(text)
