"""The catalogue of planted faults stays true to the code: a passage that moved away would prove nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants.catalogue import MUTANTS, Mutant

ROOT = Path(__file__).parents[3]
AT_LEAST = 20


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_changes_one_passage_and_names_tests_that_exist(mutant: Mutant) -> None:
    """`make mutants` takes minutes; this is noticed in the commit that moves the passage."""
    assert (ROOT / mutant.file).read_text("utf-8").count(mutant.passage) == 1
    assert mutant.replacement != mutant.passage
    for test in mutant.tests:
        path, *names = test.split("::")
        source = (ROOT / path).read_text("utf-8")
        for name in names:
            assert name.partition("[")[0] in source, test


def test_the_catalogue_is_large_and_its_names_differ() -> None:
    """A name chooses a mutant on the command line."""
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= AT_LEAST
