"""SES and SNS to a phone number: how the shopper is told. Neither call has an idempotency key, so each is made once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from orders.adapters.aws import aws_errors
from orders.ports import EmailMessage
from orders.settings import Settings

_TAG = re.compile(r"[^A-Za-z0-9_.@-]")
_LONGEST_SENDER_ID = 11
_LINE_BREAKS = re.compile(r"[\r\n]+")


class SesNotifier:
    """ports.Notifier on SES v2 and SNS. Both clients must make one attempt only (aws.ONE_ATTEMPT)."""

    def __init__(self, ses: Any, sns: Any, settings: Settings) -> None:
        self._ses = ses
        self._sns = sns
        self._sender = settings.mail_sender
        self._sms_sender = sender_id(settings.shop_name)

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

    def send_sms(self, phone: str, text: str, tags: Mapping[str, str]) -> str:
        """See ports.Notifier. Transactional: carriers deliver it ahead of advertisements.

        The shop's name stands where a number would, in the countries whose carriers allow it; the others show a number.
        """
        attributes = {
            "AWS.SNS.SMS.SMSType": "Transactional",
            "AWS.SNS.SMS.SenderID": self._sms_sender,
            **tags,
        }
        with aws_errors("Publish"):
            answer = self._sns.publish(
                PhoneNumber=phone,
                Message=text,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value}
                    for name, value in attributes.items()
                    if value
                },
            )
        return str(answer["MessageId"])


def sender_id(shop_name: str) -> str:
    """The sender of text messages: as many whole words of the shop's name as the 11 characters that carriers allow hold.

    Letters and digits only, at least one letter (AWS End User Messaging, sender IDs); empty when the name has none.
    """
    plain = "".join(
        each for each in unicodedata.normalize("NFKD", shop_name) if not unicodedata.combining(each)
    )
    words = re.findall(r"[A-Za-z0-9]+", plain)
    chosen = ""
    for word in words:
        if len(chosen + word) > _LONGEST_SENDER_ID:
            break
        chosen += word
    chosen = chosen or "".join(words)[:_LONGEST_SENDER_ID]
    return chosen if re.search("[A-Za-z]", chosen) else ""


def _utf8(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}


def _one_line(text: str) -> str:
    """A header's value: a line break in it would start a header of somebody else's choice."""
    return _LINE_BREAKS.sub(" ", text)


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": _TAG.sub("_", value)[:256]} for name, value in tags.items() if value]
