"""How the console speaks: statuses as words and tones, times as ages. Jinja's globals for staff pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from webapp.console.shop_time import shop_moment
from webapp.wiring import wiring

_TONES: Mapping[str, Mapping[str, str]] = {
    "order": {
        "placed": "info",
        "confirmed": "info",
        "completed": "good",
        "cancelled": "off",
        "expired": "off",
    },
    "payment": {
        "authorised": "info",
        "captured": "good",
        "partly_refunded": "warn",
        "refunded": "off",
        "voided": "off",
        "failed": "bad",
    },
    "fulfilment": {
        "unfulfilled": "info",
        "picking": "warn",
        "partly_shipped": "warn",
        "shipped": "good",
        "delivered": "good",
    },
    "return": {"requested": "warn", "approved": "info", "rejected": "off", "received": "good"},
    "reservation": {
        "reserved": "warn",
        "confirmed": "good",
        "released": "off",
        "expired": "bad",
        "fulfilled": "off",
    },
    "job": {
        "queued": "info",
        "running": "warn",
        "done": "good",
        "partly_done": "warn",
        "failed": "bad",
        "skipped": "off",
        "cancelled": "off",
    },
}
_NEVER_TONE = "off"


def tone_of(kind: str, value: str) -> str:
    """The colour of a status: info, good, warn, bad or off. Colour never stands alone, the word is beside it."""
    return _TONES.get(kind, {}).get(value, _NEVER_TONE)


def words(value: str) -> str:
    """A code as words: `partly_shipped` as `partly shipped`."""
    return str(value).replace("_", " ").replace(".", ", ")


def span(length: timedelta) -> str:
    """A length of time in its largest unit: `45 s`, `12 min`, `3 h`, `9 d`."""
    seconds = int(length.total_seconds())
    if seconds < 90:
        return f"{seconds} s"
    if seconds < 90 * 60:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h" if seconds < 48 * 3600 else f"{seconds // 86400} d"


def ago(value: datetime) -> str:
    """How long ago: `just now`, `12 min ago`; after two weeks the date itself."""
    passed = wiring().clock.now() - value.astimezone(UTC)
    if passed < timedelta(0):
        return f"in {span(-passed)}"
    if passed < timedelta(seconds=10):
        return "just now"
    return f"{span(passed)} ago" if passed < timedelta(days=14) else shop_moment(value).split(",")[0]
