"""What the welcome says is what was made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from local.seed import BACK_IN_DAYS, DEMO_COUPON, import_catalogue
from local.welcome import DEMO_COUPON_CODE, DEMO_LOGIN
from orders.adapters.rds.coupon_models import CouponRow
from webapp.catalog.models import Variant
from webapp.console.people.cli import DEMO_PASSWORD, DEMO_STAFF


def test_the_demo_login_on_the_screen_is_the_one_that_was_made() -> None:
    """The first of the demo staff, with the demo password."""
    assert f"{next(iter(DEMO_STAFF))}, password {DEMO_PASSWORD}" == DEMO_LOGIN


def test_the_demo_shop_has_what_it_shows_off(database_url: str) -> None:
    """A coupon as the screen and the README name it, something sold out that comes back on a day to come; made once."""
    engine = create_engine(database_url)
    with Session(engine) as session:
        for _ in range(2):
            import_catalogue(session)
        assert [row.code for row in session.scalars(select(CouponRow))] == [DEMO_COUPON_CODE]
        back = set(session.scalars(select(Variant.back_on).where(Variant.back_on.is_not(None))))
    engine.dispose()
    today = datetime.now(UTC).date()
    assert back <= {today + timedelta(days=BACK_IN_DAYS - n) for n in (0, 1)}
    assert back
    readme = (Path(__file__).resolve().parents[3] / "README.md").read_text("utf-8")
    assert f"coupon `{DEMO_COUPON['code']}`" in readme
