"""What the welcome says is what was made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from local.seed import BACK_IN_DAYS, DEMO_COUPON, IN_THE_NORTH, NORTH, fill_shelves, import_catalogue
from local.welcome import DEMO_COUPON_CODE, DEMO_LOGIN
from orders.adapters.memory.inventory import MemoryInventory
from orders.adapters.memory.tracking import MemoryTracking
from orders.adapters.rds.coupon_models import CouponRow
from orders.domain.ids import Sku
from orders.domain.inventory import MAIN
from orders.domain.warehouses import ONLY_MAIN
from orders.ports import InventoryStore
from webapp.catalog.models import Variant
from webapp.console.people.cli import DEMO_PASSWORD, DEMO_STAFF


def test_the_demo_login_on_the_screen_is_the_one_that_was_made() -> None:
    """The first of the demo staff, with the demo password."""
    assert f"{next(iter(DEMO_STAFF))}, password {DEMO_PASSWORD}" == DEMO_LOGIN


def test_the_demo_shop_has_what_it_shows_off(database_url: str) -> None:
    """A coupon as the screen and the README name it, something sold out that comes back on a day to come, a second
    warehouse; made once."""
    engine = create_engine(database_url)
    with Session(engine) as session:
        for _ in range(2):
            import_catalogue(session)
        assert [row.code for row in session.scalars(select(CouponRow))] == [DEMO_COUPON_CODE]
        _shelves_are_filled_once(session)
        back = set(session.scalars(select(Variant.back_on).where(Variant.back_on.is_not(None))))
    engine.dispose()
    today = datetime.now(UTC).date()
    assert back <= {today + timedelta(days=BACK_IN_DAYS - n) for n in (0, 1)}
    assert back
    readme = (Path(__file__).resolve().parents[3] / "README.md").read_text("utf-8")
    assert f"coupon `{DEMO_COUPON['code']}`" in readme


def _shelves_are_filled_once(session: Session) -> None:
    """As many pieces as the sheet says, some of them in Hamburg; a shop that had stock before gets no second warehouse."""
    shop, old = MemoryInventory(MemoryTracking()), MemoryInventory(MemoryTracking())
    for _ in range(2):
        fill_shelves(session, shop)
    rug = _stock(shop)[Sku("CW-RUG-140")]
    assert rug == {NORTH.code: IN_THE_NORTH[Sku("CW-RUG-140")]}
    for sku, pieces in IN_THE_NORTH.items():
        assert _stock(shop)[sku][NORTH.code] == pieces
    old.set_up_sku(Sku("CW-RUG-140"), 1, "EUR")
    fill_shelves(session, old)
    assert tuple(old.warehouses()) == ONLY_MAIN
    assert {sku: sum(places.values()) for sku, places in _stock(shop).items()} == {
        sku: places[MAIN] for sku, places in _stock(old).items()
    }
    shop.set_warehouses(ONLY_MAIN)
    fill_shelves(session, shop)
    assert _stock(shop)[Sku("CW-RUG-140")][MAIN] == 0


def _stock(inventory: InventoryStore) -> dict[Sku, dict[str, int]]:
    return {
        level.sku: {place.warehouse: place.available for place in level.places}
        for level in inventory.all_levels()
    }
