"""The embedded test provider: a payment company in miniature, with books of its own and a real one's rules.

It authorises, asks for confirmation, captures once, voids, refunds up to what was captured, and answers the same key with
the same answer. Its books are tables of their own, written in transactions of their own: nothing that our programs roll
back is rolled back here, as with any outside company. What a card does is in test_cards.py.
"""

from __future__ import annotations

import hashlib
import secrets
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from psycopg.types.json import Jsonb
from sqlalchemy import Connection, Engine, RowMapping, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from orders.adapters.payments.test_books import AUTHORISE, CAPTURE
from orders.adapters.payments.test_cards import DECLINES, TestToken
from orders.adapters.rds.base import table_of
from orders.adapters.rds.engine import database_errors
from orders.adapters.rds.models import TestCharge, TestProviderCall
from orders.adapters.rds.statements import run
from orders.domain.errors import IdempotencyConflict, NotFound, OutcomeUnknown, Refused, Unavailable
from orders.ports import PaymentOutcome, PaymentResult

_CHARGES, _CALLS = table_of(TestCharge), table_of(TestProviderCall)
CHALLENGE_PATH = "/bank/"
"""Where the web application serves the test bank's page; the charge's reference follows."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the bank's page shows while it waits for the shopper."""

    reference: str
    order_id: str
    amount_minor: int
    currency: str
    return_url: str
    is_open: bool


class TestPaymentProvider:
    """ports.PaymentProvider named "test". Threads and processes may share its database."""

    __test__ = False
    name = "test"

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

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
        """See ports.PaymentProvider. A token that is not in test_cards.py is declined."""
        if token == TestToken.UNAVAILABLE:
            raise Unavailable("the test provider does not answer this card")

        reference = f"test_{secrets.token_hex(12)}"
        result = _first_answer(token, reference, amount_minor, return_url)
        fingerprint = _fingerprint("authorise", f"{order_id}|{amount_minor}|{currency}|{token}")
        charge = {
            "reference": reference,
            "order_id": order_id,
            "amount_minor": amount_minor,
            "currency": currency,
            "status": _STATUS[result.outcome],
            "card": token[:30],
            "return_url": return_url,
            "key": idempotency_key,
            "fingerprint": fingerprint,
            "answer": Jsonb(asdict(result)),
        }
        with database_errors("the test provider"):
            is_new = bool(run(self._engine, AUTHORISE, charge))
        if not is_new:
            with self._books() as connection:
                return _repeated(_known_call(connection, idempotency_key), fingerprint, idempotency_key)
        if token == TestToken.ANSWER_LOST:
            raise OutcomeUnknown("the test provider's answer was lost on the way")
        return result

    def resume(self, *, reference: str) -> PaymentResult:
        """See ports.PaymentProvider. Raises NotFound."""
        with self._books() as connection:
            charge = _charge(connection, reference)
        if charge["status"] == "requires_action":
            url = _challenge_url(charge["return_url"], reference)
            return PaymentResult(
                PaymentOutcome.REQUIRES_ACTION, reference, charge["amount_minor"], action_url=url
            )
        if charge["status"] == "declined":
            code, message = DECLINES.get(charge["card"], _CHALLENGE_REFUSED)
            return PaymentResult(
                PaymentOutcome.DECLINED, reference, charge["amount_minor"], decline_code=code, message=message
            )
        return PaymentResult(PaymentOutcome.SUCCEEDED, reference, charge["amount_minor"])

    def find(self, *, idempotency_key: str, reference: str = "") -> PaymentResult | None:
        """See ports.PaymentProvider. An authorisation is answered as it stands now."""
        with self._books() as connection:
            call = _known_call(connection, idempotency_key)
        if call is None:
            return None
        if call["operation"] == "authorise":
            return self.resume(reference=call["reference"])
        return _from_answer(call["answer"])

    def capture(self, *, reference: str, amount_minor: int, idempotency_key: str) -> PaymentResult:
        """See ports.PaymentProvider. Once per charge, at most what is held; the rest is let go. Else raises Refused."""

        asked = f"{reference}|{amount_minor}"
        if self._taken_at_once(reference, amount_minor, idempotency_key, _fingerprint("capture", asked)):
            return PaymentResult(PaymentOutcome.SUCCEEDED, reference, amount_minor)

        def take(connection: Connection) -> PaymentResult:
            charge = _charge(connection, reference)
            if charge["status"] != "authorised" or not 0 < amount_minor <= charge["amount_minor"]:
                raise Refused(f"charge {reference} is {charge['status']}: cannot capture {amount_minor}")
            if charge["card"] == TestToken.CAPTURE_FAILS:
                return _declined(reference, amount_minor, "card_declined", "The bank refused to pay out.")
            _change(connection, reference, status="captured", captured_minor=amount_minor)
            return PaymentResult(PaymentOutcome.SUCCEEDED, reference, amount_minor)

        return self._once("capture", idempotency_key, asked, take)

    def _taken_at_once(self, reference: str, amount_minor: int, key: str, fingerprint: str) -> bool:
        """What nearly every capture is: a charge that is held, a key that is new. All else is looked at in steps."""
        answer = PaymentResult(PaymentOutcome.SUCCEEDED, reference, amount_minor)
        values = {
            "reference": reference,
            "amount_minor": amount_minor,
            "key": key,
            "fingerprint": fingerprint,
            "answer": Jsonb(asdict(answer)),
            "card_that_fails": TestToken.CAPTURE_FAILS.value,
        }
        with database_errors("the test provider"):
            try:
                return bool(run(self._engine, CAPTURE, values))
            except IntegrityError:
                return False  # Another call came under this key meanwhile; nothing was taken.

    def void(self, *, reference: str, idempotency_key: str) -> PaymentResult:
        """See ports.PaymentProvider. A voided charge stays voided; after a capture raises Refused."""

        def let_go(connection: Connection) -> PaymentResult:
            charge = _charge(connection, reference)
            if charge["status"] == "captured":
                raise Refused(f"charge {reference} was captured; refund it")
            if charge["status"] != "declined":
                _change(connection, reference, status="voided")
            return PaymentResult(PaymentOutcome.SUCCEEDED, reference, charge["amount_minor"])

        return self._once("void", idempotency_key, reference, let_go)

    def refund(self, *, reference: str, amount_minor: int, idempotency_key: str) -> PaymentResult:
        """See ports.PaymentProvider. Raises Refused for more than was captured and not yet paid back."""

        def pay_back(connection: Connection) -> PaymentResult:
            charge = _charge(connection, reference)
            left = charge["captured_minor"] - charge["refunded_minor"]
            if not 0 < amount_minor <= left:
                raise Refused(f"charge {reference} has {left} left to pay back, not {amount_minor}")
            if charge["card"] == TestToken.REFUND_FAILS:
                return _declined(
                    reference, amount_minor, "refund_declined", "The card's account no longer exists."
                )
            _change(connection, reference, refunded_minor=charge["refunded_minor"] + amount_minor)
            return PaymentResult(PaymentOutcome.SUCCEEDED, reference, amount_minor)

        return self._once("refund", idempotency_key, f"{reference}|{amount_minor}", pay_back)

    # --- the bank's page ------------------------------------------------------------------------------------

    def challenge(self, reference: str) -> Challenge:
        """What the bank asks the shopper. Raises NotFound."""
        with self._books() as connection:
            charge = _charge(connection, reference)
        return Challenge(
            reference,
            charge["order_id"],
            charge["amount_minor"],
            charge["currency"],
            charge["return_url"],
            is_open=charge["status"] == "requires_action",
        )

    def answer_challenge(self, reference: str, *, is_confirmed: bool) -> None:
        """The shopper's answer to the bank; the first one counts."""
        with self._books() as connection:
            if _charge(connection, reference)["status"] == "requires_action":
                _change(connection, reference, status="authorised" if is_confirmed else "declined")

    # --- the books ------------------------------------------------------------------------------------------

    def _once(
        self, operation: str, key: str, asked: str, act: Callable[[Connection], PaymentResult]
    ) -> PaymentResult:
        """Do it, or repeat the answer of the first time. Another question under the same key is refused."""
        fingerprint = _fingerprint(operation, asked)
        with self._books() as connection:
            # Two calls with one key at once: the second waits here and then finds the first one's answer.
            connection.execute(select(func.pg_advisory_xact_lock(zlib.crc32(key.encode()))))
            known = _known_call(connection, key)
            if known is not None:
                return _repeated(known, fingerprint, key)
            result = act(connection)
            row = {
                "idempotency_key": key,
                "operation": operation,
                "reference": result.reference,
                "fingerprint": fingerprint,
                "answer": asdict(result),
            }
            connection.execute(insert(_CALLS), row)
            return result

    @contextmanager
    def _books(self) -> Iterator[Connection]:
        """A transaction in the provider's books, with the database's absence told as the provider's."""
        with database_errors("the test provider"), self._engine.begin() as connection:
            yield connection


_STATUS = {
    PaymentOutcome.SUCCEEDED: "authorised",
    PaymentOutcome.REQUIRES_ACTION: "requires_action",
    PaymentOutcome.DECLINED: "declined",
}
_CHALLENGE_REFUSED = ("authentication_failed", "The shopper did not confirm the payment.")


def _fingerprint(operation: str, asked: str) -> str:
    return hashlib.sha256(f"{operation}|{asked}".encode()).hexdigest()


def _repeated(known: RowMapping | None, fingerprint: str, key: str) -> PaymentResult:
    """The answer of the first time. Raises IdempotencyConflict for another question under the same key."""
    if known is None:
        raise Unavailable(f"the call under the key {key} is being undone")
    if known["fingerprint"] != fingerprint:
        raise IdempotencyConflict(f"the key {key} was used for another {known['operation']}")
    return _from_answer(known["answer"])


def _first_answer(token: str, reference: str, amount_minor: int, return_url: str) -> PaymentResult:
    if token == TestToken.CHALLENGE:
        url = _challenge_url(return_url, reference)
        return PaymentResult(PaymentOutcome.REQUIRES_ACTION, reference, amount_minor, action_url=url)
    if token not in set(TestToken):
        token = TestToken.DECLINED
    if (decline := DECLINES.get(TestToken(token))) is not None:
        return _declined(reference, amount_minor, *decline)
    return PaymentResult(PaymentOutcome.SUCCEEDED, reference, amount_minor)


def _declined(reference: str, amount_minor: int, code: str, message: str) -> PaymentResult:
    return PaymentResult(PaymentOutcome.DECLINED, reference, amount_minor, code, message)


def _challenge_url(return_url: str, reference: str) -> str:
    shop = urlsplit(return_url)
    return f"{shop.scheme}://{shop.netloc}{CHALLENGE_PATH}{reference}"


def _charge(connection: Connection, reference: str) -> RowMapping:
    statement = select(_CHARGES).where(_CHARGES.c.reference == reference).with_for_update()
    row = connection.execute(statement).mappings().first()
    if row is None:
        raise NotFound(f"the test provider knows no charge {reference}")
    return row


def _change(connection: Connection, reference: str, **values: Any) -> None:
    connection.execute(update(_CHARGES).where(_CHARGES.c.reference == reference).values(**values))


def _known_call(connection: Connection, key: str) -> RowMapping | None:
    return connection.execute(select(_CALLS).where(_CALLS.c.idempotency_key == key)).mappings().first()


def _from_answer(answer: dict[str, Any]) -> PaymentResult:
    return PaymentResult(**{**answer, "outcome": PaymentOutcome(answer["outcome"])})
