"""Stripe's adapter against a server that speaks its API: what was done is known, what is unknown is said, nothing is done twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from orders.adapters.payments import make_provider
from orders.adapters.payments.stripe_provider import HOSTED, ORDER_IN, StripeProvider
from orders.adapters.rds.engine import make_engine
from orders.domain.errors import IdempotencyConflict, NotFound, OutcomeUnknown, Refused, Unavailable
from orders.ports import PaymentOutcome, PaymentResult
from orders.settings import LANGUAGES, Settings, SettingsError
from tests.stripe_fake import HANG, KEY, FakeStripe, Fault

ORDER_ID = "01a2040f-2276-7af1-b147-1dbaccfcc247"


@pytest.fixture
def fake() -> Iterator[FakeStripe]:
    """Stripe with empty books."""
    with FakeStripe() as server:
        yield server


@pytest.fixture
def stripe(fake: FakeStripe) -> Iterator[StripeProvider]:
    """The adapter, with little patience."""
    provider = StripeProvider(KEY, fake.url, (1.0, 0.5))
    yield provider
    provider.close()


def authorise(
    stripe: StripeProvider, key: str = "k1", amount_minor: int = 3000, locale: str = ""
) -> PaymentResult:
    """Open a page for 30 euros."""
    return stripe.authorise(
        order_id=ORDER_ID,
        amount_minor=amount_minor,
        currency="EUR",
        token=HOSTED,
        idempotency_key=key,
        return_url="https://shop.example/checkout/return",
        locale=locale,
    )


def held(stripe: StripeProvider, fake: FakeStripe) -> str:
    """A payment that holds 30 euros; returns its reference."""
    page = authorise(stripe)
    fake.pay(page.reference)
    return stripe.resume(reference=page.reference).reference


def test_the_shopper_is_sent_to_stripes_page_and_comes_back_with_held_money(
    stripe: StripeProvider, fake: FakeStripe
) -> None:
    """Open, declined and still open, then paid: each look tells how it stands, and nothing is captured by it."""
    page = authorise(stripe)
    assert page.outcome is PaymentOutcome.REQUIRES_ACTION
    assert page.action_url.startswith(fake.url)
    assert len(page.reference) <= 80
    fake.pay(page.reference, "declined")
    assert stripe.resume(reference=page.reference).outcome is PaymentOutcome.REQUIRES_ACTION
    fake.pay(page.reference)
    paid = stripe.resume(reference=page.reference)
    assert (paid.outcome, paid.amount_minor) == (PaymentOutcome.SUCCEEDED, 3000)
    assert paid.reference.startswith("pi_")
    assert stripe.resume(reference=paid.reference) == paid
    assert (fake.held_minor(), fake.taken_minor()) == (3000, 0)
    (session,) = fake.sessions.values()
    assert session["_intent"]["capture_method"] == "manual"


@pytest.mark.parametrize("deed", ["authorise", "capture", "void", "refund"])
@pytest.mark.parametrize("status", [0, HANG, 500, 409])
def test_a_lost_answer_is_unknown_and_the_repeat_does_it_once(
    stripe: StripeProvider, fake: FakeStripe, deed: str, status: int
) -> None:
    """The deed was done, the answer was not heard: the same key hears it, and the books have one of it."""
    reference = held(stripe, fake) if deed != "authorise" else ""
    if deed == "refund":
        stripe.capture(reference=reference, amount_minor=3000, idempotency_key="c1")

    def do() -> PaymentResult:
        if deed == "authorise":
            return authorise(stripe)
        if deed == "void":
            return stripe.void(reference=reference, idempotency_key="v1")
        call = stripe.capture if deed == "capture" else stripe.refund
        return call(reference=reference, amount_minor=1000, idempotency_key=f"{deed}1")

    path = {"authorise": "sessions", "capture": "capture", "void": "cancel", "refund": "refunds"}[deed]
    if deed == "refund":
        # The look before the refund comes first on the same path; what is lost is the answer to the refund itself.
        stripe.refund(reference=reference, amount_minor=1, idempotency_key="r0")
        fake.faults = [Fault("nowhere")]
        _lose_post(fake, status)
    else:
        fake.faults = [Fault(path, status, after=True)]
    with pytest.raises(OutcomeUnknown):
        do()
    fake.faults = []
    assert do().outcome in {PaymentOutcome.SUCCEEDED, PaymentOutcome.REQUIRES_ACTION}
    assert do().outcome in {PaymentOutcome.SUCCEEDED, PaymentOutcome.REQUIRES_ACTION}
    assert len(fake.sessions) == 1
    assert len(fake.refunds) == (2 if deed == "refund" else 0)
    assert fake.taken_minor() == {"capture": 1000, "refund": 3000 - 1 - 1000}.get(deed, 0)


def _lose_post(fake: FakeStripe, status: int) -> None:
    """Lose the answer of the next refund that is made, not of the list that is read before it."""
    original = fake._fault

    def only_posts(path: str) -> Fault | None:
        if path.endswith("/refunds") and fake.requests and fake.requests[-1] == ("GET", "/v1/refunds"):
            fake._fault = original  # type: ignore[method-assign]
            return Fault("/refunds", status, after=True)
        return original(path)

    fake._fault = only_posts  # type: ignore[method-assign]


@pytest.mark.parametrize("status", [429, 401, 403])
def test_a_request_that_stripe_turned_away_was_not_done(
    stripe: StripeProvider, fake: FakeStripe, status: int
) -> None:
    """Too many requests or a wrong key: surely nothing happened, and trying again may help."""
    fake.faults = [Fault("sessions", status)]
    with pytest.raises(Unavailable) as refused:
        authorise(stripe)
    assert not isinstance(refused.value, OutcomeUnknown)
    assert fake.sessions == {}


def test_a_stripe_that_is_not_there_has_done_nothing() -> None:
    """No connection came about."""
    with FakeStripe() as gone:
        url = gone.url
    provider = StripeProvider(KEY, url, (1.0, 0.5))
    with pytest.raises(Unavailable) as refused:
        authorise(provider)
    assert not isinstance(refused.value, OutcomeUnknown)
    provider.close()


def test_a_key_that_is_not_ours_is_unavailable_not_a_decline(fake: FakeStripe) -> None:
    """A misconfigured shop must not tell shoppers that their bank said no."""
    provider = StripeProvider("sk_test_other", fake.url, (1.0, 0.5))
    with pytest.raises(Unavailable):
        authorise(provider)
    provider.close()


def test_another_question_under_the_same_key_is_a_conflict(stripe: StripeProvider) -> None:
    """A mistake of ours."""
    authorise(stripe)
    with pytest.raises(IdempotencyConflict):
        authorise(stripe, amount_minor=4000)


@pytest.mark.parametrize(
    ("locale", "spoken", "title"),
    [
        ("de", "de", "Bestellung"),
        ("de-AT", "de", "Bestellung"),
        ("en", "en", "Order"),
        ("tlh", None, "Order"),
    ],
)
def test_stripes_page_speaks_the_language_of_the_order(
    stripe: StripeProvider, fake: FakeStripe, locale: str, spoken: str | None, title: str
) -> None:
    """And names what is paid for in it; a language that we have no words in is left to Stripe and the browser."""
    authorise(stripe, locale=locale)
    (page,) = fake.sessions.values()
    assert page["locale"] == spoken
    assert page["_title"].split()[0] == title


def test_every_language_of_the_shop_is_one_of_stripes_page() -> None:
    """A new language of the shop needs its word here."""
    assert ORDER_IN.keys() == LANGUAGES.keys()


def test_a_page_that_the_release_before_asked_for_is_found_again(
    stripe: StripeProvider, fake: FakeStripe
) -> None:
    """It named no language, and its answer was lost while the new release came: one page, not two, and no error."""
    before = authorise(stripe)
    assert authorise(stripe, locale="de") == before
    assert len(fake.sessions) == 1


def test_an_amount_that_stripe_does_not_take_is_refused(stripe: StripeProvider) -> None:
    """Below half a euro."""
    with pytest.raises(Refused):
        authorise(stripe, amount_minor=10)


def test_a_capture_that_the_bank_declines_is_an_answer(stripe: StripeProvider, fake: FakeStripe) -> None:
    """With the bank's reason; the money can still be let go."""
    reference = held(stripe, fake)
    fake.declines_capture = True
    result = stripe.capture(reference=reference, amount_minor=3000, idempotency_key="c1")
    assert (result.outcome, result.decline_code) == (PaymentOutcome.DECLINED, "insufficient_funds")
    assert stripe.void(reference=reference, idempotency_key="v1").outcome is PaymentOutcome.SUCCEEDED
    assert fake.held_minor() == 0


def test_a_refund_that_fails_is_an_answer(stripe: StripeProvider, fake: FakeStripe) -> None:
    """The card is gone."""
    reference = held(stripe, fake)
    stripe.capture(reference=reference, amount_minor=3000, idempotency_key="c1")
    fake.fails_refunds = True
    result = stripe.refund(reference=reference, amount_minor=500, idempotency_key="r1")
    assert (result.outcome, result.decline_code) == (PaymentOutcome.DECLINED, "refund_declined")


def test_a_day_later_a_repeat_is_still_recognised(stripe: StripeProvider, fake: FakeStripe) -> None:
    """Stripe has forgotten the keys by then; the payment itself remembers what was done."""
    reference = held(stripe, fake)
    for _ in range(2):
        done = stripe.capture(reference=reference, amount_minor=3000, idempotency_key="c1")
        assert (done.outcome, done.amount_minor) == (PaymentOutcome.SUCCEEDED, 3000)
        stripe.refund(reference=reference, amount_minor=1000, idempotency_key="r1")
        fake.forgets_keys = True
    assert fake.taken_minor() == 2000
    with pytest.raises(Refused):
        stripe.capture(reference=reference, amount_minor=3000, idempotency_key="another")


def test_what_a_key_did_is_found_by_the_payment_or_by_search(
    stripe: StripeProvider, fake: FakeStripe
) -> None:
    """Authorisation, capture and refund; a page that nobody has paid on counts as never arrived."""
    authorise(stripe, "unpaid")
    assert stripe.find(idempotency_key="unpaid") is None
    reference = held(stripe, fake)
    found = stripe.find(idempotency_key="k1")
    assert found is not None
    assert found.reference == reference
    assert stripe.find(idempotency_key="c1", reference=reference) is None
    stripe.capture(reference=reference, amount_minor=2500, idempotency_key="c1")
    for known in ("", reference):
        captured = stripe.find(idempotency_key="c1", reference=known)
        assert captured == PaymentResult(PaymentOutcome.SUCCEEDED, reference, 2500)
    stripe.refund(reference=reference, amount_minor=100, idempotency_key="r1")
    refunded = stripe.find(idempotency_key="r1", reference=reference)
    assert refunded == PaymentResult(PaymentOutcome.SUCCEEDED, reference, 100)


def test_an_open_page_is_closed_and_a_paid_one_lets_the_money_go(
    stripe: StripeProvider, fake: FakeStripe
) -> None:
    """Voiding by the page's name: nobody can pay on it afterwards, and what was paid on it meanwhile is not kept."""
    page = authorise(stripe)
    for _ in range(2):
        assert stripe.void(reference=page.reference, idempotency_key="v1").outcome is PaymentOutcome.SUCCEEDED
    assert stripe.resume(reference=page.reference).outcome is PaymentOutcome.DECLINED
    paid = authorise(stripe, "k2")
    fake.pay(paid.reference)
    for _ in range(2):
        assert stripe.void(reference=paid.reference, idempotency_key="v2").outcome is PaymentOutcome.SUCCEEDED
    assert (fake.held_minor(), fake.taken_minor()) == (0, 0)


def test_an_unknown_page_or_payment_is_not_found(stripe: StripeProvider) -> None:
    """Whatever is asked of it."""
    for reference in ("cs_test_none", "pi_none"):
        with pytest.raises(NotFound):
            stripe.resume(reference=reference)
        with pytest.raises(NotFound):
            stripe.void(reference=reference, idempotency_key="v")


def test_eight_captures_at_once_take_the_money_once(stripe: StripeProvider, fake: FakeStripe) -> None:
    """One key, several threads."""
    reference = held(stripe, fake)
    results: list[PaymentResult] = []

    def capture() -> None:
        results.append(stripe.capture(reference=reference, amount_minor=3000, idempotency_key="c1"))
        stripe.close()

    threads = [threading.Thread(target=capture) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [result.amount_minor for result in results] == [3000] * 8
    assert fake.taken_minor() == 3000


def test_the_settings_choose_stripe_and_say_what_is_missing() -> None:
    """Without its key, or in a currency that it counts otherwise, no program starts."""
    engine = make_engine(Settings(), "test")
    chosen = make_provider(Settings(payment_provider="stripe", stripe_secret_key=KEY), engine)
    assert chosen.name == "stripe"
    with pytest.raises(SettingsError, match="CARTWRIGHT_STRIPE_SECRET_KEY"):
        make_provider(Settings(payment_provider="stripe"), engine)
    with pytest.raises(SettingsError, match="ISK"):
        make_provider(Settings(payment_provider="stripe", stripe_secret_key=KEY, currency="ISK"), engine)
    engine.dispose()
