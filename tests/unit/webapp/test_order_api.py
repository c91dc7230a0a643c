"""The caller of the order API, against a real HTTP server on the loopback: signatures, retries, and what each failure means."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from botocore.credentials import Credentials

from orders.domain.errors import (
    IdempotencyConflict,
    InvalidRequest,
    OrderRefused,
    OutcomeUnknown,
    RefusalReason,
    Unavailable,
)
from orders.domain.ids import OrderId
from orders.observability import correlation_id
from orders.settings import Settings
from webapp.clients.order_api import SignedOrderApi

ORDER = OrderId("01a20320-a200-73b1-a7b0-5c51fbf2fa3c")
HANG_UP, SILENCE = "hang up", "silence"


class Gateway(ThreadingHTTPServer):
    """Answers from a list, the last one for ever; remembers what it was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[Any] = [(202, {})]
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.released = threading.Event()
        self.arrived = threading.Semaphore(0)

    @property
    def url(self) -> str:
        """Where it listens, with a stage."""
        return f"http://127.0.0.1:{self.server_port}/local"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Gateway

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        gateway = self.server
        gateway.requests.append((self.command, self.path, dict(self.headers), body))
        answer = gateway.answers.pop(0) if len(gateway.answers) > 1 else gateway.answers[0]
        gateway.arrived.release()
        if answer == HANG_UP:
            self.close_connection = True
            return
        if answer == SILENCE:
            gateway.released.wait(10)
            self.close_connection = True
            return
        status, data = answer
        content = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _answer  # noqa: N815  (the names that http.server calls)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """A gateway."""
    with Gateway() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def api(gateway: Gateway) -> Iterator[SignedOrderApi]:
    """A caller with a budget of two seconds."""
    settings = Settings(order_api_url=gateway.url, order_api_timeout_seconds=2.0, order_api_concurrency=2)
    api = SignedOrderApi(settings, Credentials("AKID", "secret", "session-token"))
    yield api
    api.close()


def test_a_call_is_signed_and_carries_the_ids(gateway: Gateway, api: SignedOrderApi) -> None:
    """SigV4 for execute-api over body and headers, the idempotency key, and the browser's correlation id."""
    correlation_id.set("a" * 32)
    api.submit(ORDER, '{"x":1}')
    method, path, headers, body = gateway.requests[0]
    assert (method, path, body) == ("POST", "/local/orders", b'{"x":1}')
    assert headers["Idempotency-Key"] == ORDER
    assert headers["X-Correlation-Id"] == "a" * 32
    assert headers["traceparent"].startswith(f"00-{'a' * 32}-")
    assert "/eu-west-1/execute-api/aws4_request" in headers["Authorization"]
    assert "idempotency-key" in headers["Authorization"]
    assert headers["X-Amz-Security-Token"] == "session-token"


@pytest.mark.parametrize(
    "trouble", [HANG_UP, (500, {}), (502, {"message": "Bad"}), (429, {}), (503, {"code": "unavailable"})]
)
def test_a_lost_or_failed_call_is_repeated_with_the_same_key_and_body(
    gateway: Gateway, api: SignedOrderApi, trouble: Any
) -> None:
    """The shopper notices nothing."""
    gateway.answers = [trouble, (202, {"number": "CW"})]
    assert api.submit(ORDER, "{}") == {"number": "CW"}
    first, second = gateway.requests
    assert (first[2]["Idempotency-Key"], first[3]) == (second[2]["Idempotency-Key"], second[3])


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        ((429, {}), Unavailable),
        ((503, {"code": "unavailable"}), Unavailable),
        ((503, {"code": "outcome_unknown"}), OutcomeUnknown),
        ((503, {"message": "Service Unavailable"}), OutcomeUnknown),
        ((504, {}), OutcomeUnknown),
        (HANG_UP, OutcomeUnknown),
        (SILENCE, OutcomeUnknown),
    ],
)
def test_a_failure_tells_whether_it_may_have_been_done(
    gateway: Gateway, api: SignedOrderApi, trouble: Any, kind: type[Exception]
) -> None:
    """Within the budget it gives up; unknown unless every answer said that nothing happened."""
    gateway.answers = [trouble]
    with pytest.raises(Unavailable) as caught:
        api.submit(ORDER, "{}")
    assert type(caught.value) is kind


def test_a_gateway_that_is_not_there_was_certainly_not_asked(gateway: Gateway) -> None:
    """Connection refused: nothing was sent."""
    settings = Settings(order_api_url="http://127.0.0.1:9/none", order_api_timeout_seconds=0.5)
    api = SignedOrderApi(settings, Credentials("AKID", "secret"))
    with pytest.raises(Unavailable) as caught:
        api.submit(ORDER, "{}")
    assert type(caught.value) is Unavailable
    assert not api.is_reachable(0.2)
    api.close()


def test_a_refusal_after_a_lost_request_is_unknown(gateway: Gateway, api: SignedOrderApi) -> None:
    """The lost request may still become a yes."""
    gateway.answers = [HANG_UP, (409, {"code": "order_refused", "lines": []})]
    with pytest.raises(OutcomeUnknown):
        api.submit(ORDER, "{}")


def test_a_repeat_says_that_an_answer_was_lost_and_believes_a_final_no(
    gateway: Gateway, api: SignedOrderApi
) -> None:
    """Within one call and from one call to the next: the first request of an attempt says nothing of the kind."""
    final = (409, {"code": "order_refused", "lines": [], "is_final": True})
    gateway.answers = [HANG_UP, final]
    with pytest.raises(OrderRefused):
        api.submit(ORDER, "{}", attempt=3)
    gateway.answers = [final]
    with pytest.raises(OrderRefused):
        api.submit(ORDER, "{}", attempt=3, is_answer_lost=True)
    told = [headers.get("X-Answer-Lost") for _, _, headers, _ in gateway.requests]
    assert told == [None, "true", "true"]
    assert {headers["X-Attempt"] for _, _, headers, _ in gateway.requests} == {"3"}


def test_a_no_that_is_not_final_is_not_believed_after_a_lost_answer(
    gateway: Gateway, api: SignedOrderApi
) -> None:
    """The order API of the release before knows no final ones."""
    gateway.answers = [(409, {"code": "order_refused", "lines": []})]
    with pytest.raises(OutcomeUnknown):
        api.submit(ORDER, "{}", is_answer_lost=True)


def test_refusals_name_their_lines(gateway: Gateway, api: SignedOrderApi) -> None:
    """problem+json becomes the domain's errors."""
    line = {"sku": "A", "reason": "out_of_stock", "requested": 3, "available": 1, "price_minor": None}
    gateway.answers = [(409, {"code": "order_refused", "lines": [line]})]
    with pytest.raises(OrderRefused) as refused:
        api.submit(ORDER, "{}")
    assert refused.value.lines[0].reason is RefusalReason.OUT_OF_STOCK
    assert refused.value.lines[0].available == 1
    gateway.answers = [(400, {"code": "invalid_request", "errors": [{"pointer": "/a", "detail": "wrong"}]})]
    with pytest.raises(InvalidRequest, match="/a: wrong"):
        api.submit(ORDER, "{}")
    gateway.answers = [(422, {"code": "idempotency_conflict", "detail": "other body"})]
    with pytest.raises(IdempotencyConflict, match="other body"):
        api.submit(ORDER, "{}")
    gateway.answers = [(400, {"message": "Invalid request body"})]
    with pytest.raises(InvalidRequest):
        api.submit(ORDER, "{}")


def test_reading_an_order_knows_none(gateway: Gateway, api: SignedOrderApi) -> None:
    """404 is an answer."""
    gateway.answers = [(404, {"code": "not_found"})]
    assert api.find(ORDER) is None
    gateway.answers = [(200, {"order_id": ORDER})]
    assert api.find(ORDER) == {"order_id": ORDER}


def test_more_callers_than_turns_wait_and_then_are_told(gateway: Gateway, api: SignedOrderApi) -> None:
    """Two calls hang; the third waits its share of the budget and was certainly not sent."""
    gateway.answers = [SILENCE]
    hanging = [threading.Thread(target=_swallow, args=(api,)) for _ in range(2)]
    for thread in hanging:
        thread.start()
        gateway.arrived.acquire(timeout=5)
    with pytest.raises(Unavailable, match="too many orders"):
        api.submit(ORDER, "{}")
    gateway.released.set()
    for thread in hanging:
        thread.join()


def _swallow(api: SignedOrderApi) -> None:
    with pytest.raises(Unavailable):
        api.submit(ORDER, "{}")
