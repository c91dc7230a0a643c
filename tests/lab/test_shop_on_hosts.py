"""The product on the machines: an order passes through them to an e-mail, and what breaks or is replaced loses none."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.buying import order_number, place, put_in_cart, to_review
from tests.e2e.conftest import browser as browser
from tests.lab import backing, hosts, machines
from tests.lab.conftest import ShopOnHosts
from tests.lab.crowd import SHOPPERS_AT_ONCE, Crowd, crowd
from tests.lab.estate import REPOSITORY
from tests.lab.phases import ORDER, phase
from tests.lab.shell import living, say, wait_until

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(900)]


def wait_for_orders(shop: ShopOnHosts, people: Crowd, more: int) -> None:
    """Wait until the crowd has placed so many more orders."""
    wanted = len(people.accepted) + more
    wait_until(lambda: len(people.accepted) >= wanted, 180, f"{more} more orders")


def assert_all_recorded(shop: ShopOnHosts, people: Crowd) -> None:
    """No accepted order was lost: each is in the book, or will be there soon."""
    assert people.accepted
    wait_until(lambda: not shop.unrecorded(people.accepted), 90, "every accepted order to be recorded")


def test_an_order_goes_through_the_balancer_to_an_email(shop: ShopOnHosts, browser: Browser) -> None:
    """Placed in Chromium; balancer, nginx, gunicorn, gateway, Lambda, queue, worker, topic and mailer do the rest."""
    with phase(shop.estate, ORDER):
        with browser.new_context(base_url=shop.url) as context:
            context.set_default_timeout(30_000)
            page = context.new_page()
            put_in_cart(page, shop.product_paths[0].removeprefix("/products/"))
            to_review(page, "lab@example.com")
            place(page)
            number = order_number(page)
            # The page moves by itself: the live stream passes nginx and the balancer unbuffered.
            expect(page.get_by_text("Confirmed").first).to_be_visible(timeout=60_000)
        wait_until(lambda: shop.mails(to="lab@example.com"), 90, f"the e-mail about {number}")


def test_a_killed_web_machine_costs_no_more_than_the_requests_in_flight(shop: ShopOnHosts) -> None:
    """The plug of web1 is pulled while people shop: web2 serves on, and web1 comes back by itself."""
    web1 = shop.estate.machine("web1")
    with crowd(shop.product_paths) as people:
        wait_for_orders(shop, people, 3)
        machines.kill(web1)
        wait_until(lambda: shop.balancer_says("web1") == "DOWN", 30, "the balancer to notice")
        wait_for_orders(shop, people, 3)
        shop.wait_until_in_rotation("web1", within_seconds=120)
        wait_for_orders(shop, people, 2)
    assert len(people.failures) <= SHOPPERS_AT_ONCE, people.failures
    assert_all_recorded(shop, people)


def test_a_rolling_deployment_and_a_rollback_fail_no_request(shop: ShopOnHosts, tmp_path: Path) -> None:
    """A new release is rolled out and taken back again while people shop."""
    served = shop.serving("web1")
    another = hosts.another(shop.estate, tmp_path / "another")
    with crowd(shop.product_paths) as people:
        wait_for_orders(shop, people, 2)
        deployed = hosts.deploy(shop.estate, another)
        assert deployed.succeeded, deployed.output[-4000:]
        wait_for_orders(shop, people, 2)
        began = time.monotonic()
        taken_back = hosts.play(shop.estate, hosts.ANSIBLE / "rollback.yml")
        assert taken_back.succeeded, taken_back.output[-4000:]
        say(f"lab: the rollback took {time.monotonic() - began:.0f} s")
        wait_for_orders(shop, people, 2)
    assert people.failures == []
    seen = {release for _, release in people.releases}
    assert seen == {served, another.name}
    assert people.releases[-1][1] == served
    assert_all_recorded(shop, people)


@pytest.mark.parametrize(
    "unless",
    ["False", 'os.environ["WEB_CONCURRENCY"] == "1"'],
    ids=["never ready", "ready on trial, not ready in service"],
)
def test_a_broken_release_is_refused_and_takes_no_traffic(
    shop: ShopOnHosts, tmp_path: Path, unless: str
) -> None:
    """It fails its gate - aside, or after the switch of the first host - and all hosts serve what they served."""
    served = shop.serving("web1")
    broken = hosts.never_ready(shop.estate, tmp_path / "broken", unless)
    with crowd(shop.product_paths) as people:
        wait_for_orders(shop, people, 1)
        outcome = hosts.deploy(shop.estate, broken)
        wait_for_orders(shop, people, 1)
    assert not outcome.succeeded
    assert "not ready within" in outcome.output
    assert people.failures == []
    assert {release for _, release in people.releases} == {served}
    assert {shop.serving(machine) for machine in ("web1", "web2", "worker1")} == {served}


def test_a_killed_worker_and_a_stopped_one_lose_no_job(shop: ShopOnHosts) -> None:
    """kill -9: systemd starts it again and the jobs resume. stop: it hands back what it holds and ends by itself."""
    with crowd(shop.product_paths) as people:
        wait_for_orders(shop, people, 2)
        restarts = shop.host("worker1", "systemctl show -P NRestarts cartwright-worker@1")
        shop.host("worker1", "systemctl kill --signal=KILL cartwright-worker@1")
        wait_for_orders(shop, people, 2)
        shop.host("worker1", "systemctl stop cartwright-worker@2")
        stopped = shop.host("worker1", "systemctl show -P Result cartwright-worker@2").strip()
        wait_for_orders(shop, people, 2)
        shop.host("worker1", "systemctl start cartwright-worker@2")
    assert stopped == "success"
    assert int(shop.host("worker1", "systemctl show -P NRestarts cartwright-worker@1")) > int(restarts)
    assert people.failures == []
    assert_all_recorded(shop, people)


@pytest.mark.parametrize("machine", ["web1", "worker1"])
def test_a_rebooted_host_comes_back_without_a_hand(shop: ShopOnHosts, machine: str) -> None:
    """Everything is enabled: the programs, nginx, the timers, the firewall."""
    host, served = shop.estate.machine(machine), shop.serving(machine)
    booted = living(host.nspawn_pid)
    shop.host(machine, "systemctl reboot --no-block")
    wait_until(lambda: living(host.nspawn_pid) not in {None, booted}, 60, f"{machine} to boot again")
    machines.wait_for_ssh(host)
    units = "cartwright-web cartwright-timer-reconcile.timer" if machine == "web1" else "cartwright-worker@1"
    wait_until(
        lambda: (
            set(shop.host(machine, f"systemctl is-active {units} nftables || true").split()) == {"active"}
        ),
        90,
        f"{units} on {machine}",
    )
    assert shop.serving(machine) == served
    shop.wait_until_in_rotation("web1", "web2")


def test_the_shop_outlives_an_outage_of_postgresql(shop: ShopOnHosts) -> None:
    """Readiness fails, the balancer serves on what needs no database, and all recover without a restart."""
    started = shop.host("web1", "systemctl show -P ActiveEnterTimestampMonotonic cartwright-web")
    away = backing.Files(shop.estate).postgres_away
    away.touch()
    try:
        wait_until(
            lambda: shop.balancer_says("web1") == shop.balancer_says("web2") == "DOWN",
            60,
            "readiness to fail",
        )
        gone = time.monotonic()
        style = shop.host("web2", "ls /srv/cartwright/assets/static/css").split()[0]
        # The balancer asks servers that are not ready rather than none: what lies on nginx is served.
        asked = subprocess.run(
            ["curl", "-sf", "-o", "/dev/null", f"{shop.url}/static/css/{style}"], check=False
        )
        assert asked.returncode == 0
        # A whole minute, as a failover of the database takes.
        wait_until(lambda: time.monotonic() - gone > 60, 90, "a minute to pass")
    finally:
        away.unlink()
    shop.wait_until_in_rotation("web1", "web2", within_seconds=90)
    with crowd(shop.product_paths) as people:
        wait_for_orders(shop, people, 3)
    assert people.failures == []
    assert shop.host("web1", "systemctl show -P ActiveEnterTimestampMonotonic cartwright-web") == started
    assert_all_recorded(shop, people)


def test_after_all_this_the_doctor_finds_nothing(shop: ShopOnHosts) -> None:
    """The invariants hold over PostgreSQL, DynamoDB and SQS."""

    def examined() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "orders.doctor"]
        return subprocess.run(
            command, cwd=REPOSITORY, env=shop.environment, capture_output=True, text=True, check=False
        )

    wait_until(lambda: examined().returncode == 0, 120, "the doctor to find nothing")
