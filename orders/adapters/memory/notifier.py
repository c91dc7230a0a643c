"""The notifier in memory: what was sent to whom, with faults on demand."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from orders.domain.errors import CartwrightError
from orders.ports import EmailMessage


class MemoryNotifier:
    """ports.Notifier for tests. `fail_with` is raised by the next call, once; `fails_after_sending` says if it was sent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.emails: list[EmailMessage] = []
        self.texts: list[tuple[str, str]] = []
        self.text_tags: list[dict[str, str]] = []
        self.fail_with: CartwrightError | None = None
        self.fails_after_sending = False

    def send_email(self, message: EmailMessage) -> str:
        """See ports.Notifier."""
        with self._lock:
            self._fail(before=True)
            self.emails.append(message)
            self._fail(before=False)
            return f"email-{len(self.emails)}"

    def send_sms(self, phone: str, text: str, tags: Mapping[str, str]) -> str:
        """See ports.Notifier."""
        with self._lock:
            self._fail(before=True)
            self.texts.append((phone, text))
            self.text_tags.append(dict(tags))
            self._fail(before=False)
            return f"sms-{len(self.texts)}"

    def _fail(self, *, before: bool) -> None:
        if self.fail_with is not None and before is not self.fails_after_sending:
            error, self.fail_with = self.fail_with, None
            raise error
