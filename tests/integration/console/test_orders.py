"""The order list finds, the order page shows, and every action is previewed, done once and refused when late."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations_with_replacement
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, literal, select, text

from orders import links
from orders.domain.ids import OrderId, order_number
from orders.domain.order import FulfilmentStatus, OrderStatus
from orders.services.ship_order import Parcel, ship_order
from tests.integration.console.shop import BOWL, MUG, STAFF, AsRole, Shop
from webapp.console.orders import queries
from webapp.console.permissions import Role
from webapp.extensions import db


def _numbers(page: str) -> list[str]:
    return re.findall(r"data-open>(CW-[^<]+)<", page)


def test_an_order_is_found_by_whatever_a_clerk_may_have(as_role: AsRole, shop: Shop) -> None:
    """Number as it is read aloud, e-mail whole or begun, parts of a name in any order, SKU, tracking number, id."""
    wanted = shop.place({MUG: 1}, name="Jürgen Åkesson", email="jurgen@example.com")
    shop.place({BOWL: 1}, name="Somebody Else", email="else@example.org")
    ship_order(shop.desk, wanted, Parcel({}, "DHL", "JJD-0042"), shipment_id="s1", actor=STAFF)
    number = order_number(wanted)
    client = as_role(Role.VIEWER)
    for typed in (
        number,
        number.lower().replace("-", " "),
        "jurgen@example.com",
        "jurgen@",
        "jürg",
        "åkes jür",
        "MUG-BLUE",
        "mug-blue",
        "JJD-0042",
        wanted,
    ):
        page = client.get("/console/orders", query_string={"q": typed})
        assert _numbers(page.text) == [number], typed


def test_a_whole_name_finds_those_who_are_called_so(as_role: AsRole, shop: Shop) -> None:
    """Beginnings find more than whole words; the last word may still be on its way."""
    anna = order_number(shop.place(name="Anna Schmidt"))
    annabel = order_number(shop.place(name="Annabel Schmidtke"))
    client = as_role(Role.VIEWER)
    for typed, found in {
        "anna schmidt": {anna},
        "schmidt anna": {anna},
        "anna schm": {anna},
        "ann schm": {anna, annabel},
        "anna": {anna, annabel},
    }.items():
        page = client.get("/console/orders", query_string={"q": typed})
        assert set(_numbers(page.text)) == found, typed


@pytest.mark.parametrize(
    "typed", ["' OR 1=1 --", "a & | ! (", "%", "_@", "\\", "x" * 500, "CW-00000-00000-1", "\x00"]
)
def test_odd_searches_find_nothing_and_break_nothing(as_role: AsRole, shop: Shop, typed: str) -> None:
    """What was typed is data."""
    shop.place()
    answer = as_role(Role.VIEWER).get("/console/orders", query_string={"q": typed})
    assert answer.status_code == 200


def test_filters_narrow_and_pages_lead_through_every_order_once(as_role: AsRole, shop: Shop) -> None:
    """Forwards through all pages and back to the first: nothing twice, nothing missed."""
    placed = {order_number(shop.place({MUG: 1}, country="FR" if n % 3 else "DE")) for n in range(60)}
    client = as_role(Role.VIEWER)
    for sort in ("-placed", "placed", "total", "-total"):
        seen: list[list[str]] = []
        address: str | None = f"/console/orders?sort={sort}&size=25"
        while address:
            page = client.get(address).text
            seen.append(_numbers(page))
            following = re.search(r'rel="next" href="([^"]+)"', page)
            address = f"/console/orders{following[1].replace('&amp;', '&')}&size=25" if following else None
        assert sorted(number for part in seen for number in part) == sorted(placed)
        back = re.search(r'rel="prev" href="([^"]+)"', page)
        assert back
        before = client.get(f"/console/orders{back[1].replace('&amp;', '&')}&size=25").text
        assert _numbers(before) == seen[-2]
    assert len(_numbers(client.get("/console/orders?country=de").text)) == 20
    assert _numbers(client.get("/console/orders?status=cancelled").text) == []
    assert _numbers(client.get("/console/orders?min=100").text) == []


def test_a_page_that_no_walk_finds_in_time_is_gathered(
    as_role: AsRole, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given up halfway or not: the page is the same, and so is the one after it."""
    placed = [order_number(shop.place({MUG: 1}, country="FR")) for _ in range(30)]
    client = as_role(Role.VIEWER)
    address = "/console/orders?country=FR&payment=captured&size=25&sort=placed"
    walked = client.get(address).text
    monkeypatch.setattr(queries, "_within", lambda *_: None)
    gathered = client.get(address).text
    assert _numbers(gathered) == _numbers(walked) == placed[:25]
    assert "25+" in gathered
    following = re.search(r'rel="next" href="([^"]+)"', gathered)
    assert following
    assert (
        _numbers(client.get(f"/console/orders{following[1].replace('&amp;', '&')}&size=25").text)
        == placed[25:]
    )


def test_a_question_that_takes_too_long_is_given_up_and_the_next_has_time(app: Flask) -> None:
    """The limit is the question's own: what follows in the same transaction has the session's."""
    with app.app_context():
        before = db.session.scalar(text("SHOW statement_timeout"))
        assert queries._within(db.session(), 5, select(func.pg_sleep(5))) is None
        assert queries._within(db.session(), 5_000, select(literal(7))) == [(7,)]
        assert db.session.scalar(text("SHOW statement_timeout")) == before


def test_a_view_is_saved_shown_and_removed(as_role: AsRole, shop: Shop) -> None:
    """A saved view keeps the search; somebody else's cannot be removed."""
    manager, viewer = as_role(Role.MANAGER), as_role(Role.VIEWER)
    data = {"name": "French", "query": "country=FR&sort=total&bogus=1", "is_shared": "on"}
    assert manager.post("/console/orders/views", data=data).status_code == 302
    page = viewer.get("/console/orders").text
    assert "country=FR&amp;sort=total" in page
    (view,) = set(re.findall(r"/views/([0-9a-f-]+)/remove", manager.get("/console/orders").text))
    assert viewer.post(f"/console/orders/views/{view}/remove").status_code == 404
    assert manager.post(f"/console/orders/views/{view}/remove").status_code == 302
    assert "French" not in viewer.get("/console/orders").text


# --- the order page and its actions ----------------------------------------------------------------------------


def _open(client: FlaskClient, order_id: OrderId, action: str, **query: str) -> dict[str, str]:
    """The hidden fields of an action's form: what makes it happen once, against what was seen."""
    page = client.get(f"/console/orders/{order_id}/{action}", query_string=query).text
    return {
        name: match[1]
        for name in ("command_id", "version")
        if (match := re.search(rf'name="{name}" value="([^"]+)"', page))
    }


def _act(client: FlaskClient, order_id: OrderId, action: str, **data: Any) -> Any:
    fields = _open(client, order_id, action)
    return client.post(f"/console/orders/{order_id}/{action}", data={**fields, **data, "confirmed": "1"})


def test_a_preview_tells_the_truth_and_changes_nothing(as_role: AsRole, shop: Shop) -> None:
    """Cancelling shows stock, money and message; the order is as it was until it is confirmed."""
    order_id = shop.place({MUG: 2, BOWL: 1})
    client = as_role(Role.SUPPORT)
    fields = _open(client, order_id, "cancel")
    before = shop.read(order_id)
    page = client.post(f"/console/orders/{order_id}/cancel", data={**fields, "reason": "asked by phone"})
    for said in ("confirmed → cancelled", "3 items (2 × MUG-BLUE, 1 × BOWL-OAK) can be sold again",
                 "€79.20 are paid back", "an e-mail to anna@example.com and a text message"):  # fmt: skip
        assert said in page.text, said
    assert shop.read(order_id) == before


def test_a_confirmed_action_is_done_once_however_often_it_is_sent(as_role: AsRole, shop: Shop) -> None:
    """The form's command id makes a double click one shipment."""
    order_id = shop.place({MUG: 2})
    client = as_role(Role.WAREHOUSE)
    fields = _open(client, order_id, "ship")
    data = {**fields, f"ship:{MUG}": "1", "carrier": "DHL", "tracking_number": "T1", "confirmed": "1"}
    assert client.post(f"/console/orders/{order_id}/ship", data=data).status_code == 302
    assert client.post(f"/console/orders/{order_id}/ship", data=data).status_code == 302
    record = shop.read(order_id)
    assert record.counts_of(MUG).shipped == 1
    assert record.state.fulfilment is FulfilmentStatus.PARTLY_SHIPPED


def test_the_second_clerk_is_told_what_the_first_one_did(as_role: AsRole, shop: Shop) -> None:
    """409 with the changes since the page was opened, and nothing is overwritten."""
    order_id = shop.place()
    first, second = as_role(Role.MANAGER), as_role(Role.SUPPORT)
    seen = _open(second, order_id, "cancel")
    _act(first, order_id, "hold", hold_reason="fraud", reason="card from elsewhere")
    answer = second.post(
        f"/console/orders/{order_id}/cancel", data={**seen, "reason": "no", "confirmed": "1"}
    )
    assert answer.status_code == 409
    assert "card from elsewhere" in answer.text
    assert "order held" in answer.text
    assert shop.read(order_id).state.order is OrderStatus.CONFIRMED


_FIRST: dict[str, dict[str, str]] = {
    "hold": {"hold_reason": "manual"},
    "cancel": {"reason": "r"},
    "pick": {},
    "ship": {f"ship:{MUG}": "1"},
    "refund": {"amount": "1", "reason": "r"},
}


@pytest.mark.parametrize(("one", "other"), list(combinations_with_replacement(sorted(_FIRST), 2)))
def test_of_two_clerks_at_the_same_time_one_wins_and_the_other_is_told(
    app: Flask, as_role: AsRole, shop: Shop, one: str, other: str
) -> None:
    """Every pair of actions that the state allows, both sent at once against the same version."""
    order_id = shop.place({MUG: 2})
    clerks = [(as_role(Role.MANAGER), one), (as_role(Role.ADMIN), other)]
    forms = [(client, action, _open(client, order_id, action)) for client, action in clerks]

    def send(form: tuple[FlaskClient, str, dict[str, str]]) -> int:
        client, action, fields = form
        data = {**fields, **_FIRST[action], "confirmed": "1"}
        return client.post(f"/console/orders/{order_id}/{action}", data=data).status_code

    before = shop.read(order_id).state.version
    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(send, forms)) == [302, 409]
    # Shipping from the shelf is two events (picked, partly shipped); nothing is more.
    assert shop.read(order_id).state.version - before <= 2


def test_a_refund_by_line_and_amount_is_what_the_ledger_says(as_role: AsRole, shop: Shop) -> None:
    """One mug and one euro: the ledger owes the shopper 20.90, and the page says so."""
    order_id = shop.place({MUG: 2})
    client = as_role(Role.MANAGER)
    answer = _act(client, order_id, "refund", **{f"refund:{MUG}": "1", "amount": "1,00", "reason": "chipped"})
    assert answer.status_code == 302
    page = client.get(f"/console/orders/{order_id}").text
    assert "Owed to the shopper" in page
    assert "€20.90" in page, re.findall(r"dt>(?:<dd>.*)?", page)[3:9]


@pytest.mark.parametrize(
    ("action", "data", "said"),
    [
        ("refund", {"reason": "r"}, "Choose what to pay back"),
        ("refund", {"amount": "abc", "reason": "r"}, "is not an amount"),
        ("refund", {"amount": "9999", "reason": "r"}, "At most"),
        ("refund", {f"refund:{MUG}": "9", "reason": "r"}, "2 pieces can be paid back, not 9"),
        ("ship", {}, "at least one piece"),
        ("ship", {f"ship:{MUG}": "3"}, "2 pieces are left to ship, not 3"),
        ("ship", {f"ship:{MUG}": "1", "tracking_url": "javascript:alert(1)"}, "begins with https"),
        ("cancel", {}, "Say why"),
        ("hold", {"hold_reason": "because"}, "Choose one"),
        ("address", {"name": "A", "country": "DE"}, "An address needs"),
    ],
)
def test_a_form_that_cannot_be_meant_is_shown_again_with_what_was_typed(
    as_role: AsRole, shop: Shop, action: str, data: dict[str, str], said: str
) -> None:
    """422, the reason beside the field, and nothing is changed."""
    order_id = shop.place({MUG: 2})
    before = shop.read(order_id)
    answer = _act(as_role(Role.ADMIN), order_id, action, **data)
    assert answer.status_code == 422
    assert said in answer.text
    assert shop.read(order_id) == before


def test_a_return_goes_its_whole_way(as_role: AsRole, shop: Shop) -> None:
    """Registered, approved, received with one piece on the shelf and one written off, paid back."""
    order_id = shop.place({MUG: 2})
    ship_order(shop.desk, order_id, Parcel({}), shipment_id="s1", actor=STAFF)
    support, warehouse = as_role(Role.SUPPORT), as_role(Role.WAREHOUSE)
    _act(support, order_id, "return", **{f"return:{MUG}": "2", "return_reason": "damaged"})
    page = support.get(f"/console/orders/{order_id}").text
    assert "/receive" not in page
    (return_id,) = set(re.findall(r"approve\?return_id=([^\"]+)\"", page))
    return_id = return_id.replace("%3A", ":")
    assert _act(support, order_id, "approve", return_id=return_id).status_code == 302
    received = _act(
        warehouse, order_id, "receive",
        **{"return_id": return_id, f"restock:{MUG}": "1", f"write_off:{MUG}": "1"},
    )  # fmt: skip
    assert received.status_code == 302
    counts = shop.read(order_id).counts_of(MUG)
    assert (counts.returned, counts.restocked, counts.refunded) == (2, 1, 2)


def test_the_page_offers_what_state_and_role_allow_and_nothing_else(as_role: AsRole, shop: Shop) -> None:
    """A viewer sees no action; support cannot ship; after cancelling nothing but a note is left."""
    order_id = shop.place()

    def offered(role: Role) -> set[str]:
        page = as_role(role).get(f"/console/orders/{order_id}").text
        return set(re.findall(rf"/console/orders/{order_id}/([a-z_]+)[\"?]", page)) - {"slip", "invoice"}

    assert offered(Role.VIEWER) == set()
    assert offered(Role.SUPPORT) == {"hold", "hold_lines", "cancel", "address", "note"}
    assert offered(Role.WAREHOUSE) == {"pick", "ship", "hold", "hold_lines", "note"}
    _act(as_role(Role.SUPPORT), order_id, "cancel", reason="r")
    assert offered(Role.ADMIN) <= {"note", "refund"}


def test_the_shopper_reads_the_notes_that_are_for_the_shopper(
    app: Flask, as_role: AsRole, shop: Shop
) -> None:
    """On the order's own page, as text; what colleagues tell each other stays in the console."""
    order_id = shop.place()
    clerk = as_role(Role.SUPPORT)
    public = {"text": "Your bowl is <b>oiled</b> today.", "is_public": "on"}
    for note in (public, {"text": "Sounded cross on the phone."}):
        assert _act(clerk, order_id, "note", **note).status_code == 302
    token = links.sign(order_id, links.keys_of(app.extensions["cartwright"].settings))
    page = app.test_client().get(f"/orders/{token}").text
    assert "Your bowl is &lt;b&gt;oiled&lt;/b&gt; today." in page
    assert "on the phone" not in page
