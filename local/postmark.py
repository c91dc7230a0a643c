"""How a request that the local AWS accepted becomes a line in the in-box's file: e-mails (SES v2) and texts (SNS)."""

from __future__ import annotations

import contextlib
import json
import re
from base64 import b64decode
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

MESSAGES_FILE = "messages.jsonl"
SEND_EMAIL_PATH = "/v2/email/outbound-emails"


def is_wanted(method: str, path: str, content_type: str) -> bool:
    """Whether such a request may send something to a person.

    SQS, DynamoDB and SNS all arrive at `/`; of these, only SNS posts a form.
    """
    if method != "POST":
        return False
    return path == SEND_EMAIL_PATH or (
        path == "/" and content_type.startswith("application/x-www-form-urlencoded")
    )


def note(folder: Path, path: str, request: bytes, answer: bytes, now: datetime | None = None) -> None:
    """Append the message to the in-box's file. Nothing for a request that is neither an e-mail nor a text."""
    if path != SEND_EMAIL_PATH and not (b"PhoneNumber=" in request and b"Action=Publish" in request):
        return
    at = (now or datetime.now(UTC)).isoformat(timespec="milliseconds")
    try:
        message = _email(request, answer) if path == SEND_EMAIL_PATH else _text_message(request, answer)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return  # Accepted by the local AWS, so it counts as sent; only its shape is unknown here.
    # A full disk costs the copy for the in-box, not the shopper's order.
    with contextlib.suppress(OSError), (folder / MESSAGES_FILE).open("a", encoding="utf-8") as out:
        out.write(json.dumps({"at": at, **message}) + "\n")


def _email(request: bytes, answer: bytes) -> dict[str, Any]:
    asked = json.loads(request)
    content, destination = asked["Content"], asked.get("Destination", {})
    to = [*destination.get("ToAddresses", []), *destination.get("CcAddresses", [])]
    message = {
        "id": json.loads(answer)["MessageId"],
        "channel": "email",
        "from": asked.get("FromEmailAddress", ""),
        "to": to,
        "tags": {tag["Name"]: tag["Value"] for tag in asked.get("EmailTags", [])},
    }
    if "Raw" in content:
        return message | _raw(content["Raw"]["Data"], message)
    simple = content["Simple"]
    return message | {
        "subject": simple["Subject"]["Data"],
        "text": simple["Body"].get("Text", {}).get("Data", ""),
        "html": simple["Body"].get("Html", {}).get("Data", ""),
        "headers": {header["Name"]: header["Value"] for header in simple.get("Headers", [])},
    }


def _raw(data: str, message: dict[str, Any]) -> dict[str, Any]:
    parsed = message_from_bytes(b64decode(data), EmailMessage, policy=policy.default)
    text, html = parsed.get_body(("plain",)), parsed.get_body(("html",))
    headers = {name: str(value) for name, value in parsed.items()}
    return {
        "subject": headers.get("Subject", ""),
        "from": message["from"] or headers.get("From", ""),
        "to": message["to"] or [part.strip() for part in headers.get("To", "").split(",") if part.strip()],
        "text": text.get_content() if text else "",
        "html": html.get_content() if html else "",
        "headers": headers,
    }


def _text_message(request: bytes, answer: bytes) -> dict[str, Any]:
    form = {name: values[0] for name, values in parse_qs(request.decode("utf-8")).items()}
    found = re.search(rb"<MessageId>([^<]+)</MessageId>", answer)
    if found is None:
        raise ValueError("no MessageId in the answer")
    attributes: dict[str, str] = {}
    for name, value in form.items():
        # The query protocol numbers them: MessageAttributes.entry.1.Name, MessageAttributes.entry.1.Value.StringValue.
        if name.startswith("MessageAttributes.entry.") and name.endswith(".Name"):
            attributes[value] = form.get(name.removesuffix("Name") + "Value.StringValue", "")
    return {
        "id": found.group(1).decode("ascii"),
        "channel": "sms",
        "from": attributes.pop("AWS.SNS.SMS.SenderID", ""),
        "to": [form["PhoneNumber"]],
        "subject": "",
        "text": form["Message"],
        "html": "",
        "headers": attributes,
        "tags": {},
    }
