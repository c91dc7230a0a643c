"""The plan: what a change set would do, as a person reads it, and whether it endangers data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cloudformation.deploy.errors import UnsafeChange

STATEFUL_TYPES = frozenset(
    {
        "AWS::Backup::BackupVault",
        "AWS::DynamoDB::GlobalTable",
        "AWS::DynamoDB::Table",
        "AWS::KMS::Key",
        "AWS::Logs::LogGroup",
        "AWS::RDS::DBInstance",
        "AWS::S3::Bucket",
        "AWS::SQS::Queue",
        "AWS::SecretsManager::Secret",
    }
)
"""Types whose loss loses data. The templates give each both retention policies (a test checks it)."""

_SIGNS = {"Add": "+", "Modify": "~", "Remove": "-", "Import": ">", "Dynamic": "?", "SyncWithActual": "="}


@dataclass(frozen=True)
class Change:
    """What happens to one resource."""

    action: str
    logical_id: str
    type: str
    replacement: str = "False"
    reasons: tuple[str, ...] = ()

    @property
    def endangers_data(self) -> bool:
        """Whether data is lost or left behind: removal, or replacement that is certain or possible."""
        is_lossy = self.action == "Remove" or self.replacement in {"True", "Conditional"}
        return self.type in STATEFUL_TYPES and is_lossy

    def __str__(self) -> str:
        note = {"True": "  REPLACED", "Conditional": "  may be replaced"}.get(self.replacement, "")
        why = f"  ({', '.join(self.reasons)})" if self.reasons else ""
        data = "  DATA" if self.endangers_data else ""
        return f"{_SIGNS.get(self.action, '?')} {self.logical_id}  {self.type}{note}{data}{why}"


@dataclass(frozen=True)
class Plan:
    """What deploying one layer would do. `changes` is empty when there is nothing to do."""

    layer: str
    stack: str
    kind: str
    changes: tuple[Change, ...] = ()
    change_set_id: str = ""

    def lines(self) -> list[str]:
        """The plan as lines of text."""
        if not self.changes:
            return [f"{self.layer}: no changes"]
        counts = ", ".join(
            f"{sum(change.action == action for change in self.changes)} to {word}"
            for action, word in (
                ("Add", "add"),
                ("Modify", "change"),
                ("Remove", "remove"),
                ("Import", "adopt"),
            )
            if any(change.action == action for change in self.changes)
        )
        return [
            f"{self.layer}: {self.kind} {self.stack}: {counts}",
            *(f"  {change}" for change in self.changes),
        ]

    def check(self, released: Iterable[str]) -> None:
        """Raise UnsafeChange unless each endangered resource was released as `layer/LogicalId`."""
        allowed = set(released)
        endangered = [change for change in self.changes if change.endangers_data]
        refused = [change for change in endangered if f"{self.layer}/{change.logical_id}" not in allowed]
        if refused:
            flags = " ".join(f"--allow-replace {self.layer}/{change.logical_id}" for change in refused)
            what = ", ".join(change.logical_id for change in refused)
            raise UnsafeChange(
                f"{self.layer} would replace or remove what holds data: {what}. If that is meant, add: {flags}"
            )


def changes_of(described: Iterable[dict[str, Any]]) -> tuple[Change, ...]:
    """The changes of DescribeChangeSet, removals and replacements first, then by logical id."""
    changes = [_change(entry["ResourceChange"]) for entry in described if "ResourceChange" in entry]
    return tuple(sorted(changes, key=lambda change: (not change.endangers_data, change.logical_id)))


def _change(change: dict[str, Any]) -> Change:
    names = []
    for detail in change.get("Details", []):
        target = detail.get("Target", {})
        name = target.get("Name") or target.get("Attribute")
        if name and name not in names:
            names.append(name)
    return Change(
        change["Action"],
        change["LogicalResourceId"],
        change["ResourceType"],
        change.get("Replacement") or "False",
        tuple(names),
    )
