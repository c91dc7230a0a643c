"""The machines after the playbooks: configured once and for all, hardened, and nothing is left to do."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from tests.lab import hosts, machines, visitor
from tests.lab.conftest import ShopOnHosts
from tests.lab.estate import ADDRESSES
from tests.lab.phases import CHECK, SECOND, phase
from tests.lab.shell import LabError, run, wait_until

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(1200)]

SITE = Path(__file__).parent / "site.yml"
EXPOSURE_LIMIT = 1.5


def test_a_second_run_and_a_check_change_nothing(shop: ShopOnHosts) -> None:
    """Whoever runs the playbooks again, or asks what they would do, finds everything done."""
    with phase(shop.estate, SECOND):
        again = hosts.play(shop.estate, SITE)
    assert again.succeeded, again.output[-4000:]
    assert set(again.changed.values()) == {0}, again.output
    with phase(shop.estate, CHECK):
        check = hosts.play(shop.estate, SITE, "--check", "--diff")
    assert check.succeeded, check.output[-4000:]
    assert set(check.changed.values()) == {0}, check.output


def test_deploying_the_same_release_again_changes_nothing(shop: ShopOnHosts) -> None:
    """A repeated deployment restarts nothing."""
    again = hosts.deploy(shop.estate, shop.release)
    assert again.succeeded, again.output[-4000:]
    assert set(again.changed.values()) == {0}, again.output


@pytest.mark.parametrize("machine", ["lb1", "web1", "web2", "worker1"])
def test_every_unit_of_a_machine_is_well(shop: ShopOnHosts, machine: str) -> None:
    """systemd calls the machine running: no unit has failed."""
    failed = shop.host(machine, "systemctl list-units --failed --plain --no-legend")
    assert failed.strip() == ""
    assert shop.host(machine, "systemctl is-system-running || true").strip() == "running"


def test_what_runs_by_the_clock_goes_on_when_a_timer_is_stopped(shop: ShopOnHosts) -> None:
    """systemd upholds the timers, and they are there after a reboot: web1 is rebooted by another test."""
    waiting = 'systemctl list-timers --all --plain --no-legend "cartwright-timer-*" | wc -l'
    assert int(shop.host("web2", waiting)) == 4
    shop.host("web2", "systemctl stop cartwright-timer-reconcile.timer")
    active = "systemctl is-active cartwright-timer-reconcile.timer || true"
    wait_until(lambda: shop.host("web2", active).strip() == "active", 60, "the timer to be started again")


@pytest.mark.parametrize(
    ("machine", "unit"),
    [("web1", "cartwright-web.service"), ("worker1", "cartwright-worker@1.service")],
)
def test_the_programs_run_in_a_tight_sandbox(shop: ShopOnHosts, machine: str, unit: str) -> None:
    """systemd's own measure of what a unit could still do: 0 is nothing, 10 is everything."""
    verdict = shop.host(machine, f"systemd-analyze security --no-pager {unit} | tail -1")
    assert float(verdict.split(":")[1].split()[0]) <= EXPOSURE_LIMIT


@pytest.mark.parametrize(("machine", "user"), [("web1", "cartwright-web"), ("worker1", "cartwright-worker")])
def test_the_settings_are_for_root_alone(shop: ShopOnHosts, machine: str, user: str) -> None:
    """The database's password and the signing key lie in files that not even the programs' own users can open."""
    files = {"/etc/cartwright/host.env": "640", "/var/lib/cartwright-settings/aws.env": "600"}
    for file, mode in files.items():
        assert shop.host(machine, f"stat -c %a:%U:%G {file}").strip() == f"{mode}:root:root"
    held = shop.host(machine, f"cat {' '.join(files)}")
    assert "CARTWRIGHT_SECRET_KEY" in held
    assert "CARTWRIGHT_DATABASE_URL" in held
    for other in (user, "cartwright-migrate", "nobody"):
        as_other = f"setpriv --reuid={other} --regid=cartwright --init-groups"
        assert shop.host(machine, f"{as_other} cat /etc/hostname").strip() == machine
        for file in files:
            with pytest.raises(LabError, match="Permission denied"):
                shop.host(machine, f"{as_other} cat {file}")
    assert shop.host(machine, "find /etc/cartwright /var/lib/cartwright-settings -perm /o=rwx") == ""


def test_the_shop_sees_who_its_visitors_are_and_no_visitor_can_choose(shop: ShopOnHosts) -> None:
    """This computer stands before the balancer as CloudFront does, and is believed; worker1 is anybody else."""
    email = visitor.somebody()
    words = [ADDRESSES["lb1"], email, "198.51.100.66, 203.0.113.9"]
    run(sys.executable, "-c", visitor.TRY_TO_SIGN_IN, *words)
    assert visitor.counted_for(shop.engine, email) == "203.0.113.9"

    email = visitor.somebody()
    words = [ADDRESSES["lb1"], email, "203.0.113.9"]
    said = machines.run_inside(
        shop.estate.machine("worker1"), shlex.join(["python3", "-c", visitor.TRY_TO_SIGN_IN, *words])
    )
    assert said.returncode == 0, said.stderr
    assert visitor.counted_for(shop.engine, email) == ADDRESSES["worker1"]


def test_nobody_signs_in_with_a_password(shop: ShopOnHosts) -> None:
    """ssh offers keys and nothing else."""
    refusal = hosts.answers_to_password(shop.estate, "web1")
    assert "Permission denied (publickey)" in refusal


def test_only_the_balancer_reaches_the_web_servers(shop: ShopOnHosts) -> None:
    """The firewall drops what another host sends to nginx, and the balancer's own requests pass."""
    ask = 'python3 -c "import socket; socket.create_connection((\\"10.231.7.11\\", 80), 2)"'
    with pytest.raises(LabError, match=r"TimeoutError|timed out"):
        shop.host("worker1", ask)
    shop.host("lb1", ask)


def test_static_files_come_from_nginx_with_the_contents_name(shop: ShopOnHosts) -> None:
    """A stylesheet named by its content is answered by nginx itself, compressed, to be kept for ever."""
    fetch = (
        "page=$(curl -s http://127.0.0.1/); "
        'path=$(grep -o "/static/[^\\"]*[.]css" <<<"$page" | head -1); '
        'curl -s -D - -o /dev/null -H "Accept-Encoding: gzip" http://127.0.0.1$path'
    )
    headers = shop.host("web1", fetch).lower()
    assert " 200 " in headers.splitlines()[0]
    assert "immutable" in headers
    assert "content-encoding: gzip" in headers
    # The application puts an id on all that it answers.
    assert "x-correlation-id" not in headers


def test_the_programs_lines_reach_the_log_files_as_they_were_written(shop: ShopOnHosts) -> None:
    """The CloudWatch agent finds JSON in the file, from the first character on."""
    line = shop.host("worker1", "grep -m 1 worker_started /var/log/cartwright/cartwright-worker.log")
    assert line.startswith("{")
    assert '"event":"worker_started"' in line
