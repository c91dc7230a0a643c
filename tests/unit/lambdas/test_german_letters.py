"""Letters and text messages in German: complete, formal, with German amounts, days and addresses."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from cloudformation.deploy.artefacts import lambda_artefact
from lambdas.notify_customer.catalogue import TRANSLATIONS, letter_language
from lambdas.notify_customer.rendering import JinjaRenderer
from orders.domain.events import NOTIFIED, EventType
from orders.formats import SOURCE_LANGUAGE, WRITINGS
from orders.messages import event_to_dict
from orders.ports import EmailMessage
from tests.order_event_samples import order_event, order_part

RENDERER = JinjaRenderer("Cartwright & Co", "https://shop.example")
EVENTS = sorted(NOTIFIED)
DATA = {
    "amount_minor": 1250,
    "is_paid_back": True,
    "carrier": "cartwright-post",
    "tracking_number": "CW1",
    "tracking_url": "https://post.example/CW1",
    "return_number": "R-1",
}
CONTENT = {
    "Cartwright & Co",
    "Mug",
    "Red",
    "Ada Lovelace",
    "Hauptstr. 1",
    "10115 Berlin",
    "CW1",
    "Cartwright Post:",
}
"""What the shop's owner and the shopper wrote: the same in every language."""
GSM_7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà^{}\\[~]|€"
)
"""3GPP TS 23.038, 6.2.1 and its extension: any other letter makes a text message cost twice as many parts."""


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._is_style = False

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._is_style = tag == "style"
        self.found += [value for name, value in attrs if name == "aria-label"]

    def handle_data(self, data: str) -> None:
        if not self._is_style and re.search("[A-Za-z]{2}", data):
            self.found.append(" ".join(data.split()))


def texts_of(mail: EmailMessage) -> list[str]:
    parser = _Texts()
    parser.feed(mail.html)
    return parser.found


def event_for(
    locale: str, event: EventType = EventType.ORDER_CONFIRMED, *, data: Any = None, **changes: Any
) -> dict[str, Any]:
    return event_to_dict(order_event(event, **(data or {})), order_part(locale=locale, **changes))


@pytest.mark.parametrize("data", [{}, DATA], ids=["least", "all"])
@pytest.mark.parametrize("event", EVENTS)
def test_a_german_letter_has_no_english_sentence(event: EventType, data: dict[str, Any]) -> None:
    """What both letters say alike is content: names, articles, addresses, numbers."""
    changes = {"discount_minor": 100, "taken_off_minor": 50, "unsubscribe_url": "https://shop.example/de/u"}
    german = RENDERER.email(event_for("de", event, data=data, **changes))
    english = RENDERER.email(event_for("en", event, data=data, **changes))
    alike = set(texts_of(german)) & set(texts_of(english))
    assert {text.removeprefix("× ") for text in alike} <= CONTENT
    sentences = {line for line in english.text.splitlines() if re.search("[a-z]{2} [a-z]{2}", line)}
    assert not sentences & set(german.text.splitlines())
    assert german.subject != english.subject
    assert '<html lang="de">' in german.html
    assert '<html lang="en">' in english.html


@pytest.mark.parametrize("data", [{}, DATA], ids=["least", "all"])
@pytest.mark.parametrize("event", EVENTS)
def test_a_german_text_message_keeps_to_the_letters_that_phones_send_cheaply(
    event: EventType, data: dict[str, Any]
) -> None:
    text = RENDERER.sms(event_for("de", event, data=data))
    assert not set(text) - GSM_7
    assert len(text) < 250
    assert text != RENDERER.sms(event_for("en", event, data=data))


def test_the_german_confirmation_is_german_in_every_part() -> None:
    mail = RENDERER.email(event_for("de-AT", discount_minor=500, total_minor=2490))
    assert mail.subject == "Ihre Bestellung CW-7K3M9-PQ4TX-5 ist bestätigt"
    assert mail.text.startswith("VIELEN DANK, IHRE BESTELLUNG IST BESTÄTIGT\n\nGuten Tag Ada Lovelace,\n")
    assert "2 x Mug (Red)  25,00\u00a0€" in mail.text
    assert re.search(
        r"Rabatt +−5,00\u00a0€\nVersand +4,90\u00a0€\nGesamt +24,90\u00a0€\ninkl\. MwSt\. ", mail.text
    )
    assert "10115 Berlin\nDeutschland" in mail.text
    assert re.search(r"Bestellung CW-7K3M9-PQ4TX-5 · \d+\. [A-Z][a-zä]+ 20\d\d<", mail.html)


def test_a_letter_leads_to_the_shop_of_its_language() -> None:
    """The worker names the addresses: it knows which languages have a prefix."""
    mail = RENDERER.email(event_for("de", shop_url="https://shop.example/de"))
    assert "\nhttps://shop.example/de\n" in mail.text
    assert 'href="https://shop.example/de"' in mail.html
    assert "\nhttps://shop.example\n" in RENDERER.email(event_for("de")).text


def test_a_nameless_reader_is_greeted_too() -> None:
    assert "\nGuten Tag,\n" in RENDERER.email(event_for("de", name="")).text


def test_what_shoppers_typed_is_escaped_inside_a_translated_sentence() -> None:
    mail = RENDERER.email(event_for("de", name="<b>100 %s</b>"))
    assert "Guten Tag &lt;b&gt;100 %s&lt;/b&gt;," in mail.html
    assert "Guten Tag <b>100 %s</b>," in mail.text


@pytest.mark.parametrize("locale", ["en", "en-GB", "fr", "pt-BR", "xx"])
def test_a_language_without_a_catalogue_is_answered_in_english(locale: str) -> None:
    assert RENDERER.email(event_for(locale)).html == RENDERER.email(event_for("en")).html


def test_every_language_that_we_can_write_has_its_letters() -> None:
    assert {letter_language(language) for language in WRITINGS} == set(WRITINGS)
    assert {folder.name for folder in TRANSLATIONS.iterdir()} == set(WRITINGS) - {SOURCE_LANGUAGE}


def test_the_notifier_is_released_with_its_words_and_no_other_function_is() -> None:
    """Without its catalogue a German order would be answered in English, and nobody would notice."""
    words = "lambdas/notify_customer/translations/de/letters.mo"
    assert words in lambda_artefact("notify_customer").files
    assert words not in lambda_artefact("submit_order").files


def test_a_letter_names_the_delivery_in_its_language() -> None:
    """The event has the shop's own name of it; a name that the shop does not know any more stays."""
    for locale, said in (("de", "Standardversand"), ("en", "Standard delivery")):
        letter = RENDERER.email(event_for(locale, shipping_name="Standard delivery"))
        assert said in letter.html
        assert f"({said})" in letter.text
    assert "(Stage coach)" in RENDERER.email(event_for("de", shipping_name="Stage coach")).text
