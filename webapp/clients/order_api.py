"""Order path 2/9: the caller of the order API: SigV4 over pooled connections, one idempotency key, one time budget.

Retries are safe because the order id is the idempotency key and the body of a repeat is the same bytes. What a
failure means is told by its type: Unavailable was certainly not done, OutcomeUnknown may have been.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.session import get_session

from orders.domain.errors import (
    IdempotencyConflict,
    InvalidRequest,
    LineRefusal,
    OrderRefused,
    OutcomeUnknown,
    Problem,
    RefusalReason,
    Refused,
    Unavailable,
)
from orders.domain.ids import OrderId
from orders.observability import CORRELATION_HEADER, correlation_id, traceparent
from orders.settings import Settings

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_SECONDS = 1.0
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer, decoded."""

    status: int
    body: Mapping[str, Any]


class OrderApi(Protocol):
    """What checkout needs of the order API."""

    def submit(
        self, order_id: OrderId, body: str, *, attempt: int = 1, is_answer_lost: bool = False
    ) -> Mapping[str, Any]:
        """Submit an order; a repeat with the same body gets the first answer.

        `attempt` counts the bodies that were tried with this id; `is_answer_lost` tells that this one was sent before.
        Raises OrderRefused, InvalidRequest or IdempotencyConflict for a no, Unavailable when it certainly was not
        done, OutcomeUnknown when a sent request stayed without an answer.
        """
        ...

    def find(self, order_id: OrderId) -> Mapping[str, Any] | None:
        """What the API knows of an order, or None. Raises Unavailable."""
        ...

    def is_reachable(self, timeout_seconds: float) -> bool:
        """Whether the API answers at all: the readiness probe."""
        ...


class SignedOrderApi:
    """The order API behind API Gateway. Thread-safe; at most settings.order_api_concurrency calls at once."""

    def __init__(self, settings: Settings, credentials: Credentials | None = None) -> None:
        self._url = settings.order_api_url.rstrip("/")
        self._region = settings.aws_region
        self._budget_seconds = settings.order_api_timeout_seconds
        # The gateway's burst is finite, and on a laptop each concurrent call is a process: more callers wait here.
        self._turns = threading.BoundedSemaphore(settings.order_api_concurrency)
        self._pool = urllib3.PoolManager(maxsize=settings.order_api_concurrency, retries=False)
        self._credentials = credentials or get_session().get_credentials()

    def submit(
        self, order_id: OrderId, body: str, *, attempt: int = 1, is_answer_lost: bool = False
    ) -> Mapping[str, Any]:
        """See OrderApi."""
        headers = {"Idempotency-Key": order_id, "X-Attempt": str(attempt)}
        if is_answer_lost:
            headers["X-Answer-Lost"] = "true"
        reply = self._call("POST", "/orders", body.encode(), headers)
        if reply.status < 300:
            return reply.body
        refusal = _refusal(reply)
        if is_answer_lost and isinstance(refusal, OrderRefused) and not refusal.is_final:
            raise OutcomeUnknown("refused, but an earlier request of this attempt may be on its way to a yes")
        raise refusal

    def find(self, order_id: OrderId) -> Mapping[str, Any] | None:
        """See OrderApi."""
        reply = self._call("GET", f"/orders/{order_id}")
        if reply.status == 404:
            return None
        if reply.status < 300:
            return reply.body
        raise Unavailable(f"the order API answered {reply.status}")

    def is_reachable(self, timeout_seconds: float) -> bool:
        """See OrderApi. Any answer counts, a 403 for the unsigned probe included."""
        try:
            self._pool.request("GET", f"{self._url}/orders/-", timeout=timeout_seconds)
        except urllib3.exceptions.HTTPError:
            return False
        return True

    def close(self) -> None:
        """Close the pooled connections."""
        self._pool.clear()

    def _call(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Reply:
        deadline = time.monotonic() + self._budget_seconds
        if not self._turns.acquire(timeout=self._budget_seconds / 2):
            raise Unavailable("too many orders are being placed at this moment", retry_after_seconds=2)
        try:
            return self._call_until(deadline, method, path, body, headers or {})
        finally:
            self._turns.release()

    def _call_until(
        self, deadline: float, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> Reply:
        was_lost, attempt = False, 0
        while True:
            attempt += 1
            reply, trouble = None, ""
            try:
                told = {**headers, "X-Answer-Lost": "true"} if was_lost and body else headers
                reply = self._send(method, path, body, told, deadline - time.monotonic())
            except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
                trouble = type(error).__name__  # Nothing was sent.
            except urllib3.exceptions.HTTPError as error:
                trouble, was_lost = type(error).__name__, True
            if reply is not None:
                if reply.status < 500 and reply.status != 429:
                    return _believable(reply, was_lost)
                trouble = str(reply.status)
                was_lost = was_lost or not _was_not_done(reply)
            # Full jitter, so that the callers that failed together do not come back together.
            ceiling = min(FIRST_PAUSE_SECONDS * 2**attempt, LONGEST_PAUSE_SECONDS)
            pause = random.uniform(FIRST_PAUSE_SECONDS / 2, ceiling)  # noqa: S311
            log.warning("order_api_retry", extra={"attempt": attempt, "trouble": trouble, "path": path})
            if time.monotonic() + pause + FIRST_PAUSE_SECONDS >= deadline:
                message = f"the order API did not answer within {self._budget_seconds:g} s ({trouble})"
                raise OutcomeUnknown(message) if was_lost else Unavailable(message)
            time.sleep(pause)

    def _send(self, method: str, path: str, body: bytes, headers: Mapping[str, str], seconds: float) -> Reply:
        signed = self._sign(method, self._url + path, body, headers)
        answer = self._pool.request(
            method,
            self._url + path,
            body=body or None,
            headers=signed,
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_SECONDS, total=max(seconds, 0.05)),
        )
        return Reply(answer.status, _json_object(answer.data))

    def _sign(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        current = correlation_id.get()
        sent = {"Content-Type": "application/json", CORRELATION_HEADER: current, **headers}
        if trace := traceparent(current):
            sent["traceparent"] = trace
        request = AWSRequest(method=method, url=url, data=body, headers=sent)
        if self._credentials is not None:
            SigV4Auth(self._credentials.get_frozen_credentials(), "execute-api", self._region).add_auth(
                request
            )
        return dict(request.headers.items())


def _was_not_done(reply: Reply) -> bool:
    """Whether a failure says that nothing happened: throttled before the Lambda, or the Lambda's own word for it."""
    return reply.status == 429 or reply.body.get("code") == Unavailable.code


def _believable(reply: Reply, was_lost: bool) -> Reply:
    """A refusal that follows a lost reply proves nothing, unless it is final: the lost request may still be on its way to a yes."""
    if was_lost and reply.status >= 300 and not reply.body.get("is_final"):
        raise OutcomeUnknown(f"an earlier request was lost; the repeat was answered {reply.status}")
    return reply


def _json_object(data: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(data)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _refusal(reply: Reply) -> Refused | Unavailable:
    """The error behind a problem+json answer."""
    code = str(reply.body.get("code", ""))
    detail = str(reply.body.get("detail", "")) or f"the order API answered {reply.status}"
    if code == OrderRefused.code:
        lines = [_line_refusal(line) for line in reply.body.get("lines") or ()]
        return OrderRefused(lines, is_final=bool(reply.body.get("is_final")))
    if code == IdempotencyConflict.code:
        return IdempotencyConflict(detail)
    if reply.status == 403:
        return Unavailable(f"the order API does not accept this host's signature: {detail}")
    errors = reply.body.get("errors") or []
    problems = [Problem(str(e.get("pointer", "")), str(e.get("detail", ""))) for e in errors]
    return InvalidRequest(problems or [Problem("", detail)])


def _line_refusal(line: Mapping[str, Any]) -> LineRefusal:
    return LineRefusal(
        sku=str(line["sku"]),
        reason=RefusalReason(line["reason"]),
        requested=int(line.get("requested", 0)),
        available=line.get("available"),
        price_minor=line.get("price_minor"),
    )
