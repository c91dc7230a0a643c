"""The cards of the embedded test provider: numbers known in the trade, each with a token that says what its bank does."""

from __future__ import annotations

from enum import StrEnum


class TestToken(StrEnum):
    """What a test card's bank does."""

    __test__ = False

    APPROVE = "tok_approve"
    DECLINED = "tok_declined"
    INSUFFICIENT_FUNDS = "tok_insufficient_funds"
    EXPIRED_CARD = "tok_expired_card"
    INCORRECT_CVC = "tok_incorrect_cvc"
    CHALLENGE = "tok_challenge"
    CAPTURE_FAILS = "tok_capture_fails"
    REFUND_FAILS = "tok_refund_fails"
    UNAVAILABLE = "tok_unavailable"
    ANSWER_LOST = "tok_answer_lost"


TEST_CARDS: dict[str, tuple[TestToken, str]] = {
    "4242424242424242": (TestToken.APPROVE, "is approved"),
    "5555555555554444": (TestToken.APPROVE, "is approved (Mastercard)"),
    "4000000000000002": (TestToken.DECLINED, "is declined"),
    "4000000000009995": (TestToken.INSUFFICIENT_FUNDS, "has not enough money"),
    "4000000000000069": (TestToken.EXPIRED_CARD, "has expired"),
    "4000000000000127": (TestToken.INCORRECT_CVC, "has another security code"),
    "4000002500003155": (TestToken.CHALLENGE, "asks the shopper to confirm with the bank"),
    "4000000000003220": (TestToken.CHALLENGE, "asks the shopper to confirm with the bank"),
    "4000000000000341": (TestToken.CAPTURE_FAILS, "is approved, but the money cannot be taken later"),
    "4000000000005126": (TestToken.REFUND_FAILS, "is approved, but a refund is declined"),
    "4000000000000119": (TestToken.UNAVAILABLE, "makes the provider unreachable"),
    "4000000000006975": (TestToken.ANSWER_LOST, "is approved, but the provider's first answer is lost"),
}
"""The table for the demo. A number that is not listed is declined: the test provider knows no real card."""

DECLINES = {
    TestToken.DECLINED: ("card_declined", "The bank declined the payment."),
    TestToken.INSUFFICIENT_FUNDS: ("insufficient_funds", "There is not enough money on the card."),
    TestToken.EXPIRED_CARD: ("expired_card", "The card has expired."),
    TestToken.INCORRECT_CVC: ("incorrect_cvc", "The security code is wrong."),
}
"""Decline code and message of the cards that are refused at once."""


def token_for(number: str) -> TestToken:
    """The token of a card number, written with or without spaces."""
    digits = number.replace(" ", "").replace("-", "")
    return TEST_CARDS.get(digits, (TestToken.DECLINED, ""))[0]
