"""The house's own cfn-lint rules: each finds what it is for, and none finds anything in the templates."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from cloudformation.deploy.artefacts import ROOT

pytestmark = [pytest.mark.hosts, pytest.mark.slow, pytest.mark.timeout(300)]
CFN_LINT = ROOT / ".venv-lint" / "bin" / "cfn-lint"

BAD = """\
AWSTemplateFormatVersion: "2010-09-09"
Description: "Everything that we do not want"
Parameters:
  Naked: {Type: String, Default: x, AllowedPattern: ".+"}
Resources:
  Lonely:
    Type: AWS::SQS::Queue
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties: {QueueName: !Ref Naked}
  Silent:
    Type: AWS::CloudWatch::Alarm
    Properties: {MetricName: m, Namespace: n, Statistic: Sum, Period: 60, EvaluationPeriods: 1, Threshold: 1, ComparisonOperator: GreaterThanThreshold}
  Unbounded:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]
      Policies:
        - PolicyName: p
          PolicyDocument:
            Version: "2012-10-17"
            Statement: [{Effect: Allow, Action: "sqs:SendMessage", Resource: !GetAtt Lonely.Arn}]
  Chatty:
    Type: AWS::Lambda::Function
    Properties:
      Handler: a.b
      Runtime: python3.13
      Role: !GetAtt Unbounded.Arn
      Code: {ZipFile: "x = 1"}
"""


def lint(*arguments: str) -> list[dict[str, object]]:
    """cfn-lint's findings."""
    command = [
        CFN_LINT,
        "--append-rules",
        "cloudformation/rules",
        "--include-checks",
        "I",
        "--format",
        "json",
    ]
    done = subprocess.run([*command, "--", *arguments], cwd=ROOT, capture_output=True, text=True)
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def test_each_rule_finds_what_it_is_for(tmp_path: Path) -> None:
    """A template with one fault of each kind, and two in the alarm and in the function."""
    file = tmp_path / "bad.yaml"
    file.write_text(BAD)
    ours = sorted(
        str(rule["Id"])
        for each in lint(str(file))
        if isinstance(rule := each["Rule"], dict) and str(rule["Id"]).startswith("E91")
    )
    assert ours == ["E9101", "E9102", "E9102", "E9103", "E9104", "E9105", "E9105", "E9106"]


def test_the_templates_have_no_finding() -> None:
    """Errors, warnings and hints, AWS's rules and ours."""
    assert lint(*(str(path) for path in sorted((ROOT / "cloudformation").glob("[0-9]*.yaml")))) == []


def test_at_most_two_findings_are_ignored_in_the_templates() -> None:
    """Each ignore hides a rule for a whole resource or template."""
    ignores = [
        path.name
        for path in (ROOT / "cloudformation").glob("[0-9]*.yaml")
        for line in path.read_text("utf-8").splitlines()
        if "ignore_checks" in line or "cfn-lint: ignore" in line
    ]
    assert len(ignores) <= 2
