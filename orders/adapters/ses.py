"""SES and SNS to a phone number: how the shopper is told. Neither call has an idempotency key, so each is made once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from orders.adapters.aws import aws_errors
from orders.ports import EmailMessage
from orders.settings import Settings

_TAG = re.compile(r"[^A-Za-z0-9_.@-]")
_LINE_BREAKS = re.compile(r"[\r\n]+")


class SesNotifier:
    """ports.Notifier on SES v2 and SNS. Both clients must make one attempt only (aws.ONE_ATTEMPT)."""

    def __init__(self, ses: Any, sns: Any, settings: Settings) -> None:
        self._ses = ses
        self._sns = sns
        self._sender = settings.mail_sender

    def send_email(self, message: EmailMessage) -> str:
        """See ports.Notifier."""
        with aws_errors("SendEmail"):
            answer = self._ses.send_email(
                FromEmailAddress=self._sender,
                Destination={"ToAddresses": [message.to]},
                Content={
                    "Simple": {
                        "Subject": _utf8(_one_line(message.subject)),
                        "Body": {"Text": _utf8(message.text), "Html": _utf8(message.html)},
                        "Headers": [
                            {"Name": name, "Value": _one_line(value)}
                            for name, value in message.headers.items()
                            if value
                        ],
                    }
                },
                EmailTags=_tags(message.tags),
            )
        return str(answer["MessageId"])

    def send_sms(self, phone: str, text: str) -> str:
        """See ports.Notifier. Transactional: carriers deliver it ahead of advertisements."""
        with aws_errors("Publish"):
            answer = self._sns.publish(
                PhoneNumber=phone,
                Message=text,
                MessageAttributes={
                    "AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"}
                },
            )
        return str(answer["MessageId"])


def _utf8(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}


def _one_line(text: str) -> str:
    """A header's value: a line break in it would start a header of somebody else's choice."""
    return _LINE_BREAKS.sub(" ", text)


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": _TAG.sub("_", value)[:256]} for name, value in tags.items() if value]
