"""The web processes themselves finish what a killed one left: nobody waits for the timer."""

from __future__ import annotations

import threading

from orders.domain.errors import OutcomeUnknown
from tests.integration.webapp.conftest import ShopUnderTest, fill_in, place, put_in_cart
from webapp.checkout import rounds
from webapp.checkout.leases import LEASE_SECONDS
from webapp.checkout.reconcile import STILL_SECONDS


def test_a_round_finishes_a_placing_that_stands_still(shop: ShopUnderTest) -> None:
    """Not at once, for its own process may be at it, but as soon as a lease has ended."""
    browser = shop.client()
    put_in_cart(browser)
    review = fill_in(browser)
    shop.order_api.troubles = [("after", OutcomeUnknown("lost"))]
    place(browser, review)
    rounds.once(shop.app)
    assert shop.checkout().status == "authorised"
    shop.clock.advance(STILL_SECONDS + 1)
    rounds.once(shop.app)
    assert shop.checkout().status == "placed"
    assert len(shop.charges("authorised")) == 1


def test_what_is_leased_is_not_taken_up_before_the_lease_ends() -> None:
    """A round that looked earlier would only find that somebody works on it."""
    assert STILL_SECONDS > LEASE_SECONDS


def test_a_round_survives_whatever_goes_wrong_in_it(shop: ShopUnderTest) -> None:
    """A bug in one checkout ends neither the thread nor the process; the next round asks again."""
    browser = shop.client()
    put_in_cart(browser)
    review = fill_in(browser)
    shop.order_api.troubles = [("before", OutcomeUnknown("lost")), ("before", RuntimeError("a bug"))]
    place(browser, review)
    for _ in range(2):
        shop.clock.advance(STILL_SECONDS + 1)
        rounds.once(shop.app)
    assert shop.checkout().status == "placed"


def test_the_rounds_end_when_they_are_told_to(shop: ShopUnderTest) -> None:
    """A process that stops leaves no thread behind that talks to closed stores."""
    ended = rounds.start(shop.app)
    [thread] = [each for each in threading.enumerate() if each.name == "checkout-rounds"]
    ended.set()
    thread.join(10)
    assert not thread.is_alive()
