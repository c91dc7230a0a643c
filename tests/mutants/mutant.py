"""What a planted fault is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One fault: `passage`, which stands exactly once in `file`, becomes `replacement`."""

    name: str
    file: str
    passage: str
    replacement: str
    tests: tuple[str, ...]
