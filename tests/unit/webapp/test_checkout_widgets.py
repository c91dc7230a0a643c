"""The checkout's quicker attributes are WTForms' own, to the byte."""

from __future__ import annotations

from markupsafe import Markup
from wtforms.widgets import html_params

from webapp.checkout.widgets import attributes


def test_attributes_are_written_as_wtforms_writes_them() -> None:
    """Names with underscores, truth values, numbers, and everything that a visitor may type."""
    given = {
        "name": "shipping-line1",
        "class_": "wide",
        "aria_describedby": "a b",
        "data_guard": "",
        "aria-invalid": None,
        "required": True,
        "disabled": False,
        "maxlength": 120,
        "value": "\"><script>alert('x')</script> & Søn",
        "title": Markup('a "quoted" <b>'),
    }
    assert attributes(**given) == html_params(**given)
    assert isinstance(attributes(**given), Markup)
