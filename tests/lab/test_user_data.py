"""A bare EC2 instance: its user data, the association that repairs drift, and CodeDeploy's hooks, each run for real."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from sqlalchemy import create_engine

from tests.lab import backing, endpoints, hosts, machines, visitor
from tests.lab.estate import NETWORK, Estate
from tests.lab.instance import Instance, association, fill_in, launch_template
from tests.lab.shell import run

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(900)]

BUCKET = "cartwright-dev-artefacts"


@dataclass(frozen=True)
class Stage:
    """What CloudFormation has made of the stage `dev` before an instance starts."""

    instance: Instance
    values: dict[str, str]
    """What CloudFormation fills into the template."""

    def user_data(self, **changed: str) -> str:
        """Of the launch template of web hosts."""
        return fill_in(launch_template("WebTemplate")[0], self.values | changed)

    def configure(self) -> str:
        """Run what the daily association runs, and return what it printed."""
        return self.instance.must(fill_in(association("WebStaysConfigured"), self.values))

    def told(self) -> list[str]:
        """What the Auto Scaling group was told about its instance."""
        return [asked.form["LifecycleActionResult"] for asked in self.told_in_full()]

    def told_in_full(self) -> list[endpoints.Asked]:
        return self.instance.amazon.actions("CompleteLifecycleAction")


@pytest.fixture(scope="module")
def stage(estate: Estate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A bucket with the bundle of playbooks, settings in SSM and Secrets Manager, and an instance at its birth."""
    said = backing.facts(estate)
    bundle = _hosts_bundle(estate)
    _publish(said, bundle)
    machine = estate.machine("fresh1")
    with endpoints.served(tmp_path_factory.mktemp("endpoints"), BUCKET) as amazon:
        try:
            machines.up(estate, [machine.name])
            instance = Instance(machine, amazon)
            instance.become(BUCKET)
            yield Stage(instance, _values(bundle))
        finally:
            machines.destroy(machine)


def _hosts_bundle(estate: Estate) -> Path:
    maker = hosts.bundler()
    target = maker.Target("3.11", os.uname().machine)
    made: Path = maker.make(maker.HOSTS, target, estate.run / "bundles", wheels=estate.cache)
    return made


def _publish(said: dict[str, Any], bundle: Path) -> None:
    """Put the bundle and the settings where an instance of the stage `dev` looks for them."""
    session = boto3.Session("test", "test", region_name=endpoints.REGION)
    address = said["environment"]["AWS_ENDPOINT_URL"]
    s3, ssm = session.client("s3", endpoint_url=address), session.client("ssm", endpoint_url=address)
    # A lab that is kept has it from the run before.
    with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": endpoints.REGION})
    s3.upload_file(str(bundle), BUCKET, f"hosts/{bundle.name}")
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path="/cartwright/local/")
    values = {
        entry["Name"].rpartition("/")[2]: entry["Value"] for page in pages for entry in page["Parameters"]
    }
    own = said["host_settings"]["cartwright_settings"]
    database = session.client("secretsmanager", endpoint_url=address).create_secret(
        Name=f"cartwright-dev-database-{secrets.token_hex(4)}",
        SecretString=json.dumps({"url": own["database_url"]}),
    )
    values |= {
        "database-url-secret-arn": f"{database['ARN']}#url",
        "public-url": own["public_url"],
        "order-api-url": own["order_api_url"],
        # Whoever counts CloudFront and the balancer is wrong: nginx has looked behind both. It must not matter.
        "trusted-proxies": "2",
    }
    for name, value in values.items():
        ssm.put_parameter(Name=f"/cartwright/dev/{name}", Value=value, Type="String", Overwrite=True)


def _values(bundle: Path) -> dict[str, str]:
    return {
        "AWS::Region": endpoints.REGION,
        "AWS::URLSuffix": "amazonaws.com",
        "Bucket": BUCKET,
        "HostsBundleKey": f"hosts/{bundle.name}",
        "HostsBundleSha256": hashlib.sha256(bundle.read_bytes()).hexdigest(),
        "Group": "cartwright-dev-web",
        "Part": "web",
        "Stage": "dev",
        "VpcCidr": f"{NETWORK}.0/24",
    }


def test_a_bundle_with_another_hash_is_not_unpacked_and_the_group_is_told(stage: Stage) -> None:
    """The instance is given up: the group replaces it."""
    boot = stage.instance.boot(stage.user_data(HostsBundleSha256="0" * 64))
    assert boot.returncode != 0
    assert "FAILED" in boot.stdout + boot.stderr
    assert stage.told() == ["ABANDON"]
    assert stage.instance.must("ls /opt/cartwright-hosts").split() == ["bundle.tar.gz"]


def test_user_data_makes_a_bare_instance_a_web_server_and_the_group_is_told(stage: Stage) -> None:
    """From S3 by its hash, with the instance's own credentials; every request for AWS is signed with them."""
    boot = stage.instance.boot(stage.user_data())
    assert boot.returncode == 0, boot.stdout[-6000:] + boot.stderr[-2000:]
    assert stage.told()[-1] == "CONTINUE"
    last = stage.told_in_full()[-1]
    assert (last.form["AutoScalingGroupName"], last.form["LifecycleHookName"], last.status) == (
        "cartwright-dev-web",
        "configured",
        200,
    )
    assert last.form["InstanceId"].startswith("i-")
    assert stage.instance.must("systemctl is-active nginx nftables").split() == ["active", "active"]
    assert 'CARTWRIGHT_STAGE="dev"' in stage.instance.must("cat /etc/cartwright/host.env")
    outside = [asked for asked in stage.instance.amazon.asked if "amazonaws.com" in asked.host]
    assert outside
    assert all(asked.is_signed for asked in outside), outside


def test_the_association_repairs_drift_and_else_changes_nothing(stage: Stage) -> None:
    """The same script as at boot, run each day."""
    assert " changed=0 " in stage.configure()
    stage.instance.must("echo '# by hand' >>/etc/nginx/nginx.conf; systemctl stop nftables")
    assert " changed=0 " not in stage.configure()
    assert stage.instance.run("grep 'by hand' /etc/nginx/nginx.conf").returncode == 1
    assert stage.instance.must("systemctl is-active nftables").strip() == "active"


def test_codedeploy_brings_a_release_and_goes_back_from_a_broken_one(
    stage: Stage, estate: Estate, tmp_path: Path
) -> None:
    """By the hooks of the release's own appspec. Settings come from SSM and Secrets Manager with the instance's role."""
    release = hosts.build(estate)
    event, last = stage.instance.code_deploy(release.bundle)
    assert (event, last.returncode) == ("ValidateService", 0), last.stdout + last.stderr
    assert json.loads(stage.instance.must("curl -fsS http://127.0.0.1/readyz"))["status"] == "ok"
    assert json.loads(stage.instance.must("curl -fsS http://127.0.0.1/healthz"))["release"] == release.name
    settings = "/var/lib/cartwright-settings/aws.env"
    assert "CARTWRIGHT_DATABASE_URL" in stage.instance.must(f"cat {settings}")
    assert stage.instance.must(f"stat -c %a:%U:%G {settings}").strip() == "600:root:root"
    assert "CARTWRIGHT_DATABASE_URL" not in stage.instance.must("cat /etc/cartwright/host.env")
    _sees_through_the_ways_in(stage, estate)

    broken = hosts.never_ready(estate, tmp_path / "broken")
    event, last = stage.instance.code_deploy(broken.bundle)
    assert (event, last.returncode) == ("ApplicationStart", 1)
    assert "not ready within" in last.stderr
    assert json.loads(stage.instance.must("curl -fsS http://127.0.0.1/healthz"))["release"] == release.name


def _sees_through_the_ways_in(stage: Stage, estate: Estate) -> None:
    """Behind CloudFront and the ALB the shop knows its visitor; what the visitor says of other addresses is nothing."""
    email = visitor.somebody()
    # As the ALB passes it on: the visitor's own claim, the visitor as CloudFront saw it, CloudFront's interface in the VPC.
    header = f"198.51.100.66, 203.0.113.9, {NETWORK}.7"
    run(sys.executable, "-c", visitor.TRY_TO_SIGN_IN, stage.instance.machine.address, email, header)
    engine = create_engine(backing.facts(estate)["environment"]["CARTWRIGHT_DATABASE_URL"])
    try:
        assert visitor.counted_for(engine, email) == "203.0.113.9"
    finally:
        engine.dispose()
