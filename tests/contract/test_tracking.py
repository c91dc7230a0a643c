"""What ports.TrackingStore promises, held against every adapter of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from orders.domain.ids import OrderId, new_order_id
from orders.ports import NotificationClaim, TrackingStore
from tests.order_samples import NOON, view


def fresh() -> OrderId:
    return new_order_id(datetime.now(UTC))


def test_a_view_comes_back_as_it_was_stored(tracking: TrackingStore) -> None:
    stored = replace(view(fresh()), expected_at=NOON + timedelta(days=3))
    assert tracking.project(stored)
    assert tracking.get(stored.order_id) == stored
    assert tracking.get(fresh()) is None


def test_an_older_or_equal_version_changes_nothing(tracking: TrackingStore) -> None:
    """Duplicates and late deliveries: promise I6."""
    order_id = fresh()
    assert tracking.project(view(order_id, 3, stage="shipped"))
    assert not tracking.project(view(order_id, 2, stage="confirmed"))
    assert not tracking.project(view(order_id, 3, stage="placed"))
    found = tracking.get(order_id)
    assert found is not None
    assert (found.version, found.stage) == (3, "shipped")
    assert tracking.project(view(order_id, 4, stage="delivered"))


def test_projections_in_any_order_end_with_the_newest(tracking: TrackingStore) -> None:
    order_id = fresh()
    views = [view(order_id, version, stage=f"stage-{version}") for version in range(1, 13)]
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(tracking.project, views[::2] + views[1::2][::-1]))
    found = tracking.get(order_id)
    assert found is not None
    assert found.version == 12


def test_many_views_are_read_at_once(tracking: TrackingStore) -> None:
    views = [view(fresh()) for _ in range(130)]
    for each in views:
        tracking.project(each)
    wanted = [each.order_id for each in views] + [fresh()]
    assert tracking.get_many(wanted) == {each.order_id: each for each in views}
    assert tracking.get_many([]) == {}


def test_the_scan_finds_views_and_no_ledger_entries(tracking: TrackingStore) -> None:
    stored = view(fresh())
    tracking.project(stored)
    tracking.claim_notification(stored.order_id, "order_confirmed", "email", NOON)
    assert list(tracking.all_views()) == [stored]


def test_a_notification_is_claimed_once_per_event_and_channel(tracking: TrackingStore) -> None:
    """Promise I11, also after it was sent."""
    order_id = fresh()
    assert tracking.claim_notification(order_id, "order_confirmed", "email", NOON)
    assert not tracking.claim_notification(order_id, "order_confirmed", "email", NOON)
    assert tracking.claim_notification(order_id, "order_confirmed", "sms", NOON)
    assert tracking.claim_notification(order_id, "order_shipped", "email", NOON)
    tracking.finish_notification(order_id, "order_confirmed", "email", NOON, "provider-1")
    assert not tracking.claim_notification(order_id, "order_confirmed", "email", NOON)


def test_a_claim_is_open_until_it_is_finished_or_given_back(tracking: TrackingStore) -> None:
    """What the doctor asks: of which messages nobody knows whether they were sent."""
    order_id = fresh()
    for event in ("order_confirmed", "order_shipped", "order_delivered"):
        tracking.claim_notification(order_id, event, "email", NOON)
    tracking.finish_notification(order_id, "order_confirmed", "email", NOON, "provider-1")
    tracking.release_notification(order_id, "order_shipped", "email")
    ours = [claim for claim in tracking.open_claims() if claim.order_id == order_id]
    assert ours == [NotificationClaim(order_id, "order_delivered", "email", NOON)]


def test_of_eight_claims_at_once_one_wins(tracking: TrackingStore) -> None:
    order_id = fresh()
    with ThreadPoolExecutor(8) as pool:
        wins = list(
            pool.map(
                lambda _: tracking.claim_notification(order_id, "order_shipped", "email", NOON), range(8)
            )
        )
    assert sum(wins) == 1


def test_a_released_claim_can_be_claimed_again(tracking: TrackingStore) -> None:
    order_id = fresh()
    tracking.claim_notification(order_id, "order_shipped", "email", NOON)
    tracking.release_notification(order_id, "order_shipped", "email")
    tracking.release_notification(order_id, "order_shipped", "email")
    assert tracking.claim_notification(order_id, "order_shipped", "email", NOON)


def test_what_was_sent_cannot_be_released(tracking: TrackingStore) -> None:
    order_id = fresh()
    tracking.claim_notification(order_id, "order_shipped", "email", NOON)
    tracking.finish_notification(order_id, "order_shipped", "email", NOON, "provider-1")
    tracking.release_notification(order_id, "order_shipped", "email")
    assert not tracking.claim_notification(order_id, "order_shipped", "email", NOON)
