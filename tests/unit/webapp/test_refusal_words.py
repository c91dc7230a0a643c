"""What a shopper reads of a refusal of the core, in each language."""

from __future__ import annotations

import pytest

from orders.domain.coupon import CouponProblem, CouponRefused
from orders.domain.errors import (
    InvalidRequest,
    LineRefusal,
    NotFound,
    OrderRefused,
    Problem,
    RefusalReason,
    Refused,
    TransitionRefused,
    VersionConflict,
)
from orders.domain.ids import Sku
from webapp.languages import language, speaking
from webapp.refusal_words import problem_words, refusal_words

GERMAN = language("de", "/de")
REFUSALS = (
    NotFound("no order 1 in the book"),
    TransitionRefused("the order is being picked: it is too late to cancel it yourself"),
    VersionConflict("order 1 is not at version 3 any more"),
    OrderRefused([LineRefusal(Sku("MUG"), RefusalReason.UNKNOWN_SKU, 1)]),
    OrderRefused(()),
    CouponRefused("SPRING", CouponProblem.OVER),
    Refused("something of tomorrow, with 100 % of surprise"),
    InvalidRequest([Problem("/lines/MUG", "the order has 3 pieces; choose fewer, or order anew")]),
    InvalidRequest([Problem("", "the body has 9 bytes; at most 8 are taken")]),
)


@pytest.mark.parametrize("refused", REFUSALS, ids=lambda refused: type(refused).__name__)
def test_a_refusal_is_never_said_in_two_languages(refused: Refused) -> None:
    """English is what the core wrote; German is a German sentence, also where only the code is known."""
    said = (
        " ".join(problem.detail for problem in refused.problems)
        if isinstance(refused, InvalidRequest)
        else str(refused)
    )
    assert refusal_words(refused) == said
    with speaking(GERMAN):
        words = refusal_words(refused)
    assert words != said
    assert words.endswith(".")
    assert not {"the", "order", "of"} & set(words.lower().split())


def test_a_text_that_the_catalogue_knows_is_translated() -> None:
    """The more exact sentence wins over the one for the code."""
    with speaking(GERMAN):
        assert refusal_words(VersionConflict("this order is being placed")) == (
            "Diese Bestellung wird gerade aufgegeben."
        )
        assert problem_words(Problem("/lines", "nothing is changed")) == "Es wurde nichts geändert."
