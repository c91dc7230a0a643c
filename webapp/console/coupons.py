"""The coupons of the shop: what there is, what was used, a new one, and the end of one. What a coupon gives never changes:
orders refer to it."""

from __future__ import annotations

import re
from datetime import datetime

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from wtforms import DateTimeLocalField, IntegerField, SelectField, StringField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from orders.adapters.rds.coupon_models import CouponRow
from orders.domain.coupon import CODE_PATTERN, Coupon, CouponKind, tidy_code
from orders.domain.errors import InvalidRequest, Problem
from webapp.console.amounts import parse_amount
from webapp.console.door import console, current_staff, requires
from webapp.console.people.audit import record
from webapp.console.permissions import Permission
from webapp.console.shop_time import from_shop_time
from webapp.extensions import db
from webapp.wiring import wiring

PAGE = 100
_KINDS = [
    SelectChoice(CouponKind.PERCENT, "a share of the goods, in percent"),
    SelectChoice(CouponKind.FIXED, "an amount off the goods"),
    SelectChoice(CouponKind.FREE_SHIPPING, "free standard delivery"),
]


class CouponForm(FlaskForm):  # type: ignore[misc]
    """A new coupon. `value` is percent or an amount, by kind."""

    code = StringField(
        "Code", [InputRequired("choose a code")], filters=[lambda typed: tidy_code(typed or "")]
    )
    kind = SelectField("It gives", choices=_KINDS)
    value = StringField("Percent or amount", [Optional(), Length(max=12)])
    minimum = StringField("From goods worth", [Optional(), Length(max=12)])
    max_uses = IntegerField("Uses in all", [Optional(), NumberRange(1, 10_000_000, "1 or more, please")])
    max_uses_per_customer = IntegerField(
        "Uses per customer", [Optional(), NumberRange(1, 1000, "1 to 1,000, please")]
    )
    starts_at = DateTimeLocalField("From", [Optional()])
    ends_at = DateTimeLocalField("Until", [Optional()])
    note = StringField("What for", [Length(max=200)])

    def validate_code(self, field: StringField) -> None:
        """Readable aloud, typeable on a phone."""
        if re.fullmatch(CODE_PATTERN, field.data or "") is None:
            raise ValidationError("3 to 32 letters, digits and hyphens")

    def validate_ends_at(self, field: DateTimeLocalField) -> None:
        """Neither before its start nor in the past."""
        if field.data and self.starts_at.data and field.data <= self.starts_at.data:
            raise ValidationError("it would end before it starts")
        if field.data and from_shop_time(field.data) <= wiring().clock.now():
            raise ValidationError("this moment has passed")

    def coupon(self, currency: str) -> Coupon:
        """What was typed as a coupon. Raises InvalidRequest for an amount that is none."""
        kind = CouponKind(self.kind.data)
        typed = self.value.data or ""
        return Coupon(
            code=self.code.data,
            kind=kind,
            currency=currency,
            rate_ppm=_rate(typed) if kind is CouponKind.PERCENT else 0,
            amount_minor=_amount(typed, currency) if kind is CouponKind.FIXED else 0,
            minimum_minor=parse_amount(self.minimum.data or "", currency, "/minimum"),
            max_uses=self.max_uses.data,
            max_uses_per_customer=self.max_uses_per_customer.data,
            starts_at=_utc(self.starts_at.data),
            ends_at=_utc(self.ends_at.data),
        )


@console.get("/coupons")
@requires(Permission.COUPONS_VIEW)
def coupons() -> ResponseReturnValue:
    """Every coupon, newest first, with how often it was used."""
    return _page(CouponForm(formdata=None))


@console.post("/coupons")
@requires(Permission.COUPONS_EDIT)
def create_coupon() -> ResponseReturnValue:
    """A new coupon; a code that was ever used for one is taken."""
    form, settings = CouponForm(), wiring().settings
    if not form.validate_on_submit():
        return _page(form, 422)
    try:
        made = form.coupon(settings.currency)
    except InvalidRequest as invalid:
        field = form.minimum if invalid.problems[0].pointer == "/minimum" else form.value
        field.errors = [invalid.problems[0].detail]
        return _page(form, 422)
    values = {name: getattr(made, name) for name in Coupon.__dataclass_fields__}
    by = {
        "note": form.note.data or "",
        "created_by": current_staff().email,
        "created_at": wiring().clock.now(),
    }
    db.session.add(CouponRow(**values, **by))
    record("coupon_created", f"coupon:{made.code}", gives=_gives(made))
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        form.code.errors = ["there is a coupon with this code; choose another"]
        return _page(form, 422)
    flash(f"The coupon {made.code} is made.")
    return redirect(url_for("console.coupons"))


@console.post("/coupons/<code>/end")
@requires(Permission.COUPONS_EDIT)
def end_coupon(code: str) -> ResponseReturnValue:
    """Let a coupon end now. Orders that hold a use keep their discount; a repeat changes nothing."""
    now = wiring().clock.now()
    ended = db.session.scalar(
        update(CouponRow)
        .where(CouponRow.code == code, CouponRow.ends_at.is_(None) | (CouponRow.ends_at > now))
        .values(ends_at=now)
        .returning(CouponRow.code)
    )
    if ended is None:
        if db.session.get(CouponRow, code) is None:
            abort(404)
    else:
        record("coupon_ended", f"coupon:{code}")
        flash(f"The coupon {code} has ended.")
    db.session.commit()
    return redirect(url_for("console.coupons"))


def _page(form: CouponForm, status: int = 200) -> ResponseReturnValue:
    before = request.args.get("before", "")[:40]
    query = select(CouponRow).order_by(CouponRow.created_at.desc(), CouponRow.code).limit(PAGE)
    if before and (last := db.session.get(CouponRow, before)) is not None:
        query = query.where(CouponRow.created_at < last.created_at)
    return render_template(
        "console/coupons/coupons.html",
        form=form,
        rows=db.session.scalars(query).all(),
        page_size=PAGE,
        now=wiring().clock.now(),
    ), status


def _rate(typed: str) -> int:
    """`12`, `12.5` or `12,5` percent in parts per million, by the same reading as an amount with two places."""
    hundredths = parse_amount(typed, "EUR", "/value")
    if not 0 < hundredths <= 100_00:
        raise InvalidRequest([Problem("/value", "a share is more than 0 and at most 100 percent")])
    return hundredths * 100


def _amount(typed: str, currency: str) -> int:
    amount_minor = parse_amount(typed, currency, "/value")
    if amount_minor == 0:
        raise InvalidRequest([Problem("/value", "how much does it take off?")])
    return amount_minor


def _gives(coupon: Coupon) -> str:
    if coupon.is_free_shipping:
        return "free shipping"
    return f"{coupon.rate_ppm} ppm" if coupon.rate_ppm else f"{coupon.amount_minor} {coupon.currency}"


def _utc(typed: datetime | None) -> datetime | None:
    """A moment of a form; staff type the shop's time, as the console shows it."""
    return from_shop_time(typed) if typed else None
