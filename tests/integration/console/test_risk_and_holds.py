"""Risk rules, holds of lines and money that was not taken, in the console."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from orders.adapters.rds.models import Outbox
from orders.ports import JobMessage
from tests.integration.console.shop import BOWL, MUG, AsRole, Shop
from webapp.console.permissions import Role
from webapp.extensions import db
from worker.context import JobContext
from worker.jobs import release_holds


def test_a_rule_is_changed_added_and_removed_and_the_next_order_feels_it(as_role: AsRole, shop: Shop) -> None:
    """On: the order is held and its page says why; off again: the next one goes on."""
    manager = as_role(Role.MANAGER)
    data = {
        "name": "Too dear",
        "limit": "50,00",
        "hold_kind": "fraud",
        "hold_hours": "2",
        "holds": "on",
        "is_on": "on",
    }
    assert manager.post("/console/risk/amount", data=data).status_code == 302
    order_id = shop.place(is_captured=False)
    record = shop.read(order_id)
    assert (record.state.is_held, record.hold_reason) == (True, "fraud")
    page = manager.get(f"/console/orders/{order_id}").text
    assert "79.20 EUR is 50.00 EUR or more" in page
    assert "Too dear" in page
    assert manager.post("/console/risk/amount", data={**data, "is_on": ""}).status_code == 302
    del data["is_on"]
    assert manager.post("/console/risk/amount", data=data).status_code == 302
    assert not shop.read(shop.place()).state.is_held
    added = {**data, "kind": "country", "countries": "fr, es", "name": "Far away"}
    assert manager.post("/console/risk", data=added).status_code == 302
    page = manager.get("/console/risk").text
    assert "ES, FR" in page
    (code,) = re.findall(r'action="/console/risk/([0-9a-f-]{36})"', page)
    assert manager.post(f"/console/risk/{code}/remove").status_code == 302
    assert manager.post(f"/console/risk/{code}/remove").status_code == 404
    assert as_role(Role.SUPPORT).get("/console/risk").status_code == 403


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": " "}, "give the rule a name"),
        ({"limit": ""}, "every order would match"),
        ({"limit": "abc"}, "not an amount"),
        ({"hold_hours": "-1"}, "a whole number from 0"),
        ({"hold_kind": "because"}, "choose one"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_shown_again(
    as_role: AsRole, changes: dict[str, str], said: str
) -> None:
    """422 beside the field; the rule stays as it was."""
    data = {"name": "Dear", "limit": "50", "hold_kind": "fraud", "hold_hours": "0", "is_on": "on"}
    client = as_role(Role.MANAGER)
    answer = client.post("/console/risk/amount", data={**data, **changes})
    assert answer.status_code == 422
    assert said in answer.text
    assert "Dear order" in client.get("/console/risk").text


def test_a_line_is_held_in_the_console_and_goes_on_by_itself(
    as_role: AsRole, shop: Shop, job_context: JobContext, app: Flask
) -> None:
    """The pack page leaves it out; the worker's own schedule lets it go when the time is over."""
    order_id, clerk = shop.place({MUG: 2, BOWL: 1}), as_role(Role.WAREHOUSE)
    form = clerk.get(f"/console/orders/{order_id}/hold_lines").text
    fields = {
        name: found[1]
        for name in ("command_id", "version")
        if (found := re.search(rf'name="{name}" value="([^"]+)"', form))
    }
    end = shop.desk.clock.now() + timedelta(hours=1)
    data = {
        **fields, "line": BOWL, "hold_reason": "stock", "until": f"{end:%Y-%m-%dT%H:%M}", "reason": "late", "confirmed": "1",
    }  # fmt: skip
    assert clerk.post(f"/console/orders/{order_id}/hold_lines", data=data).status_code == 302
    assert f'data-sku="{BOWL}"' not in clerk.get(f"/console/orders/{order_id}/pack").text
    assert "on hold: stock" in clerk.get(f"/console/orders/{order_id}").text
    message = JobMessage("r", "release_holds", {})
    release_holds.release_holds.function(job_context, message)
    assert set(shop.read(order_id).held_lines) == {BOWL}
    clock: Any = shop.desk.clock
    clock.at = end + timedelta(minutes=1)
    release_holds.release_holds.function(job_context, message)
    assert shop.read(order_id).held_lines == {}
    assert "the hold ended by itself" in clerk.get(f"/console/orders/{order_id}").text


def test_money_that_was_not_taken_is_asked_for_again_once(as_role: AsRole, shop: Shop, app: Flask) -> None:
    """The job is promised with the attempt's own key; after the capture the action is not offered any more."""
    order_id, manager = shop.place(is_captured=False), as_role(Role.MANAGER)
    page = manager.get(f"/console/orders/{order_id}/capture").text
    found = {name: re.search(rf'name="{name}" value="([^"]+)"', page) for name in ("command_id", "version")}
    data = {name: match[1] for name, match in found.items() if match} | {"reason": "lost", "confirmed": "1"}
    for _ in range(2):
        assert manager.post(f"/console/orders/{order_id}/capture", data=data).status_code == 302
    with app.app_context():
        keys = db.session.scalars(select(Outbox.key).where(Outbox.key.like("capture_payment:%"))).all()
    assert len(keys) == 1
    captured = shop.place()
    assert manager.get(f"/console/orders/{captured}/capture").status_code == 409
    assert f"/{captured}/capture" not in manager.get(f"/console/orders/{captured}").text
