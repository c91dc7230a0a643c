"""The port to the time."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from; tests inject their own."""

    def now(self) -> datetime:
        """The present moment, aware and in UTC."""
        ...
