"""Papers are read by people and by carriers: countries stand on them by name."""

from __future__ import annotations

from typing import Any

import pytest

from orders.adapters.carriers import label
from orders.adapters.papers.paper import MARGIN, Paper
from orders.countries import country_name
from orders.domain.request import Address
from webapp.checkout.tariffs import tariffs

HOME = Address(
    name="Zoë Müller",
    line1="Lindenweg 4",
    line2="",
    postal_code="10115",
    city="Berlin",
    region="",
    country="DE",
)


class _ReadAloud(Paper):
    """Paper that remembers what is written on it."""

    def __init__(self) -> None:
        super().__init__("Cartwright", "Papers")
        self.said: list[str] = []

    def cell(self, *given: Any, **named: Any) -> Any:
        """Note the text, then draw it."""
        self.said += [str(one) for one in (*given[2:3], named.get("text")) if one]
        return super().cell(*given, **named)


def test_an_address_on_paper_ends_with_the_name_of_its_country() -> None:
    """Invoice and packing slip: `Germany`, not `DE`."""
    paper = _ReadAloud()
    paper.begin("Invoice", "CW-1")
    paper.address("Deliver to", HOME, MARGIN)
    paper.output()  # Closes its fonts.
    read = paper.said[paper.said.index("Deliver to") :]
    assert read[1:5] == ["Zoë Müller", "Lindenweg 4", "10115 Berlin", "Germany"]


def test_a_label_names_the_country(monkeypatch: pytest.MonkeyPatch) -> None:
    """A carrier abroad sorts by the country's name."""
    written: list[str] = []
    draw = label._text

    def noting(paper: Any, text: str, *style: Any) -> None:
        written.append(text)
        draw(paper, text, *style)

    monkeypatch.setattr(label, "_text", noting)
    assert label.draw_label(
        carrier="Cartwright Post",
        number="CP12345678901",
        reference="CW-1",
        sender="Cartwright",
        recipient=HOME,
    ).startswith(b"%PDF")
    assert "Germany" in written


def test_the_core_calls_the_countries_as_the_shop_does() -> None:
    """What the checkout offers is what the papers say."""
    assert {code: country_name(code) for code in tariffs().countries} == {
        code: country.name for code, country in tariffs().countries.items()
    }


def test_a_code_that_is_no_country_stays_as_it_is() -> None:
    """An old order may have one: its paper is printed all the same."""
    assert country_name("XX") == "XX"
