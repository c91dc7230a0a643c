"""The house's own rules for cfn-lint (`--append-rules cloudformation/rules`): what AWS allows and we do not.

They look at one template at a time, as an editor shows it; what spans templates is tested in tests/infra.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cfnlint.rules import CloudFormationLintRule, RuleMatch

_RUNBOOK = re.compile(r"Runbook: docs/runbook/[a-z0-9-]+\.md$")
_ALARMS = {"AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"}
_MAKES_ROLES = "CloudFormationRole"
"""The one role without the boundary: it makes the others, and may make them only with it."""


class _HouseRule(CloudFormationLintRule):  # type: ignore[misc]  # cfn-lint lives in another environment.
    """A rule over resources: `faults` yields what is wrong with one of them, `None` when nothing is."""

    source_url = "docs/adr"
    tags = ["cartwright"]  # noqa: RUF012 - cfn-lint's own attribute.

    def match(self, cfn: Any) -> list[RuleMatch]:
        """Called by cfn-lint once per template."""
        return [
            RuleMatch(["Resources", name, *path], f"{name} {fault}")
            for name, resource in cfn.get_resources().items()
            for path, fault in self.faults(name, resource["Type"], resource.get("Properties") or {})
        ]

    def faults(self, name: str, kind: str, properties: Any) -> Iterator[tuple[list[str], str]]:
        """Path inside the resource, and what is wrong there."""
        raise NotImplementedError


class QueueKeepsWhatFails(_HouseRule):
    """A message that cannot be handled must not vanish after its retention."""

    id = "E9101"
    shortdesc = "Every queue has a dead-letter queue or is one"
    description = shortdesc

    def faults(self, name: str, kind: str, properties: Any) -> Iterator[tuple[list[str], str]]:
        """See _HouseRule."""
        if kind == "AWS::SQS::Queue" and not {"RedrivePolicy", "RedriveAllowPolicy"} & set(properties):
            yield [], "has neither a dead-letter queue nor is one"


class AlarmIsHeardAndExplained(_HouseRule):
    """An alarm that nobody gets, or that says nothing to do, is noise."""

    id = "E9102"
    shortdesc = "Every alarm has an action and names its page in the runbook"
    description = shortdesc

    def faults(self, name: str, kind: str, properties: Any) -> Iterator[tuple[list[str], str]]:
        """See _HouseRule."""
        if kind not in _ALARMS:
            return
        if not properties.get("AlarmActions"):
            yield ["Properties"], "has no action"
        if not _RUNBOOK.search(str(properties.get("AlarmDescription", ""))):
            yield ["Properties", "AlarmDescription"], "does not end with its page: Runbook: docs/runbook/x.md"


class RoleIsBounded(_HouseRule):
    """Whatever a template grants, a role stays inside its stage."""

    id = "E9103"
    shortdesc = "Every role carries the stage's permissions boundary"
    description = shortdesc

    def faults(self, name: str, kind: str, properties: Any) -> Iterator[tuple[list[str], str]]:
        """See _HouseRule."""
        if kind == "AWS::IAM::Role" and name != _MAKES_ROLES and "PermissionsBoundary" not in properties:
            yield ["Properties"], "has no permissions boundary"


class StatementSaysWhatFor(_HouseRule):
    """Whoever audits a role reads the Sid."""

    id = "E9104"
    shortdesc = "Every statement of a role or managed policy has a Sid"
    description = shortdesc

    def faults(self, name: str, kind: str, properties: Any) -> Iterator[tuple[list[str], str]]:
        """See _HouseRule."""
        documents = [each.get("PolicyDocument", {}) for each in properties.get("Policies", [])]
        if kind == "AWS::IAM::ManagedPolicy":
            documents = [properties.get("PolicyDocument", {})]
        elif kind != "AWS::IAM::Role":
            return
        for document in documents:
            for statement in document.get("Statement", []):
                if "Sid" not in statement:
                    yield ["Properties"], "has a statement without a Sid"


class FunctionHasItsOwnLog(_HouseRule):
    """A function without a log group of its own gets one that keeps everything for ever, in the clear."""

    id = "E9105"
    shortdesc = "Every function runs on arm64 and writes to a log group of its template"
    description = shortdesc

    def faults(self, name: str, kind: str, properties: Any) -> Iterator[tuple[list[str], str]]:
        """See _HouseRule."""
        if kind != "AWS::Lambda::Function":
            return
        if "Ref" not in (properties.get("LoggingConfig") or {}).get("LogGroup", {}):
            yield ["Properties"], "writes to no log group of its template"
        if properties.get("Architectures") != ["arm64"]:
            yield ["Properties"], "does not run on arm64"


class ParameterIsDescribed(CloudFormationLintRule):  # type: ignore[misc]
    """The description is all that an operator sees in the console."""

    id = "E9106"
    shortdesc = "Every parameter has a description"
    description = shortdesc
    source_url = "docs/adr"
    tags = ["cartwright"]  # noqa: RUF012 - cfn-lint's own attribute.

    def match(self, cfn: Any) -> list[RuleMatch]:
        """Called by cfn-lint once per template."""
        return [
            RuleMatch(["Parameters", name], f"{name} has no description")
            for name, parameter in (cfn.template.get("Parameters") or {}).items()
            if len(str(parameter.get("Description", ""))) < 10
        ]
