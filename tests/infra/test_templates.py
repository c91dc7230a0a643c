"""The templates keep the house's rules: described, named, retained, watched, and agreeing with the code."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from cloudformation.deploy.artefacts import ROOT
from cloudformation.deploy.plan import STATEFUL_TYPES
from cloudformation.deploy.stages import load_stage
from cloudformation.deploy.template import Json, Template, find, load_all
from orders.domain.events import NOTIFIED
from orders.settings import Settings, environment_name

LAYERS = sorted(load_all(ROOT / "cloudformation"))
SETTING_NAMES = {environment_name(spec.name) for spec in fields(Settings)}


def resources(templates: dict[str, Template], *types: str) -> Iterator[tuple[str, str, Json]]:
    """Layer, logical id and definition of each resource of these types (of all, when none is named)."""
    for layer, template in templates.items():
        for logical_id, resource in template.resources.items():
            if not types or resource["Type"] in types:
                yield layer, logical_id, resource


@pytest.mark.parametrize("layer", LAYERS)
def test_every_parameter_and_output_is_described(templates: dict[str, Template], layer: str) -> None:
    """The description is what an operator sees in the console."""
    body = templates[layer].body
    named = {**(body.get("Parameters") or {}), **(body.get("Outputs") or {})}
    assert [name for name, each in named.items() if len(each.get("Description", "")) < 10] == []
    assert body["Description"].startswith(f"Cartwright {layer}: ")


@pytest.mark.parametrize("layer", LAYERS)
def test_every_parameter_is_constrained_or_free_for_a_reason(
    templates: dict[str, Template], layer: str
) -> None:
    """A number has bounds; a text has a pattern, allowed values, or is a name that only its owner can judge."""
    free = {"MailSender", "MailIdentity"}
    limits = {"AllowedValues", "AllowedPattern", "MinValue"}
    loose = [
        name
        for name, each in templates[layer].parameters.items()
        if each["Type"] in {"String", "Number"} and not limits & each.keys() and name not in free
    ]
    assert [name for name in loose if not name.endswith(("CodeKey", "BundleKey"))] == []


def test_every_resource_that_holds_data_is_kept_when_its_stack_goes(templates: dict[str, Template]) -> None:
    """Both policies, on every stateful resource, whatever the stage: a stack must never take data with it."""
    kept = {"Retain", "RetainExceptOnCreate", "Snapshot"}
    lacking = [
        f"{layer}/{logical_id}"
        for layer, logical_id, resource in resources(templates, *STATEFUL_TYPES)
        if resource.get("DeletionPolicy") not in kept
        or resource.get("UpdateReplacePolicy") not in {"Retain", "Snapshot"}
    ]
    assert lacking == []


def test_every_queue_has_a_dead_letter_queue_and_each_of_both_an_alarm(
    templates: dict[str, Template],
) -> None:
    """A message that cannot be handled is set aside after five receives, and somebody is told."""
    body = templates["30-messaging"].resources
    queues = {name: each["Properties"] for name, each in body.items() if each["Type"] == "AWS::SQS::Queue"}
    watched = {
        dimension["Value"]["Fn::GetAtt"][0]
        for each in body.values()
        if each["Type"] == "AWS::CloudWatch::Alarm" and each["Properties"]["Namespace"] == "AWS/SQS"
        for dimension in each["Properties"]["Dimensions"]
    }
    dead_letter_queues = {
        queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
        for queue in queues.values()
        if "RedrivePolicy" in queue
    }
    for name, queue in queues.items():
        assert name in watched, f"{name} has no alarm"
        if name in dead_letter_queues:
            assert queue["RedriveAllowPolicy"]["redrivePermission"] == "byQueue"
        else:
            assert queue["RedrivePolicy"]["maxReceiveCount"] == 5, name
    assert len(dead_letter_queues) * 2 == len(queues)


def test_every_dead_letter_queue_admits_exactly_its_own_queue(templates: dict[str, Template]) -> None:
    """RedriveAllowPolicy spells the source's name, so a renamed queue would silently lose its dead letters."""
    body = templates["30-messaging"].resources
    for name, each in body.items():
        target = each["Properties"].get("RedrivePolicy", {}).get("deadLetterTargetArn", {}).get("Fn::GetAtt")
        if each["Type"] == "AWS::SQS::Queue" and target:
            allowed = body[target[0]]["Properties"]["RedriveAllowPolicy"]["sourceQueueArns"]
            own_name, variables = each["Properties"]["QueueName"]["Fn::Sub"]
            assert [arn["Fn::Sub"][0].rsplit(":", 1)[1] for arn in allowed] == [own_name], name
            assert [arn["Fn::Sub"][1] for arn in allowed] == [variables], name


def test_every_bucket_is_private_versioned_encrypted_and_refuses_plain_http(
    templates: dict[str, Template],
) -> None:
    """What S3 leaves to its user."""
    refusing = {
        resource["Properties"]["Bucket"]["Ref"]
        for _, _, resource in resources(templates, "AWS::S3::BucketPolicy")
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny"
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    }
    for _, name, bucket in resources(templates, "AWS::S3::Bucket"):
        properties = bucket["Properties"]
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}, name
        assert properties["VersioningConfiguration"]["Status"] == "Enabled", name
        assert properties["BucketEncryption"], name
        assert name in refusing, name


def test_every_alarm_tells_somebody_and_names_its_runbook(templates: dict[str, Template]) -> None:
    """An alarm without an action or a page to open is noise. Only one metric's alarms, say of each zone, share a page."""
    pages: dict[str, set[str]] = {}
    for layer, name, alarm in resources(templates, "AWS::CloudWatch::Alarm"):
        properties = alarm["Properties"]
        assert properties["AlarmActions"], f"{layer}/{name}"
        assert properties["TreatMissingData"] in {"notBreaching", "breaching"}, f"{layer}/{name}"
        page = re.search(r"Runbook: (docs/runbook/[a-z-]+\.md)$", properties["AlarmDescription"])
        assert page, f"{layer}/{name}"
        pages.setdefault(page[1], set()).add(f"{layer} {properties.get('MetricName', name)}")
    assert [page for page, alarms in pages.items() if len(alarms) > 1] == [], "different alarms share a page"


CALLED_BY_CODEDEPLOY = {"NewVersionCheck"}
"""Carried in the template and looked at by tests/infra/test_new_version_check.py. When it fails the deployment stops,
and whoever deploys is told."""
ITS_OWN = {"NEW_VERSIONS"}
"""Variables of theirs, which no program of the shop reads."""


def test_every_function_has_a_handler_a_log_group_an_alias_and_alarms(templates: dict[str, Template]) -> None:
    """The handler exists as a file; logs end some day; traffic goes to a published version; failures are seen."""
    for layer, name, function in resources(templates, "AWS::Lambda::Function"):
        if name in CALLED_BY_CODEDEPLOY:
            continue
        properties, body = function["Properties"], templates[layer].resources
        module = properties["Handler"].rsplit(".", 1)[0]
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), properties["Handler"]
        group = body[properties["LoggingConfig"]["LogGroup"]["Ref"]]
        assert group["Properties"]["RetentionInDays"], name
        aliases = [
            each
            for each in body.values()
            if each["Type"] == "AWS::Lambda::Alias" and each["Properties"]["FunctionName"] == {"Ref": name}
        ]
        assert len(aliases) == 1, name
        metrics = {
            each["Properties"]["MetricName"]
            for each in body.values()
            if each["Type"] == "AWS::CloudWatch::Alarm" and {"Ref": name} in find(each, "Value")
        }
        assert {"Errors", "Throttles", "Duration"} <= metrics, name
        assert properties["Architectures"] == ["arm64"], name


def test_every_log_group_forgets_some_day(templates: dict[str, Template]) -> None:
    """The default keeps logs, and their cost, for ever."""
    groups = list(resources(templates, "AWS::Logs::LogGroup"))
    assert [name for _, name, group in groups if not group["Properties"].get("RetentionInDays")] == []


def test_every_environment_variable_of_a_function_is_a_setting(templates: dict[str, Template]) -> None:
    """A misspelt variable would leave a function with a laptop's default."""
    used = {
        variable
        for _, _, function in resources(templates, "AWS::Lambda::Function")
        for variable in function["Properties"]["Environment"]["Variables"]
    }
    assert used - SETTING_NAMES == ITS_OWN


def test_every_run_time_setting_in_ssm_is_a_setting(templates: dict[str, Template]) -> None:
    """`/cartwright/<stage>/orders-queue-url` is read as CARTWRIGHT_ORDERS_QUEUE_URL."""
    written = {
        resource["Properties"]["Name"]["Fn::Sub"].removeprefix("/cartwright/${Stage}/")
        for _, _, resource in resources(templates, "AWS::SSM::Parameter")
    }
    settings = {name.removesuffix("-secret-arn") for name in written if "/" not in name}
    names = {f"CARTWRIGHT_{name.upper().replace('-', '_')}" for name in settings}
    assert names - SETTING_NAMES == set()
    assert {"CARTWRIGHT_INVENTORY_TABLE", "CARTWRIGHT_ORDERS_QUEUE_URL", "CARTWRIGHT_ORDER_API_URL"} <= names


def test_the_notify_queue_receives_exactly_the_events_a_shopper_is_told_of(
    templates: dict[str, Template],
) -> None:
    """The subscription's filter and the domain's list are two spellings of one rule."""
    subscription = templates["30-messaging"].resources["NotifySubscription"]["Properties"]
    assert subscription["RawMessageDelivery"] is True
    assert subscription["FilterPolicyScope"] == "MessageBody"
    assert sorted(subscription["FilterPolicy"]["event"]) == sorted(NOTIFIED)


@pytest.mark.parametrize(("stage", "times"), [("local", 2), ("dev", 6), ("prod", 6)])
def test_a_notification_stays_hidden_longer_than_its_function_may_take(
    templates: dict[str, Template], stage: str, times: int
) -> None:
    """Six times, as AWS asks for; a person at a laptop waits less for what a dead function left."""
    default = templates["30-messaging"].body["Parameters"]["NotifyVisibilityTimeoutSeconds"]["Default"]
    chosen = load_stage(stage).parameters.get("30-messaging", {}).get("NotifyVisibilityTimeoutSeconds")
    timeout = templates["40-orders"].resources["NotifyCustomerFunction"]["Properties"]["Timeout"]
    assert int(chosen or default) >= times * timeout


@pytest.mark.parametrize("layer", LAYERS)
def test_nothing_is_tied_to_one_partition_region_or_account(
    templates: dict[str, Template], layer: str
) -> None:
    """The same files work in any region, in China and in GovCloud."""
    text = (ROOT / "cloudformation" / f"{layer}.yaml").read_text("utf-8")
    assert re.findall(r"arn:aws[a-z-]*:|\b[a-z]{2}-[a-z]+-\d\b|\b\d{12}\b", text) == []


@pytest.mark.parametrize("stage", ["local", "dev", "prod"])
def test_a_stages_parameters_fit_the_templates(templates: dict[str, Template], stage: str) -> None:
    """Every value is one the template allows, and nothing without a default is missing."""
    settings = load_stage(stage)
    for layer in settings.layers:
        template = templates[layer]
        keys = {
            name: "lambda/x/0.zip" for name in template.parameters if name.endswith(("CodeKey", "BundleKey"))
        }
        keys |= {name: "0" * 64 for name in template.parameters if name.endswith("BundleSha256")}
        for name, value in settings.parameters_for(template, keys).items():
            check_value(f"{layer}/{name}", template.parameters[name], value)


def check_value(where: str, declared: Json, value: Any) -> None:
    """What CloudFormation would check."""
    if allowed := declared.get("AllowedValues"):
        assert value in {str(each) for each in allowed}, where
    if pattern := declared.get("AllowedPattern"):
        assert re.fullmatch(pattern, value), where
    if declared["Type"] == "Number":
        assert (
            declared.get("MinValue", float("-inf")) <= float(value) <= declared.get("MaxValue", float("inf"))
        ), where


def test_user_data_is_small_enough_and_a_shell_script(templates: dict[str, Template], tmp_path: Path) -> None:
    """EC2 takes 16 KB; a syntax error would show only on a booting host."""
    scripts = [
        (name, resource["Properties"]["LaunchTemplateData"]["UserData"]["Fn::Base64"]["Fn::Sub"][0])
        for _, name, resource in resources(templates, "AWS::EC2::LaunchTemplate")
    ]
    assert {name for name, _ in scripts} == {"WebTemplate", "WorkerTemplate"}
    for name, script in scripts:
        assert len(script.encode()) < 12_000, name
        file = tmp_path / name
        file.write_text(script)
        checked = subprocess.run(["bash", "-n", file], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr


def test_there_are_at_least_twenty_alarms_for_every_hundred_resources(templates: dict[str, Template]) -> None:
    """Measured against the public collections we learned from: the best has 23."""
    every = list(resources(templates))
    alarms = list(resources(templates, "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"))
    assert len(alarms) / len(every) >= 0.20, f"{len(alarms)} of {len(every)}"


def test_the_deployer_can_be_run_as_a_module() -> None:
    """`python -m cloudformation.deploy` is what make and the pipeline call."""
    assert importlib.util.find_spec("cloudformation.deploy.__main__")


def test_few_checks_are_skipped_and_each_says_why(templates: dict[str, Template]) -> None:
    """At most five of checkov's checks for every hundred resources, each with a sentence beside it."""
    every = list(resources(templates))
    skips = [
        (logical_id, skip)
        for _, logical_id, resource in every
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", [])
    ]
    assert [logical_id for logical_id, skip in skips if len(skip.get("comment", "")) < 30] == []
    assert len(skips) <= 0.05 * len(every), f"{len(skips)} of {len(every)}"
