"""A shopper's mailbox: the links that the shop's letters bring, read from the in-box of `make run`."""

from __future__ import annotations

import re

from tests.e2e.conftest import RunningShop, until

PASSWORD = "seven quiet herons wade"


def link_in_letter(shop: RunningShop, to: str, path: str) -> str:
    """The newest link with this path that was sent to an address; waits for the letter."""

    def newest() -> str | None:
        found = [
            link
            for mail in shop.mails(to=to)
            for link in re.findall(r"https?://[^\s<>\"]+", mail["text"])
            if path in link
        ]
        return found[0] if found else None

    link = until(newest, f"a letter to {to} with a link to {path}")
    assert link
    return link
