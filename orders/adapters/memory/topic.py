"""The topic in memory: what was published, in order."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from orders.messages import decode_event, encode_event


class MemoryEvents:
    """ports.EventTopic for tests. Messages pass through the wire format, so that what cannot travel fails here too."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.published: list[dict[str, Any]] = []

    def publish(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """See ports.EventTopic."""
        travelled = [decode_event(encode_event(message)) for message in messages]
        with self._lock:
            self.published += travelled
