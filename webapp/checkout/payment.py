"""What the payment step keeps: the embedded test provider's token of a card, or that the provider's own page takes it."""

from __future__ import annotations

from orders.adapters.payments.test_cards import TEST_CARDS, token_for
from webapp.checkout.cards import CardToken, card_digits, label_of
from webapp.languages import N_, _

HOSTED = "hosted"
"""The token of a payment whose card is typed on the provider's page (orders/adapters/payments/stripe_provider.py)."""
WHAT_CARDS_DO = (
    N_("is approved"),
    N_("is approved (Mastercard)"),
    N_("is declined"),
    N_("has not enough money"),
    N_("has expired"),
    N_("has another security code"),
    N_("asks the shopper to confirm with the bank"),
    N_("is approved, but the money cannot be taken later"),
    N_("is approved, but a refund is declined"),
    N_("makes the provider unreachable"),
    N_("is approved, but the provider's first answer is lost"),
)
"""What the test provider says of its cards, for the catalogues."""


def tokenise(typed: str) -> CardToken:
    """Turn a card number into the test provider's token, which is all that is kept, and a label for its owner."""
    digits = card_digits(typed)
    return CardToken(str(token_for(digits)), label_of(digits))


def test_cards() -> list[tuple[str, str]]:
    """The test cards for the page, written in groups of four, each with what its bank does."""
    return [
        (" ".join(number[i : i + 4] for i in range(0, len(number), 4)), _(what))
        for number, (_token, what) in TEST_CARDS.items()
    ]
