"""Logs, metrics and the correlation id: one JSON line per fact, the same id from the browser to the e-mail.

Event names are constant, facts are fields: `log.info("order_submitted", extra={"order_id": ...})`. Ids only, never
bodies, addresses, e-mails or tokens. Metrics are CloudWatch embedded metric format (EMF) lines on the same stream.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")
"""The id that ties everything one request caused. Set at each program's door."""

CORRELATION_HEADER = "X-Correlation-Id"
_SAFE_ID = re.compile(r"^[A-Za-z0-9._-]{8,64}$")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def new_correlation_id() -> str:
    """A fresh id: 16 random bytes in hexadecimal, also usable as a W3C trace id."""
    return secrets.token_hex(16)


def accept_correlation_id(given: str | None) -> str:
    """The caller's id when it is harmless to log, else a new one. Sets the context and returns it."""
    value = given if given and _SAFE_ID.fullmatch(given) else new_correlation_id()
    correlation_id.set(value)
    return value


def traceparent(trace_id: str) -> str:
    """A W3C traceparent header for a correlation id, or empty when the id is not a trace id."""
    if not re.fullmatch(r"[0-9a-f]{32}", trace_id):
        return ""
    return f"00-{trace_id}-{secrets.token_hex(8)}-01"


class JsonFormatter(logging.Formatter):
    """One JSON object per line; every `extra` field at the top level."""

    def __init__(self, program: str) -> None:
        super().__init__()
        self._program = program

    def format(self, record: logging.LogRecord) -> str:
        """Render a record. Values that JSON does not know are turned into text."""
        line: dict[str, Any] = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "program": self._program,
            "event": record.getMessage(),
        }
        if current := correlation_id.get():
            line["correlation_id"] = current
        line.update({key: value for key, value in vars(record).items() if key not in _STANDARD})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, separators=(",", ":"))


class TextFormatter(logging.Formatter):
    """The same facts for a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Render a record as `12:30:01 info  order_submitted order_id=...`."""
        facts = " ".join(f"{key}={value}" for key, value in vars(record).items() if key not in _STANDARD)
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        text = f"{clock} {record.levelname.lower():7} {record.getMessage()} {facts}".rstrip()
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


def configure_logging(program: str, *, log_format: str = "auto", level: str = "INFO") -> None:
    """Send the root logger to stdout. Replaces whatever was configured (the Lambda runtime's handler included)."""
    as_text = log_format == "text" or (log_format == "auto" and sys.stdout.isatty())
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(TextFormatter() if as_text else JsonFormatter(program))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for noisy in ("botocore", "boto3", "urllib3", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def emit_metrics(
    values: Mapping[str, tuple[float, str]], *, dimensions: Mapping[str, str], now: float | None = None
) -> None:
    """Write one EMF line: `{"OrdersAccepted": (1, "Count")}` under the namespace Cartwright."""
    line = {
        "_aws": {
            "Timestamp": int((time.time() if now is None else now) * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": "Cartwright",
                    "Dimensions": [list(dimensions)],
                    "Metrics": [{"Name": name, "Unit": unit} for name, (_, unit) in values.items()],
                }
            ],
        },
        **dimensions,
        **{name: value for name, (value, _) in values.items()},
    }
    print(json.dumps(line, separators=(",", ":")), flush=True)  # noqa: T201
