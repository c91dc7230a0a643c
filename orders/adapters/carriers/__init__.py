"""Carriers: the companies that take the parcels. `make_carriers` is the only place that knows which there are."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Engine

from orders.adapters.carriers.post import EmbeddedPost
from orders.ports import Carrier
from orders.settings import Settings


def make_carriers(settings: Settings, engine: Engine) -> Mapping[str, Carrier]:
    """The carriers of this shop, by name. In prod the embedded one delivers nothing and is left out."""
    return {} if settings.stage == "prod" else {EmbeddedPost.name: EmbeddedPost(engine, settings)}
