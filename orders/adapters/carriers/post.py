"""The embedded carrier, Cartwright Post: labels, tracking numbers and signed messages like a real one's, without a van.

It plays an outside company: its own tables, its own transactions, and it talks to the shop only through signed messages.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, select, update
from sqlalchemy.dialects.postgresql import insert

from orders.adapters.rds.base import table_of
from orders.adapters.rds.engine import database_errors
from orders.adapters.rds.label_models import PostParcel
from orders.domain.errors import InvalidRequest, NotFound, Problem, Unavailable
from orders.domain.request import Address
from orders.ports import CarrierEvent, Label
from orders.settings import Settings

NAME = "Cartwright Post"
SIGNATURE_HEADER = "Carrier-Signature"
TOLERANCE = timedelta(minutes=5)
"""How old a message may be: a stolen one is worth nothing afterwards."""
_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)
_PARCELS = table_of(PostParcel)


@dataclass(frozen=True, slots=True)
class Parcel:
    """One parcel in the carrier's books."""

    tracking_number: str
    reference: str
    recipient: Address
    delivered_at: datetime | None


class EmbeddedPost:
    """Implements ports.Carrier over its own tables."""

    name = "cartwright-post"

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._public_url = settings.public_url.rstrip("/")
        # Its secret is its own: derived, so that the shop's key signs nothing of an outside company.
        self._secrets = [
            hashlib.sha256(f"carrier:{self.name}:{key}".encode()).digest()
            for key in (settings.secret_key, *filter(None, settings.previous_secret_keys.split(",")))
        ]

    def make_label(self, *, idempotency_key: str, reference: str, sender: str, recipient: Address) -> Label:
        """See ports.Carrier. The number is drawn once per key; a parcel's label is drawn as often as it is asked for."""
        row = {
            "idempotency_key": idempotency_key,
            "reference": reference[:40],
            "sender": sender[:120],
            "recipient": asdict(recipient),
        }
        number = self._number_for(row)
        with database_errors("the carrier"), self._engine.connect() as connection:
            kept = (
                connection.execute(select(_PARCELS).where(_PARCELS.c.tracking_number == number))
                .mappings()
                .one()
            )
        # Drawn seldom, and fpdf with fontTools is a fifth of what the program imports: not at its start.
        from orders.adapters.carriers.label import draw_label

        document = draw_label(
            carrier=NAME, number=number, reference=kept["reference"], sender=kept["sender"],
            recipient=Address(**kept["recipient"]),
        )  # fmt: skip
        return Label(self.name, number, f"{self._public_url}/post/{number}", document)

    def _number_for(self, row: Mapping[str, Any]) -> str:
        """The number of a key: the one on record, or a fresh one that nobody has."""
        key = row["idempotency_key"]
        for _ in range(5):
            with database_errors("the carrier"), self._engine.begin() as connection:
                number = tracking_number(secrets.randbelow(10**8))
                connection.execute(
                    insert(_PARCELS).values(tracking_number=number, **row).on_conflict_do_nothing()
                )
                known = select(_PARCELS.c.tracking_number).where(_PARCELS.c.idempotency_key == key)
                if found := connection.scalar(known):
                    return str(found)
        raise Unavailable("the carrier has no free number")

    def find(self, number: str) -> Parcel:
        """A parcel. Raises NotFound."""
        with database_errors("the carrier"), self._engine.connect() as connection:
            row = (
                connection.execute(select(_PARCELS).where(_PARCELS.c.tracking_number == number))
                .mappings()
                .first()
            )
        if row is None:
            raise NotFound(f"no parcel {number}")
        return Parcel(number, row["reference"], Address(**row["recipient"]), row["delivered_at"])

    def deliver(self, number: str, now: datetime) -> tuple[bytes, str]:
        """The courier handed the parcel over, once. Returns the message to the shop and its signature. Raises NotFound."""
        first = _PARCELS.c.tracking_number == number
        with database_errors("the carrier"), self._engine.begin() as connection:
            connection.execute(
                update(_PARCELS).where(first, _PARCELS.c.delivered_at.is_(None)).values(delivered_at=now)
            )
        parcel = self.find(number)
        at = (parcel.delivered_at or now).astimezone(UTC)
        message = {"id": f"{number}:delivered", "parcel": number, "event": "delivered", "at": at.isoformat()}
        body = json.dumps(message).encode()
        return body, self.sign(body, now)

    def sign(self, body: bytes, now: datetime) -> str:
        """The signature header of a message: the time and an HMAC-SHA256 over time and body."""
        return self._signature(self._secrets[0], body, int(now.timestamp()))

    @staticmethod
    def _signature(secret: bytes, body: bytes, at: int) -> str:
        digest = hmac.new(secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        return f"t={at},v1={digest}"

    def read_event(self, body: bytes, signature: str, now: datetime) -> CarrierEvent:
        """See ports.Carrier. Raises InvalidRequest for a message that is not the carrier's, or too old."""
        stamp = dict(part.partition("=")[::2] for part in signature.split(",")).get("t", "")
        at = int(stamp) if stamp.isascii() and stamp.isdigit() and len(stamp) < 12 else 0
        known = [self._signature(secret, body, at) for secret in self._secrets]
        is_fresh = abs(now.timestamp() - at) <= TOLERANCE.total_seconds()
        if not any(hmac.compare_digest(one, signature) for one in known) or not is_fresh:
            raise InvalidRequest([Problem("/signature", "this is not signed by the carrier")])
        try:
            message = json.loads(body)
            moment = datetime.fromisoformat(message["at"])
            return CarrierEvent(
                str(message["id"])[:60], self.name, str(message["parcel"])[:80], str(message["event"]), moment
            )
        except (ValueError, KeyError, TypeError):
            raise InvalidRequest([Problem("/", "the message says nothing that we know")]) from None


def tracking_number(serial: int) -> str:
    """A number after UPU standard S10: two letters, eight digits, a check digit and the country's letters."""
    digits = f"{serial:08d}"
    rest = 11 - sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits, strict=True)) % 11
    check = {10: 0, 11: 5}.get(rest, rest)
    return f"CW{digits}{check}XX"
