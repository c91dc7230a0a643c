"""The methods of delivery and what each is called in the shop's languages: a table that the owner fills in.

Its columns `name` and `note` are English and what an order keeps. `name:de` and `note:de` are shown to who reads German;
where one is empty the English is shown.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_TABLE = Path(__file__).with_suffix(".csv")
_WORDS = ("name", "note")


@dataclass(frozen=True, slots=True)
class DeliveryMethod:
    """A way to send an order, in English."""

    code: str
    name: str
    note: str


@cache
def delivery_methods() -> Sequence[DeliveryMethod]:
    """All of them, in the order of their positions; read once per process."""
    rows = sorted(_rows(), key=lambda row: int(row["position"]))
    return [DeliveryMethod(row["code"], row["name"], row["note"]) for row in rows]


def delivery_words(text: str, language: str) -> str:
    """A method's name or note in a language; as it stands where the table has no words for it.

    So the name in an old order is shown as it was when the method has been renamed since.
    """
    return _words_in(language).get(text) or text


@cache
def _words_in(language: str) -> Mapping[str, str]:
    return {row[what]: row.get(f"{what}:{language}", "") for row in _rows() for what in _WORDS}


def _rows() -> list[dict[str, str]]:
    with _TABLE.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
