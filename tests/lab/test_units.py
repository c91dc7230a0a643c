"""The units as the templates make them, measured without a host; and the playbooks under the linter."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from cloudformation.deploy import template
from tests.lab.estate import REPOSITORY
from tests.lab.hosts import ANSIBLE, ansible_program

pytestmark = pytest.mark.hosts

EXPOSURE_LIMIT = 15
"""systemd counts tenths: 1.5 of 10."""
UNITS = (
    "cartwright-web.service",
    "cartwright-candidate@trial.service",
    "cartwright-worker@1.service",
    "cartwright-migrate@release.service",
    "cartwright-settings.service",
    "cartwright-timer-reconcile.service",
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the rendered units where a host has them."""
    target = tmp_path_factory.mktemp("rendered")
    command = [
        ansible_program("ansible-playbook"),
        "-i",
        "localhost,",
        str(Path(__file__).parent / "render.yml"),
    ]
    done = subprocess.run(
        [*command, "-e", f"target={target}"],
        env=_environment(target),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return target


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="only systemd measures units")
@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_can_do_little_beside_its_work(tree: Path, unit: str) -> None:
    """The exposure that `systemd-analyze security` counts stays within the limit."""
    source = tree / "etc/systemd/system" / unit
    if "@" in unit:
        # An instance is measured by the file of its template.
        shutil.copy(source.with_name(f"{unit.split('@')[0]}@.service"), source)
    command = [
        "systemd-analyze",
        "security",
        "--offline=true",
        f"--root={tree}",
        f"--threshold={EXPOSURE_LIMIT}",
    ]
    done = subprocess.run([*command, unit], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


@pytest.mark.parametrize("unit", ["cartwright-web.service", "cartwright-candidate@.service"])
def test_no_setting_changes_how_many_proxies_the_web_application_sees(tree: Path, unit: str) -> None:
    """It is nginx alone, on every host; systemd lets files of settings win over Environment=, but not over a command."""
    text = (tree / "etc/systemd/system" / unit).read_text(encoding="utf-8")
    [command] = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    assert command.startswith("ExecStart=/usr/bin/env CARTWRIGHT_TRUSTED_PROXIES=1 ")


def test_nginx_is_as_patient_as_the_balancer_of_50_web_wants_it() -> None:
    """It keeps an idle connection longer than the ALB, and drains longer than the ALB takes to notice."""
    chosen = yaml.safe_load((ANSIBLE / "roles/web/defaults/main.yml").read_text(encoding="utf-8"))
    resources = template.load(REPOSITORY / "cloudformation" / "50-web.yaml").resources
    attributes = resources["LoadBalancer"]["Properties"]["LoadBalancerAttributes"]
    said = {entry["Key"]: entry["Value"] for entry in attributes}
    assert chosen["web_keepalive_seconds"] > int(said["idle_timeout.timeout_seconds"])
    targets = resources["WebTargets"]["Properties"]
    until_noticed = targets["HealthCheckIntervalSeconds"] * targets["UnhealthyThresholdCount"]
    assert chosen["web_drain_seconds"] > until_noticed


def test_every_unit_has_a_user_of_its_own_or_no_capability(tree: Path) -> None:
    """Only the reader of settings is root, because the file that it writes is root's alone."""
    for path in sorted((tree / "etc/systemd/system").glob("*.service")):
        text = path.read_text(encoding="utf-8")
        if path.name.startswith("cartwright-settings"):
            assert "User=" not in text
        else:
            assert "User=cartwright-" in text, path.name


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_playbooks_pass_the_strictest_profile_of_the_linter(tmp_path: Path) -> None:
    """ansible-lint, profile production, nothing skipped."""
    command = [
        ansible_program("ansible-lint"),
        "--offline",
        "--profile",
        "production",
        "--strict",
        "--nocolor",
    ]
    done = subprocess.run(
        [*command, "ansible", "tests/lab"],
        cwd=REPOSITORY,
        env=_environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "playbook", sorted(path.name for path in ANSIBLE.glob("*.yml") if path.name != "requirements-aws.yml")
)
def test_a_playbook_can_be_read(playbook: str, tmp_path: Path) -> None:
    """Ansible understands each playbook with the inventory of a plain host."""
    command = [
        ansible_program("ansible-playbook"),
        "--syntax-check",
        "-i",
        str(ANSIBLE / "inventories/local.yml"),
    ]
    extra = ["-e", "release_bundle=build/cartwright-x.tar.gz"]
    done = subprocess.run(
        [*command, str(ANSIBLE / playbook), *extra],
        env=_environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_files_are_written_once_in_one_step_and_only_when_their_check_accepts_them(tmp_path: Path) -> None:
    """The module that the roles write files with: a repeat and --check change nothing, drift is repaired."""
    playbook = Path(__file__).parent / "files.yml"
    (tmp_path / "files").mkdir()
    command = [ansible_program("ansible-playbook"), "-i", "localhost,", str(playbook)]
    done = subprocess.run(
        [*command, "-e", f"target={tmp_path / 'files'}", "-e", "ansible_become=false"],
        env=_environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_user_data_fits_into_its_limit_and_is_a_program() -> None:
    """EC2 takes 16 kB; what CloudFormation fills in is the only thing in braces."""
    text = (ANSIBLE / "ec2" / "user_data.sh").read_text(encoding="utf-8")
    assert len(text.encode()) < 16_384
    filled = text.replace("${", "{")
    assert subprocess.run(["bash", "-n"], input=filled, text=True, check=False).returncode == 0
    assert subprocess.run(["bash", "-n", str(ANSIBLE / "ec2" / "configure.sh")], check=False).returncode == 0


def test_a_host_that_takes_long_to_configure_can_still_tell_its_group() -> None:
    """At the end it asks the metadata service for nothing: the token of its beginning has expired by then."""
    text = (ANSIBLE / "ec2" / "user_data.sh").read_text(encoding="utf-8")
    beginning, _, end = text.partition("\nfinish() {")
    assert "instance=$(meta instance-id)" in beginning
    assert "meta " not in end
    assert '"InstanceId=$instance"' in end


def _environment(scratch: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PATH": f"{Path(ansible_program('ansible-playbook')).parent}:{os.environ['PATH']}",
        "ANSIBLE_CONFIG": str(ANSIBLE / "ansible.cfg"),
        "ANSIBLE_HOME": str(scratch / "ansible-home"),
        "ANSIBLE_ROLES_PATH": f"{ANSIBLE / 'roles'}:{Path(__file__).parent / 'roles'}",
    }
