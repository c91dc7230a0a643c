"""The dated price file: what a unit costs, and what costs nothing for which reason."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from cloudformation.deploy.template import Json

PRICES = Path(__file__).resolve().parent / "prices-2026-11.json"


class Unpriced(Exception):
    """Something has no price; the text names it."""


class PriceList:
    """The dated price file."""

    def __init__(self, path: Path = PRICES) -> None:
        data = json.loads(path.read_text("utf-8"))
        self.noted_on: str = data["noted_on"]
        self.statement: str = data["statement"]
        self.hours: int = data["hours_per_month"]
        self.free: Mapping[str, str] = data["free"]
        self._prices: Mapping[str, Json] = data["prices"]

    def usd(self, name: str) -> float:
        """The price of one unit. Raises Unpriced."""
        if name not in self._prices:
            raise Unpriced(f"{PRICES.name} has no price for {name}")
        return float(self._prices[name]["usd"])

    def unit(self, name: str) -> str:
        """What the price is for."""
        return str(self._prices[name]["unit"])
