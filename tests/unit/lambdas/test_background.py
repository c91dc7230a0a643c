"""The sweeper and the notifier as AWS calls them."""

from __future__ import annotations

import json

from lambdas.notify_customer import handler as notify_customer
from lambdas.sweep import handler as sweep
from orders.messages import encode_event, event_to_dict
from tests.lambda_events import sqs_event
from tests.order_event_samples import order_event, order_part
from tests.unit.lambdas.conftest import Shop


def event_body(**changes: object) -> str:
    return encode_event(event_to_dict(order_event(), order_part(**changes)))


def test_a_sweep_reports_and_measures_what_it_did(shop: Shop, capsys: object) -> None:
    assert sweep.handle({"id": "not-safe!", "detail-type": "Scheduled Event"}, None) == {
        "sent": 0,
        "expired": 0,
        "unreadable": 0,
    }


def test_a_batch_reports_only_the_records_that_failed(shop: Shop) -> None:
    """One poison message must not bring its neighbours back."""
    event = sqs_event([event_body(), "{", event_body(email="bob@example.org")])
    answer = notify_customer.handle(event, None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "record-1"}]}
    assert [message.to for message in shop.notifier.emails] == ["ada@example.org"]


def test_a_message_delivered_twice_is_sent_once(shop: Shop) -> None:
    event = sqs_event([event_body()])
    for _ in range(2):
        assert notify_customer.handle(event, None) == {"batchItemFailures": []}
    assert len(shop.notifier.emails) == 1
    assert len(shop.notifier.texts) == 1


def test_an_event_of_an_older_release_is_kept_for_people(shop: Shop) -> None:
    body = json.dumps({**json.loads(event_body()), "schema_version": 99})
    assert len(notify_customer.handle(sqs_event([body]), None)["batchItemFailures"]) == 1


def test_the_mail_carries_the_ids_that_tie_it_to_its_order(shop: Shop) -> None:
    notify_customer.handle(sqs_event([event_body()]), None)
    (mail,) = shop.notifier.emails
    assert mail.headers["X-Correlation-Id"] == "c" * 32
    assert mail.tags["event"] == "order_confirmed"
