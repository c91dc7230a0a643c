"""Promise I9: kill -9 of any program at any labelled step, and the shop recovers: no order lost, doubled or half done.

Every label of orders.failpoints has a scenario. The scenarios of the chosen tests run side by side, because most of the
time is spent waiting for what a dead process holds: a message that it received is nobody's for ten seconds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from orders.failpoints import NAMES
from tests.chaos.conftest import OpenShop
from tests.chaos.scenarios import CONFIRMED, SCENARIOS, VOIDS, Crash
from tests.chaos.shop import ChaosShop, Facts, wait_for, wait_for_all

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(300)]

PROMISED_SECONDS = 10
NOISE = 3
"""The scenarios run side by side and stretch each other's time. Where more processes than that wait for a core, the
limit grows with them: the promise is for a machine that is not overloaded."""
AT_ONCE = 6

CASES = [*sorted(SCENARIOS), *(f"{label} of a void" for label in sorted(VOIDS))]


def limit_seconds() -> float:
    """How long a recovery may take on this machine at this moment."""
    return PROMISED_SECONDS * max(NOISE, os.getloadavg()[0] / (os.cpu_count() or 1))


@dataclass(frozen=True)
class Outcome:
    """How a shop stood when nothing moved any more."""

    crash: Crash
    recovered_after_seconds: float
    facts: tuple[Facts, ...]
    wrong: tuple[str, ...]
    """What the doctor found at the end."""
    open_attempts: int
    told: str


def prove(case: str, open_shop: OpenShop) -> Outcome:
    """Crash a shop at a label, start everything again, and wait until it has recovered and come to rest."""
    label = case.removesuffix(" of a void")
    scenario = (SCENARIOS if label == case else VOIDS)[label]
    with open_shop(case.replace(" ", "-")) as shop:
        crash = scenario(shop, label)
        restart(shop, crash)
        wait_for(
            f"{case}: the shop recovers",
            lambda: is_recovered(shop, crash),
            limit_seconds(),
            shop.describe,
        )
        recovered_after = time.monotonic() - crash.at
        wait_for(f"{case}: it comes to rest", lambda: shop.is_quiet(shop.diagnosis()), 60, shop.describe)
        look = shop.diagnosis()
        return Outcome(
            crash,
            recovered_after,
            tuple(shop.facts(order_id) for order_id in shop.order_ids),
            tuple(f"{found.promise} {found.subject}: {found.problem}" for found in look.all),
            shop.open_attempts().total(),
            shop.describe(),
        )


def restart(shop: ChaosShop, crash: Crash) -> None:
    """What systemd, AWS and the shopper do: start what died, call what is due, ask again for a lost answer."""
    shop.start("platform")
    shop.start("worker")
    if crash.client_repeats is not None:
        wait_for_all([crash.client_repeats()])
    if crash.reconcile_later_seconds:
        wait_for_all([shop.start("reconciler", crash.reconcile_later_seconds)])
        shop.order_ids = shop.holds_money_for()


def is_recovered(shop: ChaosShop, crash: Crash) -> bool:
    """Whether every order is where it belongs and the doctor finds nothing."""
    facts = [shop.facts(order_id) for order_id in shop.order_ids]
    has_arrived = bool(facts) and all(
        each.events == crash.events and len(each.mails) >= crash.mails for each in facts
    )
    return has_arrived and shop.diagnosis().is_healthy


@pytest.fixture(scope="module")
def outcomes(
    request: pytest.FixtureRequest, open_chaos_shop: OpenShop
) -> Iterator[Mapping[str, Future[Outcome]]]:
    """The scenarios of the chosen tests, under way."""
    chosen = [
        item.callspec.params["case"]
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and item.path == request.path
        and "case" in getattr(getattr(item, "callspec", None), "params", {})
    ]
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="chaos") as pool:
        yield {case: pool.submit(prove, case, open_chaos_shop) for case in chosen}
        pool.shutdown(cancel_futures=True)


def test_every_label_has_a_scenario_and_every_scenario_a_label() -> None:
    """A failpoint that nobody walks through proves nothing."""
    assert SCENARIOS.keys() == NAMES


@pytest.mark.parametrize("case", CASES)
def test_a_kill_at_this_step_is_recovered_from(case: str, outcomes: Mapping[str, Future[Outcome]]) -> None:
    """After the restart each order is recorded once, paid once and told once, and the doctor finds nothing."""
    outcome = outcomes[case].result()
    print(f"{case}: recovered {outcome.recovered_after_seconds:.1f} s after the kill")  # noqa: T201
    crash = outcome.crash
    assert outcome.wrong == (), outcome.told
    is_sale = crash.events == CONFIRMED
    for facts in outcome.facts:
        assert facts.events == crash.events
        assert (facts.captures, facts.captured_minor > 0, facts.held_minor) == (int(is_sale), is_sale, 0)
        assert len(facts.mails) == crash.mails, outcome.told
        assert facts.texts <= 1
    assert outcome.open_attempts == 0, outcome.told
