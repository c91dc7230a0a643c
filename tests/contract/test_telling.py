"""The topic and the notifier on the local AWS: what arrives is what was meant."""

from __future__ import annotations

import json

import pytest

from local.aws import LocalAws
from orders.adapters.aws import ONE_ATTEMPT, make_client
from orders.adapters.memory.topic import MemoryEvents
from orders.adapters.ses import SesNotifier, sender_id
from orders.adapters.sns import SnsEvents
from orders.adapters.sqs import open_queue
from orders.domain.errors import Refused
from orders.messages import decode_event, event_to_dict
from orders.ports import EmailMessage
from orders.settings import Settings
from tests.order_event_samples import order_event, order_part


@pytest.fixture
def notifier(aws_settings: Settings) -> SesNotifier:
    """A notifier whose sender is verified."""
    ses = make_client("sesv2", aws_settings)
    address = aws_settings.mail_sender.partition("<")[2].rstrip(">")
    ses.create_email_identity(EmailIdentity=address)
    return SesNotifier(ses, make_client("sns", aws_settings, ONE_ATTEMPT), aws_settings)


def in_box(aws: LocalAws) -> list[dict[str, object]]:
    """What the local AWS says it delivered, as the in-box shows it."""
    path = aws.mail / "messages.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def test_an_email_arrives_with_its_headers_tags_and_both_bodies(
    notifier: SesNotifier, aws_environment: LocalAws
) -> None:
    provider_id = notifier.send_email(
        EmailMessage(
            to="ada@example.org",
            subject="Grüße\r\nBcc: eve@example.org",
            text="Hello",
            html="<p>Hello</p>",
            headers={"X-Correlation-Id": "c" * 32, "List-Unsubscribe": "<https://shop.example/u>"},
            tags={"event": "order_confirmed", "correlation_id": "c" * 32},
        )
    )
    (mail,) = [each for each in in_box(aws_environment) if each["id"] == provider_id]
    assert mail["to"] == ["ada@example.org"]
    assert mail["subject"] == "Grüße Bcc: eve@example.org"
    assert (mail["text"], mail["html"]) == ("Hello", "<p>Hello</p>")
    assert mail["headers"] == {"X-Correlation-Id": "c" * 32, "List-Unsubscribe": "<https://shop.example/u>"}
    assert mail["tags"] == {"event": "order_confirmed", "correlation_id": "c" * 32}


def test_a_text_message_arrives(notifier: SesNotifier, aws_environment: LocalAws) -> None:
    """From the shop, as something that was asked for, tied to the request that caused it: as the provider is told it."""
    tags = {"order_id": "o1", "correlation_id": "c" * 32, "event": ""}
    provider_id = notifier.send_sms("+4930123456", "Your order is on its way", tags)
    (text,) = [each for each in in_box(aws_environment) if each["id"] == provider_id]
    assert "+4930123456" in json.dumps(text)
    assert text["text"] == "Your order is on its way"
    assert text["from"] == "Cartwright"
    assert text["headers"] == {
        "AWS.SNS.SMS.SMSType": "Transactional",
        "order_id": "o1",
        "correlation_id": "c" * 32,
    }


@pytest.mark.parametrize(
    ("shop_name", "sender"),
    [
        ("Cartwright & Co", "Cartwright"),
        ("Tea Bar 7", "TeaBar7"),
        ("Grandmother's Larder", "Grandmother"),
        ("Württembergische Manufaktur", "Wurttemberg"),
        ("24/7", ""),
        ("Supercalifragilistic", "Supercalifr"),
    ],
)
def test_a_text_message_is_sent_under_the_shops_name_as_carriers_take_it(shop_name: str, sender: str) -> None:
    """Eleven letters and digits; a name without a letter is none."""
    assert sender_id(shop_name) == sender


def test_a_sender_that_is_not_verified_is_refused_by_the_providers_word(
    aws_settings: Settings,
) -> None:
    """A definite answer: nothing was sent, so the claim may be given back."""
    ses = make_client("sesv2", aws_settings)
    other = Settings(aws_endpoint_url=aws_settings.aws_endpoint_url, mail_sender="nobody@unverified.example")
    with pytest.raises(Refused, match="MessageRejected"):
        SesNotifier(ses, None, other).send_email(EmailMessage("a@example.org", "s", "t", "h"))


def test_events_reach_the_notify_queue_in_the_wire_format(aws_settings: Settings) -> None:
    payloads = [event_to_dict(order_event(version=n), order_part()) for n in range(1, 24)]
    SnsEvents(make_client("sns", aws_settings), aws_settings).publish(payloads)
    notify = open_queue(aws_settings, "notify")
    received = []
    while batch := notify.receive(10, wait_seconds=1):
        received += batch
    versions = sorted(decode_event(message.body)["version"] for message in received)
    assert versions == list(range(1, 24))
    assert received[0].attributes["event"] == "order_confirmed"
    assert received[0].attributes["channels"] == "email,sms"
    assert received[0].attributes["correlation_id"] == "c" * 32


def test_the_topic_in_memory_takes_the_same_payloads() -> None:
    topic = MemoryEvents()
    payload = event_to_dict(order_event(), order_part())
    topic.publish([payload])
    assert topic.published == [payload]
