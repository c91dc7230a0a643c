"""Two clerks at one order: for every pair of actions that some state allows, one wins and the other is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations_with_replacement, product
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from orders.adapters.rds.models import Outbox
from orders.domain import ledger
from orders.domain.ids import OrderId, uuid7
from orders.services.hold_order import hold_lines, hold_order
from orders.services.return_order import decide_return, request_return
from orders.services.ship_order import Parcel, deliver_order, ship_order, start_picking
from tests.integration.console.shop import BOWL, MUG, STAFF, Shop
from webapp.console.orders.actions import ACTIONS
from webapp.console.permissions import Role

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

STAGES = ("new", "lines held", "picking", "partly shipped", "shipped", "returned", "delivered")
ASKED, APPROVED = "r-asked", "r-approved"
FORMS: Mapping[str, dict[str, str]] = {
    "pick": {},
    "ship": {f"ship:{MUG}": "1"},
    "deliver": {},
    "release": {"reason": "looked at"},
    "capture": {"reason": "lost"},
    "hold": {"hold_reason": "manual"},
    "hold_lines": {"line": MUG, "hold_reason": "stock"},
    "release_lines": {"line": BOWL, "reason": "it came"},
    "unpick": {},
    "address": {"name": "A. Schmidt", "line1": "Neue Str. 1", "postal_code": "10115", "city": "Berlin", "country": "DE"},
    "refund": {"amount": "1", "reason": "a scratch"},
    "return": {f"return:{MUG}": "1", "return_reason": "damaged"},
    "approve": {"return_id": ASKED},
    "reject": {"return_id": ASKED, "reason": "too late"},
    "receive": {"return_id": APPROVED, f"restock:{MUG}": "1"},
    "note": {"text": "rang twice"},
    "cancel": {"reason": "the shopper rang"},
}  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """A state that an order may be in when two clerks look at it."""

    stage: str
    is_paid: bool
    is_held: bool

    def play(self, shop: Shop) -> OrderId:
        """A new order in this state, nothing of it on its way."""
        order_id = shop.place({MUG: 4, BOWL: 1}, is_captured=self.is_paid)
        desk, reached = shop.desk, STAGES.index(self.stage)
        if self.stage == "lines held":
            hold_lines(desk, order_id, [BOWL], command_id=f"hl:{order_id}", actor=STAFF, hold_reason="stock")
        if reached >= STAGES.index("picking"):
            start_picking(desk, order_id, command_id=f"p:{order_id}", actor=STAFF)
        if reached >= STAGES.index("partly shipped"):
            parcel = Parcel({MUG: 1} if self.stage == "partly shipped" else {})
            ship_order(desk, order_id, parcel, shipment_id=f"s:{order_id}", actor=STAFF)
        if reached >= STAGES.index("returned"):
            for return_id in (ASKED, APPROVED):
                request_return(
                    desk, order_id, {MUG: 1}, return_id=f"{return_id}:{order_id}", actor=STAFF, reason="damaged"
                )  # fmt: skip
            decide_return(desk, order_id, return_id=f"{APPROVED}:{order_id}", actor=STAFF, is_approved=True)
        if self.is_held:
            hold_order(desk, order_id, command_id=f"h:{order_id}", actor=STAFF, hold_reason="manual")
        elif self.stage == "delivered":
            deliver_order(desk, order_id, command_id=f"d:{order_id}", actor=STAFF)
        shop.deliver(order_id)
        return order_id

    def actions(self, shop: Shop, order_id: OrderId) -> list[str]:
        """What the page of such an order offers a manager."""
        record = shop.read(order_id)
        has_returns = STAGES.index(self.stage) >= STAGES.index("returned")
        return [
            code
            for code, action in ACTIONS.items()
            if action.is_allowed(record.state)
            and (has_returns or not action.needs_return)
            and (record.held_lines or not action.needs_line)
        ]


def _scenes() -> Iterator[Scene]:
    for stage, is_paid, is_held in product(STAGES, (True, False), (False, True)):
        if not (is_held and stage == "delivered"):
            yield Scene(stage, is_paid, is_held)


def _pairs(shop: Shop) -> dict[tuple[str, str], Scene]:
    """Every pair of actions that one of the states allows, with the first such state."""
    found: dict[tuple[str, str], Scene] = {}
    for scene in _scenes():
        for pair in combinations_with_replacement(scene.actions(shop, scene.play(shop)), 2):
            found.setdefault(pair, scene)
    return found


def _traces(shop: Shop, order_id: OrderId) -> Mapping[str, Any]:
    """All that an action leaves behind, but for ids and times: state, pieces, money, and what the world is told."""
    record = shop.read(order_id)
    with shop.desk.book.transaction() as tx:
        returns = sorted(str(one.status) for one in tx.returns(order_id))
        shipments, money = len(tx.shipments(order_id)), ledger.balances(tx.postings(order_id))
    with shop.engine.connect() as connection:
        rows = connection.execute(
            select(Outbox.effect, Outbox.key, Outbox.payload).where(Outbox.order_id == UUID(order_id))
        )
        told = sorted(
            f"{row.effect} {row.payload.get('event') or row.key.partition(':')[0] if row.effect in {'event', 'job'} else ''}"
            for row in rows
        )  # fmt: skip
    return {
        "state": record.state,
        "pieces": sorted((sku, counts) for sku, counts in record.counts.items()),
        "held lines": sorted(record.held_lines),
        "address": record.request.shipping_address,
        "returns": returns,
        "shipments": shipments,
        "money": money,
        "told": told,
    }


def _form(code: str, order_id: OrderId, version: int, shop: Shop) -> MultiDict[str, str]:
    given = dict(FORMS[code])
    if "return_id" in given:
        given["return_id"] += f":{order_id}"
    command_id = f"console:{uuid7(shop.desk.clock.now())}"
    return MultiDict({**given, "command_id": command_id, "version": str(version), "confirmed": "1"})


def test_of_two_clerks_one_wins_and_the_other_is_told_whatever_they_do(
    as_role: Callable[[Role], FlaskClient], shop: Shop
) -> None:
    """Both send at once, against the version that both saw. The order ends as if the winner had been alone: the same
    state, ledger, stock and messages; the other sees what changed. A note overwrites nothing, so it is always taken."""
    clerks = (as_role(Role.MANAGER), as_role(Role.ADMIN))
    alone: dict[tuple[Scene, str], Mapping[str, Any]] = {}

    def result_of(scene: Scene, code: str) -> Mapping[str, Any]:
        if (scene, code) not in alone:
            order_id = scene.play(shop)
            form = _form(code, order_id, shop.read(order_id).state.version, shop)
            answer = clerks[0].post(f"/console/orders/{order_id}/{code}", data=form)
            assert answer.status_code == 302, f"{code} alone, {scene}: {answer.status_code}"
            alone[scene, code] = _traces(shop, order_id)
        return alone[scene, code]

    pairs = _pairs(shop)
    assert {code for pair in pairs for code in pair} == set(ACTIONS), "an action that no scene allows"
    with ThreadPoolExecutor(2) as pool:
        for pair, scene in pairs.items():
            order_id = scene.play(shop)
            version = shop.read(order_id).state.version
            forms = [_form(code, order_id, version, shop) for code in pair]
            where = [f"/console/orders/{order_id}/{code}" for code in pair]
            answers = list(pool.map(lambda who, url, form: who.post(url, data=form), clerks, where, forms))
            codes = [answer.status_code for answer in answers]
            label = f"{pair} on {scene}: {codes}"
            if "note" in pair and codes == [302, 302]:
                assert shop.read(order_id).state.version > version + 1, label
                continue
            assert sorted(codes) == [302, 409], label
            winner, loser = (0, 1) if codes[0] == 302 else (1, 0)
            assert _traces(shop, order_id) == result_of(scene, pair[winner]), label
            assert "What changed since you looked" in answers[loser].text, label
