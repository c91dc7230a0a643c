"""The load generator's browser sends a form as a person's would who touches nothing."""

from __future__ import annotations

import pytest

from bench.load.browser import Page

PAGE = Page(
    "http://shop/checkout/details",
    200,
    """
    <form action="/search"><input name="q" value="tea &amp; cups"></form>
    <form method="post"><input type="hidden" name="csrf_token" value="t">
      <input name="email" value=""><input type="checkbox" name="news" checked><input type="checkbox" name="sms">
      <input type="radio" name="way" value="slow"><input type="radio" name="way" value="fast" checked>
      <select name="country"><option value="AT">Austria</option><option value="DE" selected>Germany</option></select>
      <select name="title"><option value="">none</option><option value="dr">Dr</option></select>
      <select name="empty"></select>
      <textarea name="note"></textarea><button name="go" value="1">Go</button>
    </form>
    """,
)


def test_a_form_is_sent_with_what_its_controls_have() -> None:
    """The chosen option or else the first, what is ticked, and no button."""
    (form,) = PAGE.forms(lambda action: action == PAGE.url)
    assert (form.method, form.action) == ("post", PAGE.url)
    assert form.fields == {
        "csrf_token": "t", "email": "", "news": "on", "way": "fast", "country": "DE", "title": "", "empty": "", "note": "",
    }  # fmt: skip


def test_a_form_is_found_by_its_action() -> None:
    """And a page that lacks it says so."""
    assert PAGE.form("/search").fields == {"q": "tea & cups"}
    assert len(list(PAGE.forms())) == 2
    with pytest.raises(LookupError, match="no form for /cart"):
        PAGE.form("/cart")
