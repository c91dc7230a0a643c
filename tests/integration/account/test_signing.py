"""Registering, signing in and out, forgotten passwords: what works, what it never tells, and what ends when."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from orders.domain.errors import Unavailable
from tests.integration.account.conftest import (
    PASSWORD,
    Mailbox,
    SignedIn,
    customer,
    is_signed_in,
    send,
    sign_in,
)
from tests.integration.webapp.conftest import ShopUnderTest, token_of
from webapp.account.letters import send_unsent
from webapp.account.models import Customer, CustomerSession, Letter
from webapp.account.sessions import IDLE_TIME, LIFETIME
from webapp.rate_limit import Buckets

ADA = "ada@example.com"
HALF_IDLE_SECONDS = IDLE_TIME.total_seconds() / 2


def test_an_account_is_made_by_the_link_in_a_letter(shop: ShopUnderTest, mailbox: Mailbox) -> None:
    """The address is proven before the account exists, so nobody can squat on another's."""
    browser = shop.client()
    assert "Look into your mailbox" in send(browser, "/account/register", email="Ada@Example.com ").text
    assert shop.rows(Customer) == []
    answer = send(browser, mailbox.link(ADA), name="Ada Lovelace", password=PASSWORD)
    assert answer.status_code == 303
    assert customer(shop).name == "Ada Lovelace"
    assert is_signed_in(browser)


def test_the_same_is_said_and_done_whether_or_not_there_is_an_account(
    shop: ShopUnderTest, mailbox: Mailbox, register: SignedIn
) -> None:
    """Neither registering, nor a forgotten password, nor a wrong password tells who has an account (ASVS 6.3.8)."""
    register(ADA)
    for path in ("/account/register", "/account/forgotten"):
        answers = [send(shop.client(), path, email=email) for email in (ADA, "nobody@example.com")]
        known, unknown = (
            answer.text.replace(ADA, "X").replace("nobody@example.com", "X") for answer in answers
        )
        assert known == unknown
        assert len(mailbox.to("nobody@example.com")) == (1 if path.endswith("register") else 2)
    wrong = [sign_in(shop.client(), email, "not the password") for email in (ADA, "nobody@example.com")]
    assert [answer.status_code for answer in wrong] == [401, 401]
    assert all("do not match an account" in answer.text for answer in wrong)


def test_a_link_works_once_and_not_for_ever(
    shop: ShopUnderTest, mailbox: Mailbox, register: SignedIn
) -> None:
    """A used, superseded, expired or forged link says so and does nothing."""
    register(ADA)
    used = mailbox.link(ADA)
    send(shop.client(), "/account/forgotten", email=ADA)
    superseded = mailbox.link(ADA)
    send(shop.client(), "/account/forgotten", email=ADA)
    expired = mailbox.link(ADA)
    assert shop.client().get(expired).status_code == 200
    shop.clock.advance(3601)
    for path in (used, superseded, expired, "/account/link/forged", expired[:-2]):
        assert shop.client().get(path).status_code == 410
        assert shop.client().post(path, data={"password": PASSWORD}).status_code in {400, 410}


def test_opening_a_link_changes_nothing(shop: ShopUnderTest, mailbox: Mailbox) -> None:
    """Mail scanners open links; only the form behind it acts."""
    send(shop.client(), "/account/register", email=ADA)
    for _ in range(2):
        assert shop.client().get(mailbox.link(ADA)).status_code == 200
    assert shop.rows(Customer) == []


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "at least 8 characters"),
        ("password123", "lists that thieves try"),
        ("aaaaaaaaaaaa", "thieves|repeats itself"),
        ("ada@example.com", "too close"),
        ("x" * 129, "at most 128"),
    ],
)
def test_a_password_that_the_world_knows_is_refused(
    shop: ShopUnderTest, mailbox: Mailbox, password: str, why: str
) -> None:
    """Length and lists decide; the error stands beside the field, and the name is not lost."""
    browser = shop.client()
    send(browser, "/account/register", email=ADA)
    answer = send(browser, mailbox.link(ADA), name="Ada Lovelace", password=password)
    assert answer.status_code == 422
    assert any(part in answer.text.lower() for part in why.split("|"))
    assert 'value="Ada Lovelace"' in answer.text
    assert f'value="{password}"' not in answer.text or password == ADA
    assert shop.rows(Customer) == []


def test_a_new_password_by_letter_ends_every_session(
    shop: ShopUnderTest, mailbox: Mailbox, register: SignedIn
) -> None:
    """Whoever had the old password is out, and the owner is told."""
    old = register(ADA)
    send(shop.client(), "/account/forgotten", email=ADA)
    new = shop.client()
    assert send(new, mailbox.link(ADA), password="a quieter sentence").status_code == 303
    assert is_signed_in(new)
    assert not is_signed_in(old)
    assert sign_in(shop.client(), ADA, PASSWORD).status_code == 401
    assert sign_in(shop.client(), ADA, "a quieter sentence").status_code == 303
    assert "was changed" in mailbox.to(ADA)[-1].subject


def test_signing_in_gives_a_new_session_and_signing_out_ends_it_on_the_server(
    shop: ShopUnderTest, register: SignedIn
) -> None:
    """A token planted before signing in is worth nothing after it; a copied cookie dies with the session."""
    browser = register(ADA)
    first = browser.get_cookie("account")
    assert first is not None
    assert first.http_only
    assert sign_in(shop.client()).status_code == 303
    thief = shop.client()
    thief.set_cookie("account", first.value)
    assert is_signed_in(thief)
    page = browser.get("/account/")
    browser.post("/account/sign-out", data={"csrf_token": token_of(page)})
    assert browser.get_cookie("account") is None
    assert not is_signed_in(thief)


def test_only_the_hash_of_a_session_is_stored(shop: ShopUnderTest, register: SignedIn) -> None:
    """A copy of the database opens no account."""
    cookie = register(ADA).get_cookie("account")
    (row,) = shop.rows(CustomerSession)
    assert cookie is not None
    assert cookie.value not in row.token_hash


def test_a_session_ends_when_idle_and_when_old(shop: ShopUnderTest, register: SignedIn) -> None:
    """Both limits hold on the server, whatever the browser keeps."""
    idle = register(ADA)
    used = shop.client()
    sign_in(used)
    for _ in range(int(LIFETIME / (IDLE_TIME / 2))):
        shop.clock.advance(HALF_IDLE_SECONDS)
        assert is_signed_in(used)
    assert not is_signed_in(idle)
    shop.clock.advance(HALF_IDLE_SECONDS)
    assert not is_signed_in(used)


def test_guessing_is_slowed_for_the_account_and_for_the_address(
    shop: ShopUnderTest, register: SignedIn
) -> None:
    """After ten wrong tries even the right password waits, whether or not there is an account; a letter still helps."""
    register(ADA)
    for email in (ADA, "nobody@example.com"):
        for _ in range(10):
            assert sign_in(shop.client(), email, "wrong wrong").status_code == 401
        assert sign_in(shop.client(), email, PASSWORD).status_code == 429
        shop.app.extensions["cartwright-buckets"] = Buckets()
    shop.clock.advance(16 * 60)
    assert sign_in(shop.client(), ADA, PASSWORD).status_code == 303


def test_nobodys_mailbox_is_flooded(shop: ShopUnderTest, mailbox: Mailbox) -> None:
    """Four letters in a quarter of an hour, then a refusal."""
    statuses = [send(shop.client(), "/account/forgotten", email=ADA).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 200, 429]
    assert len(mailbox.to(ADA)) == 4


def test_a_letter_survives_an_outage_of_the_mail_provider(shop: ShopUnderTest, mailbox: Mailbox) -> None:
    """The shopper's answer does not depend on it, and the timer sends it later, once."""
    mailbox.notifier.fail_with = Unavailable("SES is away")
    assert send(shop.client(), "/account/register", email=ADA).status_code == 200
    assert mailbox.to(ADA) == []
    shop.clock.advance(31)
    with shop.app.app_context():
        assert send_unsent() == 1
        assert send_unsent() == 0
    assert "/account/link/" in mailbox.link(ADA)
    assert shop.rows(Letter)[0].attempts == 2


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_never_leads_to_another_site(shop: ShopUnderTest, register: SignedIn, target: str) -> None:
    """`next` is a path of ours or it is ignored."""
    register(ADA)
    page = send(shop.client(), f"/account/sign-in?next={target}", email=ADA, password=PASSWORD)
    assert page.location == "/account/"


def test_every_account_page_stays_out_of_caches(shop: ShopUnderTest, register: SignedIn) -> None:
    """Personal data is never stored by a browser or on the way."""
    browser: FlaskClient = register(ADA)
    for path in ("/account/", "/account/sign-in", "/account/register"):
        assert browser.get(path).headers["Cache-Control"] == "no-store"
