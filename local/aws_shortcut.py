"""The shortest way through the local AWS for the calls that an order is made of: DynamoDB's and SQS's, in JSON.

ministack examines every request for some forty services that may be meant, by host, path, body and headers, and answers with
the headers that browsers want of S3: half of a small call. A call whose X-Amz-Target names its service needs none of it.
It is handed to ministack's own table of services, in the form in which ministack does so itself. The pin of ministack is
exact, and tests/integration/local/test_aws_shortcut.py compares the answers of both ways.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from types import ModuleType
from uuid import uuid4

from local.asgi import Application, Receive, Scope, Send

_CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/, ]+)/\d+/([^/, ]+)/")
_SERVICES = ((b"DynamoDB_20120810.", "dynamodb"), (b"AmazonSQS.", "sqs"))

log = logging.getLogger(__name__)


class Disconnected(ConnectionError):
    """The caller went away before the whole request was there."""


class Shortcut:
    """An ASGI application in front of ministack's own, which it passes by where it can."""

    def __init__(self, ministack: ModuleType) -> None:
        from ministack.core import responses

        self._ministack = ministack
        self._responses = responses
        self._long_way: Application = ministack.app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        headers = dict(scope["headers"]) if scope["type"] == "http" else {}
        service = self._service(scope, headers) if b"x-amz-target" in headers else ""
        credential = _CREDENTIAL.match(headers.get(b"authorization", b"").decode("latin-1"))
        if not service or credential is None:
            await self._long_way(scope, receive, send)
            return
        try:
            body = await _body(receive)
        except Disconnected:
            return
        texts = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers.items()}
        self._responses.set_request_client_ip(scope["client"][0])
        self._responses.set_request_account_id(credential[1])
        self._responses.set_request_region(credential[2])
        await self._answer(service, texts, body, send)

    def _service(self, scope: Scope, headers: Mapping[bytes, bytes]) -> str:
        """The service that a call of the plainest form names; nothing for what needs to be looked at more closely."""
        if scope["path"] != "/" or scope["query_string"] or b"content-encoding" in headers:
            return ""
        # Who may call is decided on the long way, and a reset holds up who comes that way.
        if self._ministack.AUTH or self._ministack._get_reset_lock().locked():
            return ""
        target = headers[b"x-amz-target"]
        return next((service for prefix, service in _SERVICES if target.startswith(prefix)), "")

    async def _answer(self, service: str, headers: Mapping[str, str], body: bytes, send: Send) -> None:
        try:
            handle = self._ministack.SERVICE_HANDLERS[service]
            status, answered, content = await handle("POST", "/", headers, body, {})
        except Exception as error:
            log.exception("%s failed", headers["x-amz-target"])
            status, answered = 500, {"Content-Type": "application/json"}
            content = json.dumps({"__type": "InternalError", "message": str(error)})
        told = content if isinstance(content, bytes) else content.encode()
        answered = {
            **answered,
            "Content-Length": str(len(told)),
            "x-amzn-RequestId": str(uuid4()),
        }
        lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answered.items()]
        await send({"type": "http.response.start", "status": status, "headers": lines})
        await send({"type": "http.response.body", "body": told, "more_body": False})


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Disconnected
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)
