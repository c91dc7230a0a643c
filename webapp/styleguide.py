"""The living style page, in the local stage alone: every token and component, drawn by the very templates that the shop uses."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from flask import Blueprint, render_template
from flask_wtf import FlaskForm
from wtforms import BooleanField, SelectField, StringField
from wtforms.fields.choices import SelectChoice

from orders.domain.pricing import Totals
from webapp.checkout.pages import STEPS
from webapp.formats import day
from webapp.wiring import wiring

bp = Blueprint("styleguide", __name__)

COMPONENTS = Path(__file__).parent / "templates" / "components"
COLOURS = (
    "paper", "surface", "tint", "line", "line-strong", "ink", "muted", "accent", "accent-strong", "on-accent",
    "good", "good-tint", "bad", "bad-tint", "told", "told-tint",
)  # fmt: skip
SPACES = ("s1", "s2", "s3", "s4", "s5", "s6", "s7")


class ExampleForm(FlaskForm):  # type: ignore[misc]
    """One field of each kind."""

    name = StringField("Name")
    city = StringField("City")
    country = SelectField("Country", choices=[SelectChoice("DE", "Germany"), SelectChoice("AT", "Austria")])
    remember = BooleanField("Keep this address for the next time")


@bp.get("/styleguide")
def styleguide() -> str:
    """Every token and component with made-up contents; nothing here is for sale."""
    form = ExampleForm(formdata=None, data={"name": "Ada Lovelace"})
    form.city.errors = ["Enter the city."]
    return render_template("styleguide.html", **_examples(), form=form)


def _examples() -> dict[str, Any]:
    now = wiring().clock.now()
    card = {
        "slug": "kettle",
        "image": "catalogue/enamel-kettle.svg",
        "maker": "Tideway Forge",
        "currency": "EUR",
    }
    names = ("Enamel Kettle", "A Product with a Name that is Long Enough to Need Three Lines on a Phone")
    return {
        "colours": COLOURS,
        "spaces": SPACES,
        "cards": [
            SimpleNamespace(**card, name=name, min_price_minor=4900, max_price_minor=4900 + 1000 * n)
            for n, name in enumerate(names)
        ]
        + [SimpleNamespace(**{**card, "image": ""}, name="No picture", min_price_minor=1, max_price_minor=1)],
        "steps": STEPS,
        "totals": Totals(9800, 980, 490, 1487, 9310),
        "lines": [
            {"name": "Enamel Kettle", "variant": "Colour: Forest", "quantity": 2, "unit_price_minor": 4900,
             "image": "catalogue/enamel-kettle--forest.svg"},
        ],
        "address": {"name": "Ada Lovelace", "line1": "Werkstr. 12", "line2": "", "postal_code": "10115",
                    "city": "Berlin", "region": "", "country": "DE"},
        "coupon": SimpleNamespace(code="AUTUMN10", why="", gives="10 % off"),
        "refused": SimpleNamespace(code="SPRING", why="The coupon SPRING has ended."),
        "facets": [{"name": "Material", "parameter": "material", "values": [
            SimpleNamespace(value="Oak", count=12, is_chosen=True),
            SimpleNamespace(value="Steel", count=3, is_chosen=False),
        ]}],
        "arrives": day(now + timedelta(days=3)),
    }  # fmt: skip
