"""Words of the checkout that are kept or listed elsewhere: each has its translation, in the reader's language."""

from __future__ import annotations

from orders.adapters.payments.test_cards import TEST_CARDS
from webapp.checkout import payment
from webapp.checkout.cards import label_in_words, label_of
from webapp.checkout.charging import DECLINED
from webapp.checkout.countries import countries_in
from webapp.checkout.tariffs import tariffs
from webapp.languages import _, language, speaking

GERMAN = language("de", "/de")


def test_countries_are_listed_by_name_in_each_language() -> None:
    """Österreich stands with O, and nobody is left out."""
    german = [name for _code, name in countries_in("de")]
    assert german.index("Norwegen") < german.index("Österreich") < german.index("Polen")
    assert german[-1] == "Zypern"
    for code in ("en", "de"):
        assert {country for country, _name in countries_in(code)} == set(tariffs().countries)
    assert [name for _code, name in countries_in("en")] == sorted(
        c.name for c in tariffs().countries.values()
    )


def test_a_card_is_called_by_its_brand_and_last_digits() -> None:
    """The label is kept in English; what it is called when it is shown is the page's language."""
    visa, unknown = label_of("4242424242424242"), label_of("6011000990139424")
    assert label_in_words(visa) == visa
    with speaking(GERMAN):
        assert label_in_words(visa) == "Visa mit den Endziffern 4242"
        assert label_in_words(unknown) == "Karte mit den Endziffern 9424"
        assert label_in_words("Card, on Stripe's page") == "Karte, auf der Seite von Stripe"
        assert label_in_words("") == ""


def test_what_is_kept_in_english_has_a_translation() -> None:
    """Each reason of a bank, and each test card."""
    assert {what for _token, what in TEST_CARDS.values()} == set(payment.WHAT_CARDS_DO)
    with speaking(GERMAN):
        assert all(_(text) != text for text in DECLINED.values())
        assert ("4000 0000 0000 0002", "wird abgelehnt") in payment.test_cards()
