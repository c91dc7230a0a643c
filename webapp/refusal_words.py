"""What a refusal of the core says to a shopper. Codes and types are the core's; the words of other languages are chosen here.

The core writes English, for people and for logs. A page in English shows that text as it is. A page in another language
shows its translation where the catalogue has it, and else a sentence for the refusal's code: never a page in two languages.
"""

from __future__ import annotations

from orders.domain.errors import InvalidRequest, Problem, Refused
from orders.formats import SOURCE_LANGUAGE
from webapp.languages import N_, _, current_language

_REFUSED = N_("That cannot be done as it stands. Please go back and look again.")
_BY_CODE = {
    "not_found": N_("This is not here any more."),
    "transition_refused": N_("The order has moved on meanwhile: that cannot be done any more."),
    "version_conflict": N_("This was changed meanwhile, perhaps in another window. Please look at it again."),
    "idempotency_conflict": N_("This order was placed already, with something else in it."),
    "order_refused": N_("Part of your order cannot be had as it was."),
    "coupon_refused": N_("The coupon does not count any more."),
}
_INVALID = N_("Please check what you entered.")
_BY_FIELD = {
    "lines": N_("This number of pieces is not possible."),
    "discount_code": N_("The coupon does not count any more."),
    "payment": N_("The payment does not fit the order any more. Please look at the order once more."),
}
"""By the first part of a problem's JSON pointer."""
_OF_THE_CORE = (
    # Checkout and cart, in two windows at once.
    N_("this order is being placed already"),
    N_("this order is being placed"),
    N_("this cart was ordered in another window"),
    N_("this order was changed in another window"),
    N_("the cart was changed in another window"),
    N_("this item is not in the cart any more"),
    # Changes of an order (orders/services/edit_order.py, return_order.py).
    N_("nothing is changed"),
    N_("nothing would be left: cancel the order"),
    N_("choose at least one piece"),
)
"""Texts of refusals without a number in them, for the catalogues: what another language says of them is a sentence."""


def refusal_words(refused: Refused) -> str:
    """The refusal as the page's language says it."""
    if isinstance(refused, InvalidRequest):
        return " ".join(problem_words(problem) for problem in refused.problems)
    return _said(str(refused), _BY_CODE.get(refused.code, _REFUSED))


def problem_words(problem: Problem) -> str:
    """What is wrong with one field as the page's language says it."""
    field = problem.pointer.lstrip("/").partition("/")[0]
    return _said(problem.detail, _BY_FIELD.get(field, _INVALID))


def _said(text: str, otherwise: str) -> str:
    language = current_language()
    # Past the memory of texts: these may have numbers in them.
    translated = (
        language.texts.gettext(text) if text else text
    )  # Of no text gettext knows the catalogue's header.
    return translated if translated != text or language.code == SOURCE_LANGUAGE else _(otherwise)
