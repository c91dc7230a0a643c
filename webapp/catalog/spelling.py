"""Typo tolerance from the catalogue's own vocabulary: no extension of the database, no dictionary of somebody else's shop."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import process
from rapidfuzz.distance import OSA

from webapp.catalog.models import SEARCH_LANGUAGE
from webapp.statements import rows

FRESH_FOR_SECONDS = 300.0
MOST_WORDS = 60_000
"""Words held per process, the most frequent: about 10 MB."""
MOST_SUGGESTED = 8
_WORDS = """
    SELECT word, sum(frequency) OVER (PARTITION BY tsvector_to_array(to_tsvector(%(language)s::regconfig, word)))::bigint
           AS frequency
    FROM (SELECT word, frequency FROM search_words ORDER BY frequency DESC, word LIMIT %(most)s) AS known
    ORDER BY known.frequency DESC, word
"""
"""A search finds all words of one stem, so a word counts with its relatives: "organ" with "organic"."""
_LETTERS_OF_ONE_TYPO = 4
_LETTERS_OF_TWO_TYPOS = 7
"""From how many letters on one and two typing errors are forgiven; "pan" must not become "pen"."""


@dataclass(frozen=True, slots=True)
class Respelled:
    """A query with its words as the catalogue spells them. `prefixes` are beginnings that stand for whole words."""

    words: tuple[str, ...]
    prefixes: frozenset[str]
    is_changed: bool


class Vocabulary:
    """The words of the catalogue with their frequencies, read every few minutes. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._words: list[str] = []
        self._frequency: dict[str, int] = {}
        self._until = 0.0

    def frequency(self, word: str, *, is_prefix: bool = False) -> int:
        """In how many products a word occurs, in the singular or the plural, or any word that begins with it."""
        self._read()
        if is_prefix:
            return sum(count for known, count in self._frequency.items() if known.startswith(word))
        forms = (word, word.removesuffix("s"), word.removesuffix("es"), f"{word}s")
        return max(self._frequency.get(form, 0) for form in forms)

    def respell(self, words: Sequence[str]) -> Respelled:
        """The words with the unknown ones replaced: by what they begin, else by the nearest known word."""
        self._read()
        respelled, prefixes = [], set()
        for word in words:
            if word in self._frequency:
                respelled.append(word)
            elif len(word) >= 3 and any(known.startswith(word) for known in self._words):
                respelled.append(word)
                prefixes.add(word)
            else:
                respelled.append(self._nearest(word) or word)
        return Respelled(tuple(respelled), frozenset(prefixes), tuple(respelled) != tuple(words))

    def _nearest(self, word: str) -> str | None:
        """The known word with the fewest typing errors (insertions, deletions, swaps, wrong letters); the more frequent first."""
        if len(word) < _LETTERS_OF_ONE_TYPO:
            return None
        most = 2 if len(word) >= _LETTERS_OF_TWO_TYPOS else 1
        near = process.extract(word, self._words, scorer=OSA.distance, score_cutoff=most, limit=50)
        if not near:
            return None
        # The first letter is rarely the wrong one; then the nearer, then the more frequent word.
        best = min(near, key=lambda hit: (hit[1], hit[0][0] != word[0], -self._frequency[hit[0]]))
        return str(best[0])

    def _read(self) -> None:
        if time.monotonic() < self._until:
            return
        with self._lock:
            if time.monotonic() < self._until:
                return
            found = rows(_WORDS, {"most": MOST_WORDS, "language": SEARCH_LANGUAGE})
            self._frequency = {row.word: row.frequency for row in found}
            self._words = list(self._frequency)
            self._until = time.monotonic() + (FRESH_FOR_SECONDS if self._words else 0.0)


def suggest_words(beginning: str) -> list[str]:
    """The most frequent words of the vocabulary that begin like this: a range of its primary key (collation "C")."""
    end = beginning[:-1] + chr(ord(beginning[-1]) + 1)
    found = rows(
        "SELECT word FROM search_words WHERE word >= %(beginning)s AND word < %(end)s"
        " ORDER BY frequency DESC, word LIMIT %(most)s",
        {"beginning": beginning, "end": end, "most": MOST_SUGGESTED},
    )
    return [row.word for row in found]
