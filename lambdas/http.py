"""HTTP for the order API: API Gateway's proxy event in, a proxy answer out, and every error as problem+json (RFC 9457).

STATUS_OF is the one table from error to status. An answer never carries an exception's text unless the error is the
caller's to mend, and never a traceback.
"""

from __future__ import annotations

import base64
import binascii
import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from typing import Any

from orders.domain import errors
from orders.domain.ids import OrderId, is_order_id
from orders.messages import MAX_BODY_BYTES, canonical_json
from orders.observability import CORRELATION_HEADER, accept_correlation_id

log = logging.getLogger(__name__)

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
IDEMPOTENCY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"
ATTEMPT_HEADER = "X-Attempt"
ANSWER_LOST_HEADER = "X-Answer-Lost"
MOST_ATTEMPTS = 1_000
DEFAULT_RETRY_AFTER_SECONDS = 1


class BodyTooLarge(errors.Refused):
    """The body is larger than any order."""

    code = "body_too_large"


class UnsupportedMediaType(errors.Refused):
    """The body is not declared as JSON in UTF-8."""

    code = "unsupported_media_type"


STATUS_OF: tuple[tuple[type[BaseException], int, str], ...] = (
    (BodyTooLarge, 413, "The body is too large"),
    (UnsupportedMediaType, 415, "The body must be application/json"),
    (errors.InvalidRequest, 400, "The request is not valid"),
    (errors.OrderRefused, 409, "The order cannot be had as it is"),
    (errors.TransitionRefused, 409, "It is too late for that"),
    (errors.VersionConflict, 409, "The order has changed meanwhile"),
    (errors.IdempotencyConflict, 422, "The idempotency key was used with another body"),
    (errors.NotFound, 404, "There is no such order"),
    (errors.Refused, 409, "The request cannot be done"),
    (errors.OutcomeUnknown, 503, "The outcome is unknown; repeat the request with the same key"),
    (errors.Unavailable, 503, "The service is not available; try again shortly"),
    (BaseException, 500, "The service has failed"),
)
"""First match wins, so a class stands before its bases."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a handler sees of an HTTP request. Header names are in lower case."""

    method: str
    path: str
    path_parameters: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    correlation_id: str

    def json_body(self) -> bytes:
        """The body, declared as JSON and not too large. Raises UnsupportedMediaType or BodyTooLarge."""
        _check_media_type(self.headers.get("content-type", ""))
        if len(self.body) > MAX_BODY_BYTES:
            raise BodyTooLarge(f"the body has {len(self.body)} bytes; at most {MAX_BODY_BYTES} are taken")
        return self.body

    def attempt(self) -> int:
        """Which of the caller's tries with its key this is. Raises InvalidRequest for what is no small positive number."""
        given = self.headers.get(ATTEMPT_HEADER.lower(), "1")
        if not (given.isdecimal() and len(given) <= 4 and 1 <= int(given) <= MOST_ATTEMPTS):
            detail = f"{ATTEMPT_HEADER} is a whole number from 1 to {MOST_ATTEMPTS}"
            raise errors.InvalidRequest([errors.Problem("/headers/X-Attempt", detail)])
        return int(given)

    def is_answer_lost(self) -> bool:
        """Whether the caller may have sent this very attempt before and has not seen its answer."""
        return self.headers.get(ANSWER_LOST_HEADER.lower(), "").lower() == "true"

    def order_id(self) -> OrderId:
        """The order id in the path. Raises NotFound for what cannot be one."""
        given = self.path_parameters.get("order_id", "")
        if not is_order_id(given):
            raise errors.NotFound("no such order")
        return OrderId(given)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler answers with."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


def serve(event: Mapping[str, Any], handler: Callable[[Request], Answer]) -> dict[str, Any]:
    """Answer one proxy event: the outermost loop of the HTTP Lambdas. Logs one line per request and never raises."""
    started = time.monotonic()
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items() if value}
    correlation_id = accept_correlation_id(headers.get(CORRELATION_HEADER.lower()))
    try:
        answer = handler(_request(event, headers, correlation_id))
        content_type = JSON
    except Exception as error:
        answer = problem(error, correlation_id)
        content_type = PROBLEM_JSON
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.exception("request_failed")
    log.info(
        "request",
        extra={
            "method": event.get("httpMethod", ""),
            "route": event.get("resource") or event.get("path", ""),
            "status": answer.status,
            "code": answer.body.get("code", ""),
            "order_id": answer.body.get("order_id", ""),
            "duration_ms": round((time.monotonic() - started) * 1000, 1),
        },
    )
    return {
        "statusCode": answer.status,
        "headers": {
            "Content-Type": content_type,
            "Cache-Control": "no-store",
            CORRELATION_HEADER: correlation_id,
            **answer.headers,
        },
        "body": canonical_json(answer.body),
        "isBase64Encoded": False,
    }


def problem(error: BaseException, correlation_id: str) -> Answer:
    """An error as RFC 9457 tells it. `code` is stable and for programs, `detail` is for people."""
    status, title = next((status, title) for kind, status, title in STATUS_OF if isinstance(error, kind))
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "code": getattr(error, "code", "error") if status != HTTPStatus.INTERNAL_SERVER_ERROR else "error",
        "detail": _detail(error, title),
        "correlation_id": correlation_id,
    }
    headers = {}
    if isinstance(error, errors.InvalidRequest):
        body["errors"] = [{"pointer": each.pointer, "detail": each.detail} for each in error.problems]
    elif isinstance(error, errors.OrderRefused):
        body["lines"] = [_present(asdict(line)) for line in error.lines]
        body["is_final"] = error.is_final
    elif isinstance(error, errors.Unavailable):
        wait = error.retry_after_seconds or DEFAULT_RETRY_AFTER_SECONDS
        headers["Retry-After"] = str(max(1, math.ceil(wait)))
    return Answer(status, body, headers)


def _present(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What is known: the API leaves unknown things out instead of sending null."""
    return {name: value for name, value in fields.items() if value is not None}


def _detail(error: BaseException, title: str) -> str:
    """Only what the caller can mend is told in words; the rest is in the log, under the correlation id."""
    if isinstance(error, errors.InvalidRequest):
        return "; ".join(f"{each.pointer or 'body'}: {each.detail}" for each in error.problems[:5])
    return str(error) if isinstance(error, errors.Refused) else title


def _request(event: Mapping[str, Any], headers: Mapping[str, str], correlation_id: str) -> Request:
    return Request(
        method=event.get("httpMethod", ""),
        path=event.get("path", ""),
        path_parameters=event.get("pathParameters") or {},
        headers=headers,
        body=_body(event),
        correlation_id=correlation_id,
    )


def _body(event: Mapping[str, Any]) -> bytes:
    given = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(given).encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError) as error:
        raise errors.InvalidRequest([errors.Problem("", "the body is not base64")]) from error


def _check_media_type(content_type: str) -> None:
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charsets = [
        part.removeprefix("charset=").strip('"') for part in parameters if part.startswith("charset=")
    ]
    if media_type != JSON or any(charset not in {"utf-8", "utf8"} for charset in charsets):
        raise UnsupportedMediaType("send the body as application/json in UTF-8")


def check_idempotency_key(request: Request, order_id: str) -> None:
    """The header, when it is sent, must be the order's id: there is one key, and it is in the body too."""
    key = request.headers.get(IDEMPOTENCY_HEADER.lower())
    if key is not None and key != order_id:
        detail = f"the header {IDEMPOTENCY_HEADER} must be the order id"
        raise errors.InvalidRequest([errors.Problem("/order_id", detail)])
