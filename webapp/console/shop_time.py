"""The clock on the shop's wall: times are kept in UTC, and staff read and type them in the shop's time zone."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from webapp.console.door import console
from webapp.formats import moment
from webapp.wiring import wiring


def shop_zone() -> tzinfo:
    """The shop's time zone."""
    return wiring().settings.zone


@console.app_template_filter("shop_time")
def shop_time(value: datetime) -> datetime:
    """A moment as the clock on the shop's wall shows it."""
    return value.astimezone(shop_zone())


@console.app_template_filter("shop_moment")
def shop_moment(value: datetime) -> str:
    """`24 Nov 2026, 15:05 CET`."""
    local = shop_time(value)
    return f"{moment(local).removesuffix('UTC')}{local:%Z}"


def from_shop_time(typed: datetime) -> datetime:
    """What was typed, as a moment in UTC. Of an hour that comes twice in autumn, the first is meant."""
    return typed.replace(tzinfo=shop_zone()).astimezone(UTC)
