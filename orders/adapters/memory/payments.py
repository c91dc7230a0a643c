"""A payment provider in memory, for unit tests: the same key gets the same answer, and money is never made up.

What a token does is in its name: `decline:CODE` is declined with that code, `challenge` wants the shopper first,
anything else is approved.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from orders.domain.errors import NotFound, Refused
from orders.ports import PaymentOutcome, PaymentResult


@dataclass
class _Payment:
    result: PaymentResult
    captured_minor: int = 0
    refunded_minor: int = 0
    is_voided: bool = False


class MemoryPayments:
    """ports.PaymentProvider. Threads may share it."""

    name = "memory"

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._payments: dict[str, _Payment] = {}
        self._answers: dict[str, PaymentResult] = {}
        self.calls: list[tuple[str, str]] = []
        """Every call that was not a repeat, as (kind, idempotency key)."""

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
        """See ports.PaymentProvider."""
        with self._lock:
            if idempotency_key in self._answers:
                return self._answers[idempotency_key]
            reference = f"mem_{len(self._payments) + 1}"
            result = PaymentResult(PaymentOutcome.SUCCEEDED, reference, amount_minor)
            if token.startswith("decline:"):
                code = token.removeprefix("decline:")
                result = replace(result, outcome=PaymentOutcome.DECLINED, decline_code=code)
            elif token == "challenge":  # noqa: S105  (the name of a behaviour)
                result = replace(result, outcome=PaymentOutcome.REQUIRES_ACTION, action_url=return_url)
            self._payments[reference] = _Payment(result)
            return self._answer("authorise", idempotency_key, result)

    def resume(self, *, reference: str) -> PaymentResult:
        """See ports.PaymentProvider. A challenge counts as passed once it is asked after."""
        with self._lock:
            payment = self._payment(reference)
            if payment.result.outcome is PaymentOutcome.REQUIRES_ACTION:
                payment.result = replace(payment.result, outcome=PaymentOutcome.SUCCEEDED, action_url="")
            return payment.result

    def find(self, *, idempotency_key: str, reference: str = "") -> PaymentResult | None:
        """See ports.PaymentProvider."""
        with self._lock:
            return self._answers.get(idempotency_key)

    def capture(self, *, reference: str, amount_minor: int, idempotency_key: str) -> PaymentResult:
        """See ports.PaymentProvider. Raises Refused for more than is held."""
        with self._lock:
            if idempotency_key in self._answers:
                return self._answers[idempotency_key]
            payment = self._payment(reference)
            held = payment.result.amount_minor - payment.captured_minor
            if (
                payment.is_voided
                or payment.result.outcome is not PaymentOutcome.SUCCEEDED
                or amount_minor > held
            ):
                raise Refused(f"payment {reference} does not hold {amount_minor}")
            payment.captured_minor += amount_minor
            return self._done("capture", idempotency_key, reference, amount_minor)

    def void(self, *, reference: str, idempotency_key: str) -> PaymentResult:
        """See ports.PaymentProvider. Raises Refused when money was captured."""
        with self._lock:
            if idempotency_key in self._answers:
                return self._answers[idempotency_key]
            payment = self._payment(reference)
            if payment.captured_minor:
                raise Refused(f"payment {reference} was captured; refund it")
            payment.is_voided = True
            return self._done("void", idempotency_key, reference, payment.result.amount_minor)

    def refund(self, *, reference: str, amount_minor: int, idempotency_key: str) -> PaymentResult:
        """See ports.PaymentProvider. Raises Refused for more than was captured."""
        with self._lock:
            if idempotency_key in self._answers:
                return self._answers[idempotency_key]
            payment = self._payment(reference)
            if amount_minor > payment.captured_minor - payment.refunded_minor:
                raise Refused(f"payment {reference} has less than {amount_minor} to pay back")
            payment.refunded_minor += amount_minor
            return self._done("refund", idempotency_key, reference, amount_minor)

    def _done(self, kind: str, key: str, reference: str, amount_minor: int) -> PaymentResult:
        return self._answer(kind, key, PaymentResult(PaymentOutcome.SUCCEEDED, reference, amount_minor))

    def _answer(self, kind: str, key: str, result: PaymentResult) -> PaymentResult:
        self.calls.append((kind, key))
        self._answers[key] = result
        return result

    def _payment(self, reference: str) -> _Payment:
        if reference not in self._payments:
            raise NotFound(f"no payment {reference}")
        return self._payments[reference]
