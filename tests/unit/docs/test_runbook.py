"""docs/runbook/: one page for each alarm and none too many, and every command on a page names what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cloudformation.deploy.template import Template, load_all
from cloudformation.runbook import INDEX, PAGES, ROOT, alarms, index_table, page_table
from worker.cli import parser

TEMPLATES = load_all(ROOT / "cloudformation")
ALARMS = alarms(TEMPLATES)
BY_NAME: dict[str, Template] = {template.name: template for template in TEMPLATES.values()}
FILES = sorted(PAGES.glob("*.md"))
ALARM_PAGES = sorted({alarm.page for alarm in ALARMS})
PARTS = [
    "## What it means",
    "## What shoppers notice",
    "## First three looks",
    "## Likely causes, and what mends them",
    "## How to know that it is over",
    "## Afterwards",
]


def procedures() -> set[str]:
    """The pages that the index lists as procedures."""
    section = INDEX.read_text("utf-8").split("## Procedures")[1].split("## Alarms")[0]
    return set(re.findall(r"\]\(([a-z-]+\.md)\)", section))


def test_every_alarm_links_to_a_page_that_exists() -> None:
    """Whoever is woken has something to open."""
    assert [alarm.logical_id for alarm in ALARMS if not alarm.page] == []
    assert [page for page in ALARM_PAGES if not (PAGES / page).is_file()] == []


def test_every_page_belongs_to_an_alarm_or_is_a_procedure() -> None:
    """A page that nothing leads to is a page that nobody finds, or the alarm is gone."""
    strangers = {path.name for path in FILES} - set(ALARM_PAGES) - procedures() - {INDEX.name}
    assert strangers == set()
    assert procedures() & set(ALARM_PAGES) == set()


@pytest.mark.parametrize("page", ALARM_PAGES)
def test_a_page_has_every_part_and_says_when_its_alarm_rings(page: str) -> None:
    """Six parts in their order; the table is that of the templates (`python -m cloudformation.runbook` writes it)."""
    text = (PAGES / page).read_text("utf-8")
    assert [line for line in text.splitlines() if line.startswith("## ")] == PARTS
    assert page_table(alarm for alarm in ALARMS if alarm.page == page) + "\n" in text
    looks = text.split(PARTS[2])[1].split(PARTS[3])[0]
    assert re.findall(r"^(\d)\. ", looks, re.MULTILINE) == ["1", "2", "3"]
    assert looks.count("```sh") >= 2
    for heading, following in zip(PARTS, [*PARTS[1:], "\x00"], strict=True):
        words = text.split(heading)[1].split(following)[0].split()
        assert words, f"nothing under {heading}"


def test_the_index_lists_every_alarm() -> None:
    """`python -m cloudformation.runbook` writes it."""
    ordered: dict[str, list[int]] = {}
    for number, alarm in enumerate(ALARMS):
        ordered.setdefault(alarm.page, []).append(number)
    grouped = [ALARMS[number] for numbers in ordered.values() for number in numbers]
    assert index_table(grouped) + "\n" in INDEX.read_text("utf-8")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_page_names_resources_that_the_templates_have(path: Path) -> None:
    """`res messaging OrdersQueue` asks CloudFormation for a resource of a layer by its logical id."""
    for layer, logical_id in re.findall(r"\(res (\w+) (\w+)", path.read_text("utf-8")):
        assert layer in BY_NAME, f"{path.name}: there is no layer {layer}"
        assert logical_id in BY_NAME[layer].resources, f"{path.name}: {layer} has no {logical_id}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_page_names_parameters_targets_and_files_that_exist(path: Path) -> None:
    """Parameters of the templates, make targets, the worker's commands, and files of the repository."""
    text = path.read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"(?:`|^ *)make ([a-z][a-z-]+)", text, re.MULTILINE):
        assert f"\n{target}:" in makefile, f"{path.name}: make {target}"
    known = set(re.findall(r"\n    (\w+) ", parser().format_help()))
    for command in re.findall(r"run -m worker (\w+)", text):
        assert command in known, f"{path.name}: worker {command}"
    for file in re.findall(
        r"`((?:orders|webapp|worker|lambdas|tests|cloudformation|ansible|docs)/[\w/.-]+)`", text
    ):
        assert (ROOT / file).exists(), f"{path.name}: {file}"
    for release in re.findall(r"cartwright-release (\w+)", text):
        tool = (ROOT / "ansible/roles/python_app/files/cartwright_release.py").read_text("utf-8")
        assert f"cartwright-release {release}" in tool, f"{path.name}: cartwright-release {release}"


def test_parameters_on_the_pages_are_parameters_of_the_templates() -> None:
    """A page says `WorkerMaximum`; the templates must know it."""
    known = {name for template in TEMPLATES.values() for name in template.parameters}
    suffixes = ("Maximum", "Concurrency", "InstanceType", "InstanceClass", "StorageGb", "Seconds", "PerZone")
    for path in FILES:
        for name in re.findall(r"`([A-Z][A-Za-z]+)`", path.read_text("utf-8")):
            if name.endswith(suffixes):
                assert name in known, f"{path.name}: {name}"
