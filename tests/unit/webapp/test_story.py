"""The order's story: every state the machine can reach has words, and the stages agree with them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from orders.domain.events import EventType
from orders.domain.ids import new_order_id
from orders.domain.order import PaymentStatus, Stage
from orders.ports import TrackingView
from webapp.languages import language, speaking
from webapp.tracking.story import story

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
GERMAN = language("de", "/de")


def view(stage: Stage, *events: EventType, payment: PaymentStatus = PaymentStatus.AUTHORISED) -> TrackingView:
    """A view in a stage after some events."""
    happened = tuple((str(event), NOW) for event in events)
    return TrackingView(
        new_order_id(NOW), "CW", 3, str(stage), "placed", str(payment), "unfulfilled", NOW, happened
    )


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("payment", list(PaymentStatus))
def test_every_state_has_words(stage: Stage, payment: PaymentStatus) -> None:
    """No state leaves the shopper with an empty page."""
    told = story(view(stage, payment=payment))
    assert told["title"]
    assert told["text"]
    assert told["payment"]


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("payment", list(PaymentStatus))
def test_every_state_has_words_in_german(stage: Stage, payment: PaymentStatus) -> None:
    """The same story, and not one English word in what a shopper reads of it."""
    moved = view(stage, *EventType, payment=payment)
    english = story(moved)
    with speaking(GERMAN):
        german = story(moved)
    for part in ("title", "text", "payment"):
        assert german[part] != english[part]
    for part, word in (("steps", "title"), ("happened", "text")):
        pairs = list(zip(german[part], english[part], strict=True))
        assert pairs
        assert all(ours[word] != theirs[word] and ours["at"] == theirs["at"] for ours, theirs in pairs)


@pytest.mark.parametrize(
    ("stage", "states"),
    [
        (Stage.PLACED, "current todo todo todo todo"),
        (Stage.CONFIRMED, "done current todo todo todo"),
        (Stage.ON_HOLD, "done current todo todo todo"),
        (Stage.PREPARING, "done done current todo todo"),
        (Stage.PARTLY_SHIPPED, "done done done current todo"),
        (Stage.SHIPPED, "done done done current todo"),
        (Stage.DELIVERED, "done done done done done"),
    ],
)
def test_stages_are_done_up_to_the_present_one(stage: Stage, states: str) -> None:
    """One is current until the last is done."""
    assert " ".join(step["state"] for step in story(view(stage))["steps"]) == states


def test_a_cancelled_order_shows_how_far_it_came() -> None:
    """Nothing is current any more."""
    told = story(
        view(Stage.CANCELLED, EventType.ORDER_PLACED, EventType.ORDER_CONFIRMED, EventType.ORDER_CANCELLED)
    )
    assert told["is_ended"]
    assert [step["state"] for step in told["steps"]] == ["done", "done", "todo", "todo", "todo"]


def test_the_shops_own_notes_are_not_the_shoppers_business() -> None:
    """Internal events are left out; the newest stands first."""
    told = story(
        view(Stage.CONFIRMED, EventType.ORDER_PLACED, EventType.NOTE_ADDED, EventType.ORDER_CONFIRMED)
    )
    assert [event["text"] for event in told["happened"]] == ["Order confirmed", "Order placed"]
