"""The port to the payment provider."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class PaymentOutcome(StrEnum):
    """How a provider call ended."""

    SUCCEEDED = "succeeded"
    REQUIRES_ACTION = "requires_action"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class PaymentResult:
    """The provider's answer. `reference` is its id of the payment; `action_url` where a challenge waits."""

    outcome: PaymentOutcome
    reference: str
    amount_minor: int
    decline_code: str = ""
    message: str = ""
    action_url: str = ""


class PaymentProvider(Protocol):
    """A payment provider. `idempotency_key` makes every call safe to repeat: the same key gets the same answer."""

    name: str

    def authorise(
        self,
        *,
        order_id: str,
        amount_minor: int,
        currency: str,
        token: str,
        idempotency_key: str,
        return_url: str,
        locale: str = "",
    ) -> PaymentResult:
        """Hold the amount on the card behind `token`. DECLINED is an answer, not an error; Unavailable/OutcomeUnknown are raised.

        `locale` is the order's: a page of the provider's own speaks its language, where it can.
        """
        ...

    def resume(self, *, reference: str) -> PaymentResult:
        """What became of a payment: after a challenge, or after a lost answer."""
        ...

    def find(self, *, idempotency_key: str, reference: str = "") -> PaymentResult | None:
        """What a call with this key did, or None when it never arrived. `reference` names the payment, where it is known."""
        ...

    def capture(self, *, reference: str, amount_minor: int, idempotency_key: str) -> PaymentResult:
        """Take held money."""
        ...

    def void(self, *, reference: str, idempotency_key: str) -> PaymentResult:
        """Let held money go."""
        ...

    def refund(self, *, reference: str, amount_minor: int, idempotency_key: str) -> PaymentResult:
        """Pay captured money back, in part or whole."""
        ...
