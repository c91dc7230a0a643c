"""The account in German: pages, refusals and letters; what is begun on a German page leads to German ones."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from flask.testing import FlaskClient

from orders.adapters.rds.models import Outbox
from orders.countries import COUNTRY_NAMES
from orders.countries_de import GERMAN_NAMES
from orders.domain.errors import Unavailable
from orders.ports import EmailMessage
from tests.integration.account.conftest import PASSWORD, Mailbox, SignedIn, customer, send
from tests.integration.account.orders_of import link_to, recorded
from tests.integration.account.test_order_returns import MUG, form_of, shipped
from tests.integration.webapp.conftest import ShopUnderTest, token_of
from webapp.account.letter_words import WORDS
from webapp.account.letters import RETRY_AFTER, post, render, send_unsent
from webapp.account.models import Letter, LetterKind
from webapp.extensions import db
from webapp.languages import Language, languages, speaking

ADA = "ada@example.com"
ENGLISH_ADDRESS = re.compile(r'(?:href|action)="/(?!de/)')
ALIKE = {
    "Ada",
    "Ada Lovelace",
    "Mug MUG-RED",
    "MUG-RED",
    "Berlin",
    "Name",
    "Status",
    "Cartwright & Co",
    "optional",
    ADA,
}
ALIKE |= set(GERMAN_NAMES.values()) & set(COUNTRY_NAMES.values())
"""What is written the same in both languages: what shoppers and the owner wrote, and Malta."""


class _Texts(HTMLParser):
    """The texts of a page's own part: of its main element and its title."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"main", "title"}:
            self._inside.append(tag)
        if self._inside:
            self.found |= {value or "" for name, value in attrs if name in {"aria-label", "placeholder"}}

    def handle_endtag(self, tag: str) -> None:
        if self._inside and tag == self._inside[-1]:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if self._inside and re.search("[a-z]{3}", data):
            self.found.add(" ".join(data.split()))


def texts(page: str) -> set[str]:
    parser = _Texts()
    parser.feed(page)
    return parser.found


def german(shop: ShopUnderTest, browser: FlaskClient, path: str) -> str:
    """The main part of the German page, after it was compared with the English one: no text but content is in both."""
    pages = [browser.get(prefix + path) for prefix in ("", "/de")]
    assert [page.status_code for page in pages] == [200, 200], path
    left = {
        text for text in texts(pages[0].text) & texts(pages[1].text) if text not in ALIKE and "@" not in text
    }
    assert not left, path
    assert '<html lang="de"' in pages[1].text
    return pages[1].text.partition("<main")[2].partition("</main>")[0]


def test_the_doors_of_the_account_are_german(shop: ShopUnderTest, mailbox: Mailbox) -> None:
    """Each of their links leads to a German page."""
    for name in ("sign-in", "register", "forgotten", "goodbye"):
        assert not ENGLISH_ADDRESS.search(german(shop, shop.client(), f"/account/{name}")), name


def test_every_page_of_the_account_is_german(shop: ShopUnderTest, register: SignedIn) -> None:
    """And each of its links and forms leads to a German page."""
    ada = register(ADA)
    recorded(shop, customer(shop).id)
    for name in (
        "", "orders", "orders?q=nothing", "addresses", "addresses/new", "details", "password", "email", "security",
        "notifications", "data",
    ):  # fmt: skip
        page = german(shop, ada, f"/account/{name}")
        assert not ENGLISH_ADDRESS.search(page), name
    orders = ada.get("/de/account/orders").text
    assert re.search(r"25,00\u00a0€|\d+,\d\d\u00a0€", orders)
    assert re.search(r"\d{1,2}\. [A-Z][a-zä]+\.? 20\d\d, \d\d:\d\d UTC", orders)


def test_what_a_shopper_may_do_with_an_order_is_said_in_german(shop: ShopUnderTest, mailbox: Mailbox) -> None:
    browser, path = shop.client(), link_to(shop, recorded(shop, quantity=3))
    for name in ("cancel", "address", "quantities"):
        page = german(shop, browser, f"{path}/{name}")
        assert f'href="/de{path}"' in page
    typed = {
        "csrf_token": token_of(browser.get(f"/de{path}/quantities")),
        "version": "1",
        f"quantity:{MUG}": "0",
    }
    answer = browser.post(f"/de{path}/quantities", data=typed)
    assert "Dann bliebe nichts übrig: Stornieren Sie die Bestellung." in answer.text
    assert send(browser, f"/de{path}/cancel").location == f"/de{path}"


def test_a_return_is_asked_for_and_refused_in_german(shop: ShopUnderTest) -> None:
    browser, path = shop.client(), "/de" + link_to(shop, shipped(shop, 2))
    page = german(shop, browser, f"{path.removeprefix('/de')}/return")
    assert "Ich habe es mir anders überlegt" in page
    answer = browser.post(
        f"{path}/return", data=form_of(browser, path, **{f"return:{MUG}": "3", "reason": ""})
    )
    assert "2 Stück können zurückgeschickt werden, nicht 3." in answer.text
    assert "Sagen Sie uns den Grund" in answer.text
    assert browser.post(f"{path}/return", data=form_of(browser, path)).location == path


def test_refusals_of_forms_are_german(shop: ShopUnderTest, mailbox: Mailbox) -> None:
    """Also those that fill in a limit, and those that are made by rules."""
    browser = shop.client()
    said = send(browser, "/de/account/sign-in", email="ada", password="").text
    assert "Diese E-Mail-Adresse ist nicht vollständig" in said
    assert "Geben Sie Ihr Passwort ein." in said
    said = send(browser, "/de/account/register", email=f"{'a' * 260}@example.com").text
    assert "Höchstens 254 Zeichen." in said
    assert (
        "At most 254 characters." in send(browser, "/account/register", email=f"{'a' * 260}@example.com").text
    )
    send(browser, "/de/account/register", email=ADA)
    said = send(browser, mailbox.link(ADA), name="Ada", password="short").text
    assert "Nehmen Sie mindestens 8 Zeichen" in said


def test_who_is_sent_to_sign_in_from_a_german_page_comes_back_to_it(
    shop: ShopUnderTest, register: SignedIn
) -> None:
    register(ADA)
    browser = shop.client()
    door = browser.get("/de/account/orders?q=mug").location or ""
    assert door.startswith("/de/account/sign-in?next=")
    answer = send(browser, door, email=ADA, password=PASSWORD)
    assert answer.location == "/de/account/orders?q=mug"


def test_a_letter_speaks_the_language_of_the_page_that_asked_for_it(
    shop: ShopUnderTest, mailbox: Mailbox, register: SignedIn
) -> None:
    browser = shop.client()
    send(browser, "/de/account/register", email=ADA)
    (letter,) = mailbox.to(ADA)
    assert letter.subject == "Ihr Konto bei Cartwright & Co"
    assert letter.text.startswith(
        "NOCH EIN SCHRITT BIS ZU IHREM KONTO\n\nGuten Tag,\n\nJemand, hoffentlich Sie,"
    )
    assert "Passwort wählen:\nhttp://localhost/de/account/link/" in letter.text
    assert letter.text.endswith("--\nCartwright & Co\nhttp://localhost/de")
    assert '<html lang="de">' in letter.html
    answer = send(browser, mailbox.link(ADA), name="Ada Lovelace", password=PASSWORD)
    assert answer.location == "/de/account/"
    send(shop.client(), "/de/account/forgotten", email=ADA)
    assert "Guten Tag Ada Lovelace," in mailbox.to(ADA)[-1].text
    send(shop.client(), "/account/forgotten", email=ADA)
    assert "Hello Ada," in mailbox.to(ADA)[-1].text


def test_a_german_letter_that_waited_is_sent_in_german_by_whoever_sends_it(
    shop: ShopUnderTest, mailbox: Mailbox
) -> None:
    """The timer that sends later has no page; one of an older release names no language and is the shop's first."""
    mailbox.notifier.fail_with = Unavailable("down")
    send(shop.client(), "/de/account/register", email=ADA)
    assert mailbox.to(ADA) == []
    shop.clock.advance(RETRY_AFTER.total_seconds() + 1)
    with shop.app.app_context():
        assert send_unsent() == 1
        (letter,) = mailbox.to(ADA)
        assert "Jemand, hoffentlich Sie" in letter.text
        old = db.session.scalars(db.select(Letter)).one()
        old.data = {}
        assert "Somebody, we hope you" in render(old).text
        db.session.rollback()


def test_every_letter_about_an_account_is_german(shop: ShopUnderTest, mailbox: Mailbox) -> None:
    """No sentence of the English letter is in the German one, and no placeholder is left in either."""
    with shop.app.test_request_context("/"):
        for kind in LetterKind:
            english, other = (_letter(kind, language) for language in languages().offered)
            sentences = {line for line in english.text.splitlines() if " " in line} - {"Cartwright & Co"}
            assert not sentences & set(other.text.splitlines()), kind
            assert english.subject != other.subject, kind
            assert "{" not in english.text + other.text + other.subject, kind
            assert ("new@example.com" in other.text) == ("{email}" in str(WORDS[kind].lead)), kind
        db.session.rollback()


def _letter(kind: LetterKind, language: Language) -> EmailMessage:
    with speaking(language):
        post(kind, ADA, name="Ada Lovelace", email="new@example.com")
    db.session.flush()
    # The one before it, of the same kind, was withdrawn.
    statement = db.select(Letter).where(Letter.kind == kind, Letter.used_at.is_(None))
    return render(db.session.scalars(statement).one())


def test_letters_about_a_german_order_lead_to_german_pages(shop: ShopUnderTest) -> None:
    """The order's locale decides; its addresses open the order's pages."""
    order_id = recorded(shop, locale="de")
    told = next(row.payload["order"] for row in shop.rows(Outbox) if row.effect == "event")
    assert told["locale"] == "de"
    assert told["shop_url"] == "http://localhost/de"
    assert told["order_url"] == "http://localhost/de" + link_to(shop, order_id)
    assert told["unsubscribe_url"].startswith("http://localhost/de/unsubscribe/")
    browser = shop.client()
    assert browser.get(told["order_url"].removeprefix("http://localhost")).status_code == 200
    page = browser.get(told["unsubscribe_url"].removeprefix("http://localhost")).text
    assert "Weniger E-Mails?" in page
