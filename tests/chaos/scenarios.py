"""One scenario for each failpoint: bring a shop to where the label is passed, and see the process die there.

A scenario ends with a dead process and everything else of the shop still to be started. What follows is the same for all:
see `recover`.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.chaos.programs import Program
from tests.chaos.shop import MUG, PRICE_MINOR, ChaosShop, wait_for, wait_for_all

PATIENCE_SECONDS = 60
"""For the way to the fault; nothing is promised about it."""
CONFIRMED = ("order_placed", "order_confirmed", "payment_captured")
EXPIRED = ("order_placed", "order_expired", "payment_voided")


@dataclass(frozen=True)
class Crash:
    """A process died at a label. `events` is what the book shall say of every order once the shop has recovered."""

    at: float
    """time.monotonic() of the death."""
    events: tuple[str, ...] = CONFIRMED
    mails: int = 1
    """How many e-mails each order's shopper shall get."""
    reconcile_later_seconds: float = 0
    """The reconciler's clock: how far ahead of the time it runs. 0: it does not."""
    client_repeats: Callable[[], Program] | None = None
    """The caller whose answer was lost asks again, as checkout does."""


def _died(program: Program, label: str) -> float:
    """Wait for the death by SIGKILL at the label."""
    code = program.death(PATIENCE_SECONDS)
    assert code == -signal.SIGKILL, f"{label} was not passed; exit code {code}\n{program.said()}"
    assert f"failpoint {label}: crash" in program.said()
    return time.monotonic()


def submit(shop: ChaosShop, label: str) -> Crash:
    """The order Lambda dies. Only an order that was not accepted needs its caller again."""
    body = shop.authorised_order(2)
    at = _died(shop.submit(body, failpoint=f"{label}:crash"), label)
    was_accepted = label != "submit.before_reserve"
    return Crash(at, client_repeats=None if was_accepted else lambda: shop.submit(body))


def sweep_sends(shop: ChaosShop, label: str) -> Crash:
    """A Lambda died before it sent the order's message, and so does the sweeper after it sent it."""
    _died(
        shop.submit(shop.authorised_order(), failpoint="submit.after_reserve:crash"), "submit.after_reserve"
    )
    return Crash(_died(shop.start("platform", failpoint=f"{label}:crash"), label))


def sweep_expires(shop: ChaosShop, label: str) -> Crash:
    """The sweeper dies once it gave the stock of an order back that stayed unsent for its whole hour (a second here)."""
    _leave_unsent(shop)
    dying = shop.start("platform", failpoint=f"{label}:crash", CARTWRIGHT_SWEEP_AFTER_SECONDS="3600")
    return Crash(_died(dying, label), events=EXPIRED)


def _leave_unsent(shop: ChaosShop) -> None:
    """An accepted order whose message was never sent, and whose reservation ends in a second."""
    step = "submit.after_reserve"
    lost = shop.submit(
        shop.authorised_order(), failpoint=f"{step}:crash", CARTWRIGHT_RESERVATION_TTL_SECONDS="1"
    )
    _died(lost, step)


def worker(shop: ChaosShop, label: str) -> Crash:
    """The worker dies, with two orders in hand or on their way."""
    wait_for_all([shop.submit(shop.authorised_order(2), shop.authorised_order())])
    return Crash(_died(shop.start("worker", failpoint=f"{label}:crash"), label))


def expiring_worker(shop: ChaosShop, label: str) -> Crash:
    """The worker dies while it lets the money of an expired order go: the provider call is a void here."""
    _leave_unsent(shop)
    order_id = shop.order_ids[0]
    sweeper = shop.start("platform", CARTWRIGHT_SWEEP_AFTER_SECONDS="3600")
    wait_for("the order has expired", lambda: not shop.holds_stock(order_id), PATIENCE_SECONDS, sweeper.said)
    return Crash(_died(shop.start("worker", failpoint=f"{label}:crash"), label), events=EXPIRED)


def notifier(shop: ChaosShop, label: str) -> Crash:
    """The notifier dies before or after the e-mail is handed over.

    Whoever finds its claim cannot know which; rather no message than two (promise I11).
    """
    wait_for_all([shop.submit(shop.authorised_order())])
    dying = shop.start("platform", failpoint=f"{label}:crash")
    shop.start("worker")
    return Crash(_died(dying, label), mails=0 if label == "notify.after_claim" else 1)


def checkout(shop: ChaosShop, label: str) -> Crash:
    """The web process dies under the click. The shopper closes the browser: the reconciler finishes the order.

    It takes up what stood still for a minute, and what a dead process leased for 40 s: its clock runs ahead here.
    """
    shop.serve_order_api()
    shopper = shop.start("shopper", MUG, PRICE_MINOR, failpoint=f"{label}:crash")
    return Crash(_died(shopper, label), reconcile_later_seconds=61)


SCENARIOS: Mapping[str, Callable[[ChaosShop, str], Crash]] = {
    "submit.before_reserve": submit,
    "submit.after_reserve": submit,
    "submit.after_send": submit,
    "submit.after_mark_sent": submit,
    "sweep.after_send": sweep_sends,
    "sweep.after_expire": sweep_expires,
    "worker.after_receive": worker,
    "worker.before_commit": worker,
    "worker.after_commit": worker,
    "worker.after_delete": worker,
    "payment.after_attempt": worker,
    "payment.after_call": worker,
    "payment.after_commit": worker,
    "outbox.after_claim": worker,
    "outbox.after_tracking": worker,
    "outbox.after_stock": worker,
    "outbox.after_event": worker,
    "outbox.after_job": worker,
    "outbox.before_done": worker,
    "notify.after_claim": notifier,
    "notify.after_send": notifier,
    "checkout.after_attempt": checkout,
    "checkout.after_authorise": checkout,
    "checkout.after_submit": checkout,
}
"""By label."""

VOIDS: Mapping[str, Callable[[ChaosShop, str], Crash]] = {
    label: expiring_worker for label in SCENARIOS if label.startswith("payment.")
}
"""The same labels are passed where money is given back."""
