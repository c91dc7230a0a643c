"""Every AWS command in the runbook is one that exists, with options that exist: checked against botocore's own models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

from cloudformation.runbook import PAGES

FILES = sorted(PAGES.glob("*.md"))
CLI_NAMES = {"deploy": "codedeploy"}
"""Where the command line calls a service otherwise than its model."""
OWN = {
    ("logs", "tail"): {"--since", "--filter-pattern", "--format", "--log-stream-name-prefix"},
    ("s3", "ls"): set(),
    ("s3", "cp"): set(),
}
"""Commands of the command line itself, which no model describes."""
EVERYWHERE = {"--query", "--output", "--region", "--max-items"}


@cache
def operations(service: str) -> dict[str, set[str]]:
    """The operations of a service with their options, as the command line spells them."""
    model = botocore.session.get_session().get_service_model(CLI_NAMES.get(service, service))
    known = {}
    for name in model.operation_names:
        shape = model.operation_model(name).input_shape
        members = shape.members if shape else {}
        options = set()
        for member, of in members.items():
            option = "--" + xform_name(member, "-")
            options |= {option, option.replace("--", "--no-", 1)} if of.type_name == "boolean" else {option}
        known[xform_name(name, "-")] = options
    return known


def commands(text: str) -> Iterator[list[str]]:
    """The AWS commands of a page, in code blocks and in running text, those inside others too, each as its own words."""
    joined = re.sub(r"\\\n\s*", " ", text)
    for found in re.finditer(r"(?:^ *|`|\$\(|; do |=\")aws (?=[a-z0-9-]+ [a-z0-9-]+)", joined, re.MULTILINE):
        line = re.split(r"[`\n]", joined[found.end() :], maxsplit=1)[0]
        yield re.split(r"\s[|&;#]|;", _own(line))[0].split()


def _own(line: str) -> str:
    """A command without the commands inside it, up to the parenthesis that ends it."""
    kept, depth = [], 0
    for character in line:
        depth += character == "("
        if depth == 0 and character == ")":
            break
        if depth == 0:
            kept.append(character)
        depth -= character == ")" and depth > 0
    return "".join(kept)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_aws_commands_exist_with_their_options(path: Path) -> None:
    """At three in the morning nobody wants to find out that an option is called otherwise."""
    for service, operation, *words in commands(path.read_text("utf-8")):
        options = {word.split("=")[0] for word in words if re.fullmatch(r"--[a-z][a-z0-9-]+(=.*)?", word)}
        if (service, operation) in OWN:
            assert options - OWN[service, operation] - EVERYWHERE == set(), (
                f"{path.name}: {service} {operation}"
            )
            continue
        if operation == "wait":
            operation, options = "describe-" + words[0].rsplit("-", 1)[0] + "s", set()
        known = operations(service)
        assert operation in known, f"{path.name}: aws {service} has no {operation}"
        unknown = options - known[operation] - EVERYWHERE
        assert unknown == set(), f"{path.name}: aws {service} {operation} has no {sorted(unknown)}"


def test_the_check_itself_finds_commands() -> None:
    """A pattern that finds nothing would let everything pass."""
    found = [words for path in FILES for words in commands(path.read_text("utf-8"))]
    assert len(found) > 150
    assert len({words[0] for words in found}) > 15
