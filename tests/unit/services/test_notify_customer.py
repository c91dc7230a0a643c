"""Telling the shopper: wanted channels only, each event once, and honest about what is not known (promise I11)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from lambdas.notify_customer.rendering import JinjaRenderer
from orders import failpoints
from orders.adapters.memory.clock import MemoryClock
from orders.adapters.memory.notifier import MemoryNotifier
from orders.adapters.memory.tracking import MemoryTracking
from orders.domain.errors import OutcomeUnknown, Refused, Unavailable
from orders.domain.events import EventType
from orders.messages import event_to_dict
from orders.services.notify_customer import channels_wanted, notify_customer
from tests.order_event_samples import ORDER_ID, order_event, order_part


@dataclass
class Desk:
    tracking: MemoryTracking = field(default_factory=MemoryTracking)
    notifier: MemoryNotifier = field(default_factory=MemoryNotifier)

    def tell(self, event: dict[str, Any]) -> list[str]:
        return notify_customer(
            event,
            tracking=self.tracking,
            notifier=self.notifier,
            renderer=JinjaRenderer("Shop", "https://shop.example"),
            clock=MemoryClock(),
            is_sms_enabled=True,
        )


@pytest.fixture
def desk() -> Iterator[Desk]:
    """Nobody told yet."""
    yield Desk()
    failpoints.configure("")


def event(kind: EventType = EventType.ORDER_CONFIRMED, version: int = 2, **changes: Any) -> dict[str, Any]:
    return event_to_dict(order_event(kind, version), order_part(**changes))


def test_each_channel_is_used_once_however_often_the_event_comes(desk: Desk) -> None:
    assert desk.tell(event()) == ["email", "sms"]
    assert desk.tell(event()) == []
    assert (len(desk.notifier.emails), len(desk.notifier.texts)) == (1, 1)


def test_a_text_message_is_tied_to_its_order_and_its_cause(desk: Desk) -> None:
    """One correlation id from the browser's request to the telephone (CONVENTIONS: logs, metrics, traces)."""
    desk.tell(event(EventType.ORDER_EDITED))
    assert desk.notifier.text_tags == [
        {"event": "order_edited", "order_id": str(ORDER_ID), "correlation_id": "c" * 32}
    ]


def test_two_changes_of_one_order_are_told_twice_and_each_once(desk: Desk) -> None:
    """An edit is known by its version, however often SNS and SQS bring it."""
    for version in (3, 3, 4, 3):
        desk.tell(event(EventType.ORDER_EDITED, version))
    assert (len(desk.notifier.emails), len(desk.notifier.texts)) == (2, 2)


def test_the_second_parcel_is_another_event_than_the_first(desk: Desk) -> None:
    desk.tell(event(EventType.ORDER_PARTLY_SHIPPED, version=4))
    assert desk.tell(event(EventType.ORDER_PARTLY_SHIPPED, version=6)) == ["email", "sms"]


@pytest.mark.parametrize(
    ("changes", "channels"),
    [
        ({}, ["email", "sms"]),
        ({"wants_sms": False}, ["email"]),
        ({"phone": ""}, ["email"]),
        ({"email": ""}, ["sms"]),
        ({"notify": {"email": False}}, ["sms"]),
        ({"notify": {"sms": False}}, ["email"]),
        ({"notify": None, "wants_sms": False}, ["email"]),
    ],
)
def test_only_wanted_channels_are_used(changes: dict[str, Any], channels: list[str]) -> None:
    shipped = event(EventType.ORDER_SHIPPED, **changes)
    assert channels_wanted(shipped, is_sms_enabled=True) == channels


def test_the_confirmation_comes_by_mail_whatever_was_chosen() -> None:
    """It is the shopper's record of the contract; a text message may still be refused."""
    refused = event(notify={"email": False, "sms": False})
    assert channels_wanted(refused, is_sms_enabled=True) == ["email"]


def test_texts_can_be_switched_off_for_the_whole_shop() -> None:
    assert channels_wanted(event(), is_sms_enabled=False) == ["email"]


def test_events_that_are_nobodys_business_are_not_told() -> None:
    assert channels_wanted(event(EventType.NOTE_ADDED), is_sms_enabled=True) == []


@pytest.mark.parametrize("error", [Unavailable("down"), Refused("rejected")])
def test_after_a_definite_failure_a_retry_sends_what_is_missing(
    desk: Desk, error: Unavailable | Refused
) -> None:
    """The text went out although the e-mail failed, and does not go out again."""
    desk.notifier.fail_with = error
    with pytest.raises(type(error)):
        desk.tell(event())
    assert len(desk.notifier.texts) == 1
    assert desk.tell(event()) == ["email"]
    assert (len(desk.notifier.emails), len(desk.notifier.texts)) == (1, 1)


def test_when_the_outcome_is_unknown_it_is_not_sent_again(desk: Desk) -> None:
    """Better no message than two."""
    desk.notifier.fail_with = OutcomeUnknown("the answer was lost")
    desk.notifier.fails_after_sending = True
    assert desk.tell(event()) == ["sms"]
    assert desk.tell(event()) == []
    assert len(desk.notifier.emails) == 1


@pytest.mark.parametrize("step", ["notify.after_claim", "notify.after_send"])
def test_a_fault_at_any_step_never_sends_twice(desk: Desk, step: str) -> None:
    failpoints.configure(f"{step}:error@1")
    with pytest.raises(Unavailable):
        desk.tell(event())
    desk.tell(event())
    assert (len(desk.notifier.emails), len(desk.notifier.texts)) == (1, 1)


def test_a_template_that_fails_has_not_used_up_the_one_chance(desk: Desk) -> None:
    broken = {**event(), "order": {**order_part(), "lines": [{"quantity": "two"}]}}
    with pytest.raises(TypeError):
        desk.tell(broken)
    assert desk.tell(event()) == ["email", "sms"]
