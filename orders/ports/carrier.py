"""The port to a carrier: labels, and where a parcel is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from orders.domain.request import Address


@dataclass(frozen=True, slots=True)
class Label:
    """A label that a carrier made: `document` is a PDF of one page."""

    carrier: str
    tracking_number: str
    tracking_url: str
    document: bytes


@dataclass(frozen=True, slots=True)
class CarrierEvent:
    """What a carrier says of one parcel. `id` is the carrier's own and the same at every repeat; `kind` is `delivered`
    or a word that the shop does not act upon."""

    id: str
    carrier: str
    tracking_number: str
    kind: str
    at: datetime


class Carrier(Protocol):
    """A company that takes parcels."""

    name: str

    def make_label(self, *, idempotency_key: str, reference: str, sender: str, recipient: Address) -> Label:
        """Announce a parcel and get its label; the same key gets the same label. Raises Refused, Unavailable."""
        ...

    def read_event(self, body: bytes, signature: str, now: datetime) -> CarrierEvent:
        """What a message says, once it is proven to be the carrier's and of these minutes. Raises InvalidRequest."""
        ...
