"""The runbook's pages and the alarms that link to them: what each alarm watches, told from its template.

`python -m cloudformation.runbook` writes the tables of docs/runbook/ anew: the one at the head of each page and the
index. A page's words are written by people and stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cloudformation.deploy.template import Json, Template, load_all

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "runbook"
INDEX = PAGES / "README.md"

_LINK = re.compile(r"Runbook: docs/runbook/([a-z0-9-]+\.md)$")
_TABLE = re.compile(r"^\|.*\n\|[-|]+\|\n(?:\|.*\n)+", re.MULTILINE)
_MEMBER = re.compile(r"ALARM\(\"\$\{(\w+)\}\"\)")
_COMPARISONS = {
    "GreaterThanThreshold": "above",
    "GreaterThanOrEqualToThreshold": "at or above",
    "LessThanThreshold": "below",
    "LessThanOrEqualToThreshold": "at or below",
}


@dataclass(frozen=True)
class Alarm:
    """One alarm of one layer, with the page that its description names; empty when it names none."""

    layer: str
    logical_id: str
    page: str
    properties: Json
    parameters: Mapping[str, Json]

    def row(self) -> str:
        """The alarm as a row of its page's table."""
        return f"| `{self.logical_id}` | [{self.layer}](../../cloudformation/{self.layer}.yaml) | {self.rule()} |"

    def rule(self) -> str:
        """When it rings, in words."""
        watched = self.properties
        if "AlarmRule" in watched:
            members = _MEMBER.findall(watched["AlarmRule"]["Fn::Sub"][0])
            return f"any of {', '.join(members)} rings"
        what = watched.get("MetricName") or "a figure computed from several"
        statistic = watched.get("ExtendedStatistic") or str(watched.get("Statistic", "")).lower()
        comparison = _COMPARISONS.get(watched["ComparisonOperator"], watched["ComparisonOperator"])
        periods = watched["EvaluationPeriods"]
        needed = watched.get("DatapointsToAlarm", periods)
        lasting = f"in {needed} of {periods} {self._periods()}" if "Period" in watched else ""
        silence = "; silence counts as bad" if watched["TreatMissingData"] == "breaching" else ""
        figure = f"{statistic} of `{watched.get('Namespace', '')} {what}`".replace("` ", "`")
        return f"{figure} is {comparison} {self._threshold()} {lasting}".strip() + silence

    def _periods(self) -> str:
        period = self.properties["Period"]
        if isinstance(period, dict):
            name = period["Fn::FindInMap"][1]["Ref"]
            return f"periods that follow {name} ({self.parameters[name].get('Default', 'set by the stage')} unless the stage says otherwise)"
        return f"periods of {period} s"

    def _threshold(self) -> str:
        threshold = self.properties.get("Threshold")
        if isinstance(threshold, dict) and "Ref" in threshold:
            name = threshold["Ref"]
            return f"{name} ({self.parameters[name].get('Default', 'set by the stage')} unless the stage says otherwise)"
        return f"{threshold:,}" if isinstance(threshold, int) else str(threshold)


def alarms(templates: Mapping[str, Template]) -> list[Alarm]:
    """Every alarm and composite alarm, layer by layer."""
    found = []
    for layer, template in templates.items():
        for logical_id, resource in template.resources.items():
            if resource["Type"] in {"AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"}:
                properties = resource["Properties"]
                link = _LINK.search(str(properties.get("AlarmDescription", "")))
                found.append(
                    Alarm(layer, logical_id, link[1] if link else "", properties, template.parameters)
                )
    return found


def page_table(belonging: Iterable[Alarm]) -> str:
    """The table at the head of a page."""
    return "\n".join(["| Alarm | Layer | Rings when |", "|---|---|---|", *(each.row() for each in belonging)])


def index_table(every: Iterable[Alarm]) -> str:
    """The table of the index: one row for each page."""
    by_page: dict[str, list[Alarm]] = {}
    for each in every:
        by_page.setdefault(each.page, []).append(each)
    rows = ["| Alarm | What it says | Page |", "|---|---|---|"]
    for page, belonging in by_page.items():
        says = str(belonging[0].properties["AlarmDescription"]).split(" Runbook:")[0]
        names = ", ".join(f"`{each.logical_id}`" for each in belonging)
        rows.append(f"| {names} | {says} | [{page.removesuffix('.md')}]({page}) |")
    return "\n".join(rows)


def refresh(every: Iterable[Alarm], folder: Path = PAGES) -> list[str]:
    """Write the tables anew. Returns the pages that alarms name and that nobody has written."""
    by_page: dict[str, list[Alarm]] = {}
    for each in every:
        by_page.setdefault(each.page, []).append(each)
    missing = []
    for page, belonging in by_page.items():
        path = folder / page
        if path.is_file():
            _replace_table(path, page_table(belonging))
        else:
            missing.append(page)
    _replace_table(folder / INDEX.name, index_table([alarm for each in by_page.values() for alarm in each]))
    return missing


def _replace_table(path: Path, table: str) -> None:
    path.write_text(_TABLE.sub(lambda _: table + "\n", path.read_text("utf-8"), count=1), "utf-8")


def main() -> int:
    """Write the tables; 1 when a page is missing."""
    missing = refresh(alarms(load_all(ROOT / "cloudformation")))
    for page in missing:
        print(f"docs/runbook/{page} is not written")  # noqa: T201
    return 1 if missing else 0


if __name__ == "__main__":
    raise SystemExit(main())
