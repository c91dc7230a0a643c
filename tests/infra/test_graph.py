"""What spans templates, parameters and code: settings and their writers, regions, and what is handed from layer to layer."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from cloudformation.deploy.artefacts import ROOT
from cloudformation.deploy.errors import TemplateError
from cloudformation.deploy.layers import in_order
from cloudformation.deploy.stage import Deployment
from cloudformation.deploy.stages import load_stage
from cloudformation.deploy.template import Template, find, load
from orders.settings import Settings, environment_name

from .conftest import REGION

LEFT_TO_THEIR_DEFAULTS = {
    "AWS_ENDPOINT_URL": "AWS is AWS",
    "AWS_REGION": "Lambda and the hosts' own file set it",
    "CARTWRIGHT_CAPTURE_RULE": "the shop's policy, the same on every stage",
    "CARTWRIGHT_CART_TTL_DAYS": "the shop's policy, the same on every stage",
    "CARTWRIGHT_LANGUAGES": "the shop's policy, the same on every stage",
    "CARTWRIGHT_CURRENCY": "the shop's, the same on every stage",
    "CARTWRIGHT_DATABASE_POOL_SIZE": "fits a process of any size; RDS Proxy shares the connections",
    "CARTWRIGHT_FAILPOINT": "for tests",
    "CARTWRIGHT_INBOX_URL": "only a laptop has an in-box",
    "CARTWRIGHT_LOG_LEVEL": "changed by hand, for an hour",
    "CARTWRIGHT_ORDER_API_CONCURRENCY": "fits a process of any size",
    "CARTWRIGHT_ORDER_API_TIMEOUT_SECONDS": "below the gateway's own limit",
    "CARTWRIGHT_PREVIOUS_SECRET_KEYS": "while keys are rotated (docs/runbook/rotate-secrets.md)",
    "CARTWRIGHT_SHOP_NAME": "the shop's, the same on every stage",
    "CARTWRIGHT_STRIPE_API_BASE": "for tests",
    "CARTWRIGHT_TIME_ZONE": "the shop's, the same on every stage",
}
"""Settings that no template sets, each with the reason why its default is right on AWS."""


def written(templates: dict[str, Template]) -> set[str]:
    """Every setting that a template sets, as a function's variable or as a parameter in SSM."""
    names = set()
    for template in templates.values():
        for resource in template.resources.values():
            if resource["Type"] == "AWS::SSM::Parameter":
                name = resource["Properties"]["Name"]["Fn::Sub"].removeprefix("/cartwright/${Stage}/")
                name = name.removesuffix("-secret-arn").upper().replace("-", "_")
                names.add(f"CARTWRIGHT_{name}")
            elif resource["Type"] == "AWS::Lambda::Function":
                names |= set(resource["Properties"]["Environment"]["Variables"])
    return names - {"NEW_VERSIONS"}  # CodeDeploy's hook has it; no program of the shop does.


def test_every_setting_is_set_by_a_template_or_has_a_reason_not_to_be(templates: dict[str, Template]) -> None:
    """And the other way round: what a template sets is a setting, and no reason is out of date."""
    settings = {environment_name(spec.name) for spec in fields(Settings)}
    assert settings - written(templates) == set(LEFT_TO_THEIR_DEFAULTS)
    assert written(templates) - settings == set()


def test_what_hosts_need_outside_the_laptop_is_in_ssm(templates: dict[str, Template]) -> None:
    """Every `required` setting: hosts read SSM and nothing else."""
    required = {environment_name(spec.name) for spec in fields(Settings) if spec.metadata["required"]}
    assert required - written(templates) == set()


def test_every_path_that_a_function_of_the_api_serves_is_in_the_contract(
    templates: dict[str, Template],
) -> None:
    """A permission names the path that may call the function: the same three as in openapi.yaml."""
    contract = yaml.safe_load((ROOT / "lambdas" / "openapi.yaml").read_text("utf-8"))
    served = {
        f"{method.upper()} {path}"
        for path, item in contract["paths"].items()
        for method in item
        if method in {"get", "post", "put", "patch", "delete"}
    }
    allowed = {
        str(arn["Fn::Sub"]).split("${OrderApi}/*/")[1]
        for each in templates["40-orders"].resources.values()
        if each["Type"] == "AWS::Lambda::Permission"
        and "${OrderApi}" in str(arn := each["Properties"]["SourceArn"])
    }
    assert {each.replace("{order_id}", "*") for each in served} == {
        each.replace("/", " /", 1) for each in allowed
    }


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_a_layer_in_another_region_neither_imports_nor_exports(
    templates: dict[str, Template], stage: str
) -> None:
    """Exports do not cross regions: such a layer takes parameters, and its outputs are handed over by name."""
    settings = load_stage(stage)
    for layer in settings.regions:
        assert not templates[layer].imports(stage), layer
        assert not templates[layer].exports(stage), layer
        later = [templates[other].parameters for other in settings.layers if other > layer]
        assert any(templates[layer].handed_over & parameters.keys() for parameters in later), layer


def test_what_a_layer_hands_over_reaches_the_layer_that_asks_and_comes_first() -> None:
    """The order follows the hand-over, and the value goes after what the stage's file says."""
    giver = Template("90-giver", {"Resources": {"R": {"Type": "T"}}, "Outputs": {"VaultArn": {"Value": "v"}}})
    taker = Template(
        "10-taker", {"Resources": {"R": {"Type": "T"}}, "Parameters": {"VaultArn": {"Default": ""}}}
    )
    ordered = in_order({each.layer: each for each in (giver, taker)}, "prod")
    assert [each.layer for each in ordered] == ["90-giver", "10-taker"]
    stage = load_stage("prod")
    assert stage.parameters_for(taker, {}, {"VaultArn": "there"}) == {"VaultArn": "there"}
    assert stage.parameters_for(taker, {}, {"VaultArn": ""}) == {}


def test_a_layer_is_deployed_where_the_stages_file_says() -> None:
    """CloudFront's certificate in North Virginia, copies of backups elsewhere, all else at home."""
    deployment = Deployment.of("prod", REGION, "http://127.0.0.1:9", lambda line: None)
    regions = {
        template.layer: deployment.cloud_of(template).region
        for template in deployment.templates()
        if deployment.cloud_of(template).region != REGION
    }
    assert regions == dict(load_stage("prod").regions)
    assert len(set(regions.values())) == 2


def test_both_kinds_of_host_start_with_the_one_user_data_file(templates: dict[str, Template]) -> None:
    """The lab runs the same file; the template only names what it fills in."""
    file = (ROOT / "ansible" / "ec2" / "user_data.sh").read_text("utf-8")
    texts = [
        each[0]
        for layer in [templates["50-web"]]
        for each in find(layer.body, "Fn::Sub")
        if isinstance(each, list) and each[0].startswith("#!")
    ]
    assert texts == [file, file]


def test_a_text_that_uses_other_variables_than_its_include_names_is_refused(tmp_path: Path) -> None:
    """Fn::Sub would fail on AWS alone, hours later."""
    (tmp_path / "boot.sh").write_text("echo ${Known} ${Forgotten}\n")
    (tmp_path / "10-x.yaml").write_text(
        'Resources: {R: {Type: T, Properties: {Text: !Sub ["#include boot.sh ${Known}", {Known: x}]}}}\n'
    )
    with pytest.raises(TemplateError, match="Forgotten"):
        load(tmp_path / "10-x.yaml")
