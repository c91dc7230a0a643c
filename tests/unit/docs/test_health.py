"""One pair of health addresses: whoever asks names those that the web application has, for what they are for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cloudformation.deploy.template import load_all

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "health.md").read_text("utf-8")
ALIVE, READY = "/healthz", "/readyz"


def text(path: str) -> str:
    """A file of the repository."""
    return (ROOT / path).read_text("utf-8")


def test_the_web_application_serves_exactly_these_two() -> None:
    """A third would be asked by nobody; a renamed one would take every host out."""
    assert re.findall(r'@bp\.get\("([^"]+)"\)', text("webapp/health.py")) == [ALIVE, READY]


def test_the_load_balancer_asks_whether_a_host_is_ready() -> None:
    """Readiness decides about requests. Its time-out is longer than the application's own, shorter than its interval."""
    resources = load_all(ROOT / "cloudformation")["50-web"].resources
    targets = resources["WebTargets"]["Properties"]
    assert targets["HealthCheckPath"] == READY
    probe = re.search(r"PROBE_SECONDS = ([\d.]+)", text("webapp/health.py"))
    assert probe
    # Two dependencies are asked one after the other.
    assert 2 * float(probe[1]) < targets["HealthCheckTimeoutSeconds"] < targets["HealthCheckIntervalSeconds"]


def test_codedeploy_asks_by_the_release_tool_and_that_asks_whether_it_is_ready() -> None:
    """Both hooks that may end a deployment come down to one function."""
    assert "cartwright-release undrain" in text("ansible/codedeploy/hooks/validate.sh")
    assert "cartwright-release activate" in text("ansible/codedeploy/hooks/activate.sh")
    appspec = text("ansible/codedeploy/appspec.yml")
    assert re.search(r"ValidateService:\n +- location: hooks/validate\.sh", appspec)
    tool = text("ansible/roles/python_app/files/cartwright_release.py")
    for verb in ("undrain", "activate", "attempt"):
        body = re.search(rf"def {verb}\(.*?(?=\ndef )", tool, re.DOTALL)
        assert body and re.search(r"await_parts|wait_until_ready|switch\(", body[0]), verb  # noqa: PT018
    host = text("ansible/roles/python_app/files/release_host.py")
    switch = re.search(r"def switch\(.*?(?=\ndef )", host, re.DOTALL)
    assert switch and "await_parts(" in switch[0]  # noqa: PT018
    asked = re.findall(r'request\("GET", "([^"]+)"', host)
    assert asked == [READY]


def test_nginx_passes_both_on_and_refuses_one_while_it_drains() -> None:
    """A host that is about to restart says so at /readyz alone, and stays alive at /healthz."""
    nginx = text("ansible/roles/web/templates/nginx.conf.j2")
    places = {
        found[1]: found[2]
        for found in re.finditer(r"location = (/\w+) \{(.*?)\n        \}", nginx, re.DOTALL)
    }
    assert places.keys() >= {ALIVE, READY}
    assert "draining" in places[READY]
    assert "return 503" in places[READY]
    assert "draining" not in places[ALIVE]


@pytest.mark.parametrize("unit", ["web/templates/cartwright-web", "worker/templates/cartwright-worker"])
def test_systemd_is_told_by_the_program_itself(unit: str) -> None:
    """No unit asks an address: Type=notify, a bounded start, and a program that never gives up."""
    service = text(f"ansible/roles/{unit}.service.j2")
    assert "Type=notify" in service
    assert "Restart=always" in service
    assert re.search(r"TimeoutStartSec=\d+", service)
    assert not re.search(r"healthz|readyz|ExecStartPost", service)


def test_everybody_else_asks_one_of_the_two() -> None:
    """The smoke test, `make run`, the lab's balancer: no file knows a third address."""
    askers = {
        "cloudformation/pipeline/smoke.py": {ALIVE, READY},
        "local/programs.py": {ALIVE},
        "tests/lab/roles/lab_balancer/templates/haproxy.cfg.j2": {READY},
    }
    for path, wanted in askers.items():
        assert set(re.findall(r"/(?:healthz|readyz|health|status|ping)\b", text(path))) >= wanted, path
        assert not re.search(r"/(?:health|ping|livez)\b", text(path)), path


def test_the_page_names_every_file_that_asks() -> None:
    """docs/health.md is the list; test_links checks that each file exists."""
    for name in (
        "50-web.yaml",
        "validate.sh",
        "activate.sh",
        "release_host.py",
        "nginx.conf.j2",
        "smoke.py",
        "programs.py",
    ):
        assert name in PAGE, name
