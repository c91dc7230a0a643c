"""Alarms for which silence is bad must give their source the time to speak, and the budget must have room."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from cloudformation.cost.page import bills
from cloudformation.deploy.stages import load_stage
from cloudformation.deploy.template import Json, Template

EVERY_MINUTE = 60
DAY = 86_400
SPOKEN_BY_AWS = {
    "50-web/WebNoHostAlarm": "the load balancer counts its healthy hosts each minute",
    "50-web/WorkerNoHostAlarm": "the group counts its hosts each minute (MetricsCollection)",
}
"""Sources that no template schedules, with who speaks how often: each minute."""


def breaching_on_silence(templates: Mapping[str, Template]) -> Iterator[tuple[str, Template, Json]]:
    """`layer/alarm`, its template and its properties."""
    for layer, template in templates.items():
        for logical_id, resource in template.resources.items():
            properties = resource.get("Properties", {})
            if properties.get("TreatMissingData") == "breaching":
                yield f"{layer}/{logical_id}", template, properties


def seconds_between(template: Template, alarm: str, values: Mapping[str, str]) -> int:
    """How often the source of an alarm speaks, told from what schedules it."""
    resources = template.resources
    if alarm in SPOKEN_BY_AWS:
        return EVERY_MINUTE
    if alarm == "80-monitoring/ShopperCanaryFailedAlarm":
        condition, then, otherwise = resources["ShopperCanary"]["Properties"]["Schedule"]["Expression"][
            "Fn::If"
        ]
        assert template.body["Conditions"][condition] == {"Fn::Equals": [{"Ref": "CanaryMinutes"}, 1]}
        minutes = values["CanaryMinutes"]
        return _seconds(then if minutes == "1" else otherwise["Fn::Sub"].replace("${CanaryMinutes}", minutes))
    if alarm == "40-orders/SweepMissedAlarm":
        return _seconds(resources["SweepSchedule"]["Properties"]["ScheduleExpression"])
    assert alarm == "90-backup/BackupMissingAlarm", f"{alarm}: say what schedules its source"
    rules = resources["Plan"]["Properties"]["BackupPlan"]["BackupPlanRule"]
    return min(_seconds(rule["ScheduleExpression"]) for rule in rules)


def _seconds(expression: str) -> int:
    if found := re.fullmatch(r"rate\((\d+) minutes?\)", expression):
        return int(found[1]) * 60
    if re.fullmatch(r"cron\(\d+ \d+ \* \* \? \*\)", expression):
        return DAY
    return 31 * DAY  # Monthly.


def period_of(template: Template, properties: Json, values: Mapping[str, str]) -> int:
    """The alarm's period with these parameters."""
    period: Any = properties["Period"]
    if isinstance(period, dict):
        mapping, key, attribute = period["Fn::FindInMap"]
        return int(template.body["Mappings"][mapping][values[key["Ref"]]][attribute])
    return int(period)


def chosen(template: Template) -> Iterator[dict[str, str]]:
    """The parameters' defaults, with each allowed value of CanaryMinutes where the layer has it."""
    values = {name: str(each.get("Default", "")) for name, each in template.parameters.items()}
    for minutes in template.parameters.get("CanaryMinutes", {}).get("AllowedValues", [""]):
        yield {**values, "CanaryMinutes": str(minutes)}


def test_no_alarm_for_which_silence_is_bad_is_shorter_than_the_schedule_of_its_source(
    templates: dict[str, Template],
) -> None:
    """Else it rings between two visits, for ever; and it is evaluated over what CloudWatch allows."""
    alarms = list(breaching_on_silence(templates))
    assert len(alarms) == 5
    for alarm, template, properties in alarms:
        for values in chosen(template):
            period = period_of(template, properties, values)
            assert period >= seconds_between(template, alarm, values), (alarm, values)
            longest = DAY if period < 3600 else 7 * DAY
            assert period * properties["EvaluationPeriods"] <= longest, alarm


def test_a_source_that_aws_speaks_for_is_still_an_alarm_of_ours(templates: dict[str, Template]) -> None:
    """A reason for an alarm that is gone would hide the next one of its name."""
    assert SPOKEN_BY_AWS.keys() <= {alarm for alarm, _, _ in breaching_on_silence(templates)}


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_a_usual_month_stays_below_the_notice_of_the_budget(
    templates: dict[str, Template], stage: str
) -> None:
    """At 80 % somebody is written to: that must mean something."""
    declared = templates["80-monitoring"].parameters["MonthlyBudget"]["Default"]
    budget = float(load_stage(stage).parameters["80-monitoring"].get("MonthlyBudget", declared))
    assert bills()[stage].month_usd < 0.8 * budget
