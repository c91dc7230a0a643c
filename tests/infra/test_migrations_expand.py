"""Migrations only expand: the release before keeps working on the new schema, so hosts change one zone after another.

A rule reads what every migration does to tables that were there before it; a run takes the previous release's own code
and tests and puts them on the newest schema.
"""

from __future__ import annotations

import ast
import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudformation.deploy.artefacts import ROOT

VERSIONS = ROOT / "migrations" / "versions"
REVISIONS = sorted(path for path in VERSIONS.glob("[0-9]*.py"))
HARMLESS = {
    "create_table": "nobody knows it yet",
    "create_index": "slower writes, the same answers; a unique one is looked at below",
    "drop_index": "slower reads, the same answers; a unique one is looked at below",
    "f": "marks a name",
    "get_context": "for work outside a transaction, whose steps are looked at themselves",
    "add_column": "looked at below",
    "alter_column": "looked at below",
    "execute": "looked at below",
}
FOR_THE_PLANNER = ("CREATE STATISTICS ", "ANALYZE ")
"""Statements that only help the database to guess: the same answers, sooner."""
CONTRACTS = {
    "0003": "specifications and options become JSON instead of JSONB: 0002 was in no release",
}
"""Revisions that do not only expand, each with the reason why no program of the release before minds."""
FIRST_RELEASE = "4b635e083d9316e2c053f89202e981574a6bbc5f"
"""With migrations 0001 to 0007."""
PREVIOUS_TESTS = (
    "tests/contract/test_order_book.py",
    "tests/integration/worker/test_worker.py",
    "tests/integration/webapp/test_cart.py",
    "tests/integration/webapp/test_checkout.py",
)


def calls_of_upgrade(path: Path) -> Iterator[ast.Call]:
    """Every `op.something(...)` that a migration's upgrade makes."""
    return _calls(ast.parse(path.read_text("utf-8")))


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    upgrade = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "upgrade")
    for node in ast.walk(upgrade):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and getattr(node.func.value, "id", "") == "op"
        ):
            yield node


def breaks_the_release_before(calls: Iterator[ast.Call]) -> Iterator[str]:
    """What a migration does that a program which does not know of it would trip over."""
    every = list(calls)
    own = {_text(call.args[0]) for call in every if _name(call) == "create_table"}
    for call in every:
        name, words = _name(call), {each.arg: each.value for each in call.keywords}
        if name not in HARMLESS:
            yield f"op.{name}"
        elif name == "add_column" and _text(call.args[0]) not in own:
            column = call.args[1]
            assert isinstance(column, ast.Call)
            given = {each.arg: each.value for each in column.keywords}
            is_nullable = getattr(given.get("nullable"), "value", True)
            if not is_nullable and "server_default" not in given:
                yield f"{_text(call.args[0])}.{_text(column.args[0])}: old rows and old programs have no value for it"
        elif name == "alter_column":
            if "new_column_name" in words:
                yield f"{_text(call.args[0])}.{_text(call.args[1])} is renamed"
            if getattr(words.get("nullable"), "value", True) is False:
                yield f"{_text(call.args[0])}.{_text(call.args[1])} must be given a value"
            if "type_" in words and not _widens(words["existing_type"], words["type_"]):
                yield f"{_text(call.args[0])}.{_text(call.args[1])} is narrowed"
        elif name == "execute" and not _text(call.args[0]).startswith(FOR_THE_PLANNER):
            yield "op.execute"
        elif name in {"create_index", "drop_index"}:
            table = _text(call.args[1]) if len(call.args) > 1 else _text(words["table_name"])
            if getattr(words.get("unique"), "value", False) and table not in own:
                yield f"{table} refuses what was allowed"


def _widens(before: ast.expr, after: ast.expr) -> bool:
    """Whether one text type is replaced by one that takes at least as much."""
    lengths = [_length(each) for each in (before, after)]
    return all(length is not None for length in lengths) and lengths[0] <= lengths[1]  # type: ignore[operator]


def _length(column_type: ast.expr) -> int | None:
    if not isinstance(column_type, ast.Call) or not isinstance(column_type.func, ast.Attribute):
        return None
    kind = column_type.func.attr
    if kind == "Text":
        return 1 << 30
    given = [*column_type.args[:1], *(each.value for each in column_type.keywords if each.arg == "length")]
    if kind == "String" and given and isinstance(given[0], ast.Constant):
        return int(str(given[0].value))
    return None


def _name(call: ast.Call) -> str:
    assert isinstance(call.func, ast.Attribute)
    return call.func.attr


def _text(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ast.unparse(node)


@pytest.mark.parametrize("path", REVISIONS, ids=lambda path: path.stem)
def test_a_migration_breaks_nothing_that_still_runs(path: Path) -> None:
    """No drop, no rename, no new demand on old writers; a contraction is listed with its reason."""
    if path.stem[:4] in CONTRACTS:
        return
    assert list(breaks_the_release_before(calls_of_upgrade(path))) == []


@pytest.mark.parametrize(
    ("step", "is_harmless"),
    [
        ('op.drop_column("orders", "note")', False),
        ('op.drop_table("carts")', False),
        ('op.rename_table("carts", "baskets")', False),
        ('op.execute("DELETE FROM carts")', False),
        ("op.execute(statement)", False),
        ('op.execute("CREATE STATISTICS s (mcv) ON a, b FROM carts")', True),
        ('op.create_unique_constraint("u", "carts", ["x"])', False),
        ('op.add_column("carts", sa.Column("x", sa.Integer(), nullable=False))', False),
        ('op.add_column("carts", sa.Column("x", sa.Integer(), server_default="0", nullable=False))', True),
        ('op.add_column("carts", sa.Column("x", sa.Integer(), nullable=True))', True),
        ('op.alter_column("carts", "x", new_column_name="y")', False),
        ('op.alter_column("carts", "x", existing_type=sa.Integer(), nullable=False)', False),
        (
            'op.alter_column("c", "x", existing_type=sa.String(length=20), type_=sa.String(length=10))',
            False,
        ),
        (
            'op.alter_column("c", "x", existing_type=sa.String(length=20), type_=sa.String(length=40))',
            True,
        ),
        ('op.create_index("i", "carts", ["x"], unique=True)', False),
        ('op.create_index("i", "carts", ["x"], unique=False)', True),
        ('op.create_table("new", sa.Column("x", sa.Integer(), nullable=False))', True),
    ],
)
def test_the_rule_sees_what_it_is_for(step: str, is_harmless: bool) -> None:
    """Each kind of step, planted."""
    found = list(breaks_the_release_before(_calls(ast.parse(f"def upgrade():\n    {step}\n"))))
    assert (found == []) is is_harmless, found


def previous_release() -> str:
    """The release before: the newest tag `release-*`, until there is one the first source that passed all its tests."""
    tag = _git("describe", "--tags", "--abbrev=0", "--match", "release-*")
    return tag or _git("rev-parse", "--verify", "--quiet", f"{FIRST_RELEASE}^{{commit}}")


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_previous_releases_code_passes_its_tests_on_the_new_schema(tmp_path: Path) -> None:
    """Its code, its tests, our migrations: orders are booked, worked on and bought as before."""
    commit = previous_release()
    if not commit:
        pytest.skip("the sources came without their history: the release before is not at hand")
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
    release = tmp_path / "release"
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(release, filter="data")
    known = {path.name for path in (release / "migrations" / "versions").glob("[0-9]*.py")}
    new = [path for path in REVISIONS if path.name not in known]
    assert new, "there is no migration since the release before; then its tag is this release's"
    for path in new:
        (release / "migrations" / "versions" / path.name).write_bytes(path.read_bytes())
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "CARTWRIGHT_"))
    }
    tests = [path for path in PREVIOUS_TESTS if (release / path).exists()]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-m", "not slow", *tests]
    done = subprocess.run(command, cwd=release, env=environment, capture_output=True, text=True)
    if done.returncode:
        # What waits in vain on a crowded machine cannot be mended in a release that is out; a wrong schema fails again.
        again = [*command, "--last-failed"]
        done = subprocess.run(again, cwd=release, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{commit}: {done.stdout[-4000:]}"
