"""The documents of docs/security say what the code does, and every requirement is linked to a test that exists."""

from __future__ import annotations

import ast
import csv
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from webapp import passwords, security
from webapp.account import attempts, sessions
from webapp.catalog import finding
from webapp.console.people import accounts, invitations
from webapp.console.people import sessions as staff_sessions
from webapp.console.stock import sheet
from webapp.tracking import hub

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ROOT / "docs" / "security"
REQUIREMENTS = {"1": 70, "2": 183}
"""How many requirements ASVS 5.0.0 has of each level."""
SHARE_OF_LEVEL_2 = 0.9


def requirements() -> list[dict[str, str]]:
    """The table."""
    with (DOCUMENTS / "asvs.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@cache
def names_in(path: str) -> frozenset[str]:
    """The names of the tests in a file."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_every_requirement_is_there_once() -> None:
    """All of level 1 and 2, none twice, each with a status."""
    rows = requirements()
    assert Counter(row["level"] for row in rows) == REQUIREMENTS
    assert len({row["requirement"] for row in rows}) == len(rows)
    assert {row["status"] for row in rows} <= {"met", "not applicable", "open"}


@pytest.mark.parametrize("row", requirements(), ids=lambda row: row["requirement"])
def test_a_requirement_that_is_met_has_a_test_and_any_other_a_reason(row: dict[str, str]) -> None:
    """The linked test exists under its name; what is not applicable or open says why."""
    if row["status"] != "met":
        assert row["note"], row
        return
    path, _, name = row["test"].partition("::")
    assert name in names_in(path), f"{row['requirement']}: no test {name} in {path}"


def test_level_one_is_met_and_nine_tenths_of_level_two() -> None:
    """Of what applies: all of level 1, at least nine tenths of level 2."""
    counted = Counter((row["level"], row["status"]) for row in requirements())
    assert counted["1", "open"] == 0
    assert counted["2", "met"] / (counted["2", "met"] + counted["2", "open"]) >= SHARE_OF_LEVEL_2
    met, applicable = counted["2", "met"], counted["2", "met"] + counted["2", "open"]
    page = " ".join((DOCUMENTS / "README.md").read_text("utf-8").split())
    assert f"{100 * met // applicable} % of level 2 ({met} of {applicable})" in page


def test_the_documents_figures_are_the_codes() -> None:
    """Every limit and lifetime on the page is the constant that is enforced."""
    page = " ".join((DOCUMENTS / "README.md").read_text("utf-8").split())
    expected = [
        f"password of {passwords.MIN_LENGTH} to {passwords.MAX_LENGTH} characters",
        f"at least {accounts.MIN_PASSWORD_LENGTH} characters",
        f"{attempts.SIGN_IN_PER_EMAIL} for an e-mail address, {attempts.SIGN_IN_PER_ADDRESS} from an IP address",
        f"| {accounts.ATTEMPTS_PER_EMAIL} and {accounts.ATTEMPTS_PER_ADDRESS} |",
        f"{sessions.LIFETIME.days} days, {sessions.IDLE_TIME.days} days idle",
        f"{staff_sessions.LIFETIME.days} days, {staff_sessions.IDLE_TIME.seconds // 3600} hours idle",
        f"good for {invitations.GOOD_FOR.days} days",
        f"Letters: {attempts.LETTERS_PER_EMAIL} for an address and {attempts.LETTERS_PER_ADDRESS} from an IP address",
        f"at most {security.MAX_FORM_BYTES // 1024} kB",
        f"at most {sheet.MOST_ROWS:,} rows",
        f"facets are counted up to {finding.COUNT_LIMIT:,}",
        f"{hub.MOST_LISTENERS:,} a process, {hub.MOST_LISTENERS_PER_ORDER} an order",
    ]
    assert [text for text in expected if text not in page] == []
    assert attempts.WINDOW == accounts.ATTEMPT_WINDOW
    assert f"in {attempts.WINDOW.seconds // 60} minutes" in page
