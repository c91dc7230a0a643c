"""The machines after the playbooks: configured once and for all, hardened, and nothing is left to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab import hosts
from tests.lab.conftest import ShopOnHosts
from tests.lab.shell import LabError

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(1200)]

SITE = Path(__file__).parent / "site.yml"
EXPOSURE_LIMIT = 1.5


def test_a_second_run_and_a_check_change_nothing(shop: ShopOnHosts) -> None:
    """Whoever runs the playbooks again, or asks what they would do, finds everything done."""
    again = hosts.play(shop.estate, SITE)
    assert again.succeeded, again.output[-4000:]
    assert set(again.changed.values()) == {0}, again.output
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


@pytest.mark.parametrize(
    ("machine", "unit"),
    [("web1", "cartwright-web.service"), ("worker1", "cartwright-worker@1.service")],
)
def test_the_programs_run_in_a_tight_sandbox(shop: ShopOnHosts, machine: str, unit: str) -> None:
    """systemd's own measure of what a unit could still do: 0 is nothing, 10 is everything."""
    verdict = shop.host(machine, f"systemd-analyze security --no-pager {unit} | tail -1")
    assert float(verdict.split(":")[1].split()[0]) <= EXPOSURE_LIMIT


def test_the_settings_are_for_root_alone(shop: ShopOnHosts) -> None:
    """The database's password and the signing key lie in files that the programs' own users cannot open."""
    files = {"/etc/cartwright/host.env": "640", "/var/lib/cartwright-settings/aws.env": "600"}
    for file, mode in files.items():
        assert shop.host("web1", f"stat -c %a:%U:%G {file}").strip() == f"{mode}:root:root"
    assert "CARTWRIGHT_SECRET_KEY" in shop.host("web1", "cat /var/lib/cartwright-settings/aws.env")
    with pytest.raises(LabError, match="Permission denied"):
        shop.host(
            "web1",
            "setpriv --reuid=cartwright-web --regid=cartwright --clear-groups cat /etc/cartwright/host.env",
        )


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
