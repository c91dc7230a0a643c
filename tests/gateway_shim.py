"""A WSGI application in front of the Lambda handlers: what API Gateway does between HTTP and a proxy event, and no more."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from lambdas.cancel_order import handler as cancel_order
from lambdas.get_order import handler as get_order
from lambdas.submit_order import handler as submit_order
from tests.lambda_events import captured

OPENAPI = Path(__file__).parents[1] / "lambdas" / "openapi.yaml"
Handler = Callable[[Mapping[str, Any], object], dict[str, Any]]
StartResponse = Callable[[str, list[tuple[str, str]]], object]

_ROUTES: tuple[tuple[str, str, str, Handler], ...] = (
    ("POST", r"/orders", "apigateway_post_orders", submit_order.handle),
    ("GET", r"/orders/(?P<order_id>[^/]*)", "apigateway_get_order", get_order.handle),
    ("POST", r"/orders/(?P<order_id>[^/]*)/cancel", "apigateway_cancel_order", cancel_order.handle),
)


def application(environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Serve the contract itself and its three operations; anything else is refused as the gateway refuses it."""
    path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
    if path == "/openapi.yaml":
        start_response("200 OK", [("Content-Type", "application/yaml")])
        return [OPENAPI.read_bytes()]
    for verb, pattern, event_name, handler in _ROUTES:
        match = re.fullmatch(pattern, path, re.DOTALL)
        if match and verb == method:
            return _answer(handler(_event(environ, event_name, match), None), start_response)
    start_response("403 Forbidden", [("Content-Type", "application/problem+json")])
    return [b"{}"]


def _event(environ: Mapping[str, Any], name: str, match: re.Match[str]) -> dict[str, Any]:
    event = captured(name)
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    headers = {
        key.removeprefix("HTTP_").replace("_", "-").lower(): value
        for key, value in environ.items()
        if key.startswith("HTTP_")
    }
    if content_type := environ.get("CONTENT_TYPE"):
        headers["content-type"] = content_type
    parameters = {key: unquote(value) for key, value in match.groupdict().items()}
    try:
        text, is_binary = body.decode(), False
    except UnicodeDecodeError:
        text, is_binary = base64.b64encode(body).decode(), True
    return {
        **event,
        "path": environ["PATH_INFO"],
        "headers": headers,
        "pathParameters": parameters or None,
        "body": text or None,
        "isBase64Encoded": is_binary,
    }


def _answer(answer: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    status = HTTPStatus(answer["statusCode"])
    start_response(f"{status.value} {status.phrase}", list(answer["headers"].items()))
    return [answer["body"].encode()]
