"""What every payment provider must do, tested on each that can run here."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from orders.adapters.memory.payments import MemoryPayments
from orders.adapters.payments.stripe_provider import StripeProvider
from orders.adapters.payments.test_provider import TestPaymentProvider
from orders.adapters.rds.engine import make_engine
from orders.domain.errors import NotFound, OutcomeUnknown, Refused, Unavailable
from orders.ports import PaymentOutcome, PaymentProvider, PaymentResult
from orders.settings import Settings
from tests.stripe_fake import KEY, FakeStripe

ORDER_ID = "01a2040f-2276-7af1-b147-1dbaccfcc247"


class PaidAtOnce(StripeProvider):
    """Stripe with a shopper who types a good card on its page as soon as it opens."""

    def __init__(self, fake: FakeStripe) -> None:
        super().__init__(KEY, fake.url)
        self._fake = fake

    def authorise(self, **asked: Any) -> PaymentResult:
        """See StripeProvider."""
        page = super().authorise(**asked)
        assert page.outcome is PaymentOutcome.REQUIRES_ACTION
        if self._fake.sessions[page.reference]["status"] == "open":
            self._fake.pay(page.reference)
        return self.resume(reference=page.reference)


@pytest.fixture(params=["memory", "test", "stripe"])
def provider(request: pytest.FixtureRequest) -> Iterator[PaymentProvider]:
    """A provider with empty books."""
    if request.param == "memory":
        yield MemoryPayments()
        return
    if request.param == "stripe":
        with FakeStripe() as fake:
            paid = PaidAtOnce(fake)
            yield paid
            paid.close()
        return
    engine = make_engine(Settings(database_url=request.getfixturevalue("database_url")), "test")
    yield TestPaymentProvider(engine)
    engine.dispose()


@pytest.fixture
def bank(database_url: str) -> Iterator[TestPaymentProvider]:
    """The embedded test provider by itself."""
    engine = make_engine(Settings(database_url=database_url), "test")
    yield TestPaymentProvider(engine)
    engine.dispose()


def authorise(provider: PaymentProvider, token: str = "tok_approve", key: str = "k1") -> PaymentResult:  # noqa: S107
    """Hold 30.00 euros."""
    return provider.authorise(
        order_id=ORDER_ID,
        amount_minor=3000,
        currency="EUR",
        token=token,
        idempotency_key=key,
        return_url="http://shop.example:8000/checkout/return",
    )


def test_the_same_key_gets_the_same_answer(provider: PaymentProvider) -> None:
    """However often it is asked; another key is another payment."""
    first = authorise(provider)
    assert first.outcome is PaymentOutcome.SUCCEEDED
    assert authorise(provider) == first
    assert provider.find(idempotency_key="k1") == first
    assert authorise(provider, key="k2").reference != first.reference
    assert provider.find(idempotency_key="never") is None


def test_money_is_taken_once_and_paid_back_up_to_what_was_taken(provider: PaymentProvider) -> None:
    """Capture and refunds, each repeatable by its key."""
    reference = authorise(provider).reference
    for _ in range(2):
        done = provider.capture(reference=reference, amount_minor=3000, idempotency_key="c1")
        assert done.outcome is PaymentOutcome.SUCCEEDED
    for _ in range(2):
        provider.refund(reference=reference, amount_minor=1000, idempotency_key="r1")
    provider.refund(reference=reference, amount_minor=2000, idempotency_key="r2")
    with pytest.raises(Refused):
        provider.refund(reference=reference, amount_minor=1, idempotency_key="r3")


def test_more_than_is_held_cannot_be_taken(provider: PaymentProvider) -> None:
    """Over-capture is refused and takes nothing."""
    reference = authorise(provider).reference
    with pytest.raises(Refused):
        provider.capture(reference=reference, amount_minor=3001, idempotency_key="c1")
    provider.void(reference=reference, idempotency_key="v1")


def test_after_a_void_nothing_is_taken_and_after_a_capture_nothing_is_voided(
    provider: PaymentProvider,
) -> None:
    """The provider decides the race between the two."""
    one, two = authorise(provider).reference, authorise(provider, key="k2").reference
    provider.void(reference=one, idempotency_key="v1")
    with pytest.raises(Refused):
        provider.capture(reference=one, amount_minor=3000, idempotency_key="c1")
    provider.capture(reference=two, amount_minor=3000, idempotency_key="c2")
    with pytest.raises(Refused):
        provider.void(reference=two, idempotency_key="v2")


def test_an_unknown_payment_is_not_found(provider: PaymentProvider) -> None:
    """Every operation says so."""
    with pytest.raises(NotFound):
        provider.capture(reference="nothing", amount_minor=1, idempotency_key="c")
    with pytest.raises(NotFound):
        provider.resume(reference="nothing")


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("tok_declined", "card_declined"),
        ("tok_insufficient_funds", "insufficient_funds"),
        ("tok_expired_card", "expired_card"),
        ("a real card", "card_declined"),
    ],
)
def test_a_test_card_is_declined_for_its_reason(bank: TestPaymentProvider, token: str, code: str) -> None:
    """Being declined is an answer, not an error."""
    result = authorise(bank, token)
    assert (result.outcome, result.decline_code) == (PaymentOutcome.DECLINED, code)
    assert bank.resume(reference=result.reference).outcome is PaymentOutcome.DECLINED


@pytest.mark.parametrize("is_confirmed", [True, False])
def test_a_challenged_card_waits_for_the_shopper(bank: TestPaymentProvider, is_confirmed: bool) -> None:
    """The bank's page asks, the first answer counts, and nothing can be taken before it."""
    result = authorise(bank, "tok_challenge")
    assert result.outcome is PaymentOutcome.REQUIRES_ACTION
    assert result.action_url == f"http://shop.example:8000/bank/{result.reference}"
    with pytest.raises(Refused):
        bank.capture(reference=result.reference, amount_minor=3000, idempotency_key="c0")
    assert bank.challenge(result.reference).is_open
    bank.answer_challenge(result.reference, is_confirmed=is_confirmed)
    bank.answer_challenge(result.reference, is_confirmed=not is_confirmed)
    wanted = PaymentOutcome.SUCCEEDED if is_confirmed else PaymentOutcome.DECLINED
    assert bank.resume(reference=result.reference).outcome is wanted


def test_a_lost_answer_is_found_by_its_key(bank: TestPaymentProvider) -> None:
    """The money is held although nobody was told; a repeat holds it no second time."""
    with pytest.raises(OutcomeUnknown):
        authorise(bank, "tok_answer_lost")
    found = bank.find(idempotency_key="k1")
    assert found is not None
    assert authorise(bank, "tok_answer_lost") == found


def test_an_unreachable_provider_holds_nothing(bank: TestPaymentProvider) -> None:
    """Unavailable means: it was certainly not done."""
    with pytest.raises(Unavailable):
        authorise(bank, "tok_unavailable")
    assert bank.find(idempotency_key="k1") is None


def test_a_capture_that_the_bank_refuses_leaves_the_money_held(bank: TestPaymentProvider) -> None:
    """Declined at the capture; the authorisation can still be let go."""
    reference = authorise(bank, "tok_capture_fails").reference
    result = bank.capture(reference=reference, amount_minor=3000, idempotency_key="c1")
    assert result.outcome is PaymentOutcome.DECLINED
    assert bank.void(reference=reference, idempotency_key="v1").outcome is PaymentOutcome.SUCCEEDED


def test_a_key_is_bound_to_its_question(bank: TestPaymentProvider) -> None:
    """The same key with another amount is a mistake of ours, and refused."""
    reference = authorise(bank).reference
    bank.capture(reference=reference, amount_minor=3000, idempotency_key="c1")
    with pytest.raises(Refused):
        bank.refund(reference=reference, amount_minor=3000, idempotency_key="c1")


def test_twenty_at_once_with_one_key_hold_one_amount(bank: TestPaymentProvider) -> None:
    """The key is decided before the charge is made."""
    references: list[str] = []
    threads = [
        threading.Thread(target=lambda: references.append(authorise(bank).reference)) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(references) == 20
    assert len(set(references)) == 1
