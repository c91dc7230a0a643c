"""After the book was restored to an earlier time: what can be told again is, what cannot is named."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from orders.doctor import after_restore
from orders.doctor.after_restore import give_back, main, reconcile
from orders.domain.events import Actor
from orders.domain.ids import OrderId, Sku
from orders.domain.request import OrderRequest
from orders.services.ship_order import Parcel, ship_order
from tests.shop_in_memory import MemoryShop

MUG = Sku("MUG-RED")
STAFF = Actor("staff", "grace")


@dataclass
class MemoryOf:
    """after_restore.Memory over the shop in memory."""

    shop: MemoryShop

    def forget_view(self, order_id: OrderId) -> None:
        self.shop.tracking._views.pop(order_id, None)

    def forget_reservation(self, order_id: OrderId) -> None:
        self.shop.inventory._orders.pop(order_id, None)


@pytest.fixture
def shop() -> MemoryShop:
    shop = MemoryShop()
    shop.stock("MUG-RED", 100)
    return shop


def recorded(shop: MemoryShop) -> OrderRequest:
    request = shop.place()
    shop.run_until_idle()
    return request


def restore(shop: MemoryShop, tables: object) -> None:
    """The book as it was; what lay in the queues is gone with the servers."""
    shop.book.tables.__dict__.update(copy.deepcopy(tables.__dict__))


def reconciled(shop: MemoryShop):
    return reconcile(shop.book, shop.inventory, shop.tracking, shop.queues, MemoryOf(shop))


def test_an_order_that_was_not_recorded_yet_is_sent_again(shop: MemoryShop) -> None:
    """Its reservation still carries its message: nothing is lost, and the doctor is content."""
    recorded(shop)
    backup = copy.deepcopy(shop.book.tables)
    waiting = shop.place()
    restore(shop, backup)
    done = reconciled(shop)
    assert (done.sent_again, done.lost) == ([waiting.order_id], [])
    shop.run_until_idle()
    assert shop.record(waiting.order_id).order_id == waiting.order_id
    assert shop.findings() == []


def test_an_order_recorded_after_the_backup_is_named_and_its_stock_given_back(shop: MemoryShop) -> None:
    """Its message was forgotten when it was recorded. What is known is listed; only then is it forgotten."""
    recorded(shop)
    backup = copy.deepcopy(shop.book.tables)
    lost = recorded(shop)
    restore(shop, backup)
    done = reconciled(shop)
    assert [(order.order_id, order.lines) for order in done.lost] == [(lost.order_id, {MUG: 2})]
    assert done.lost[0].total_of_lines_minor == 2500
    before = shop.inventory.levels([MUG])[MUG]
    assert give_back(done.lost, shop.inventory, MemoryOf(shop)) == 1
    after = shop.inventory.levels([MUG])[MUG]
    assert (after.available, after.reserved) == (before.available + 2, before.reserved - 2)
    assert after.is_conserved
    assert shop.tracking.get(lost.order_id) is None


def test_a_view_newer_than_the_restored_book_goes_back_with_it(shop: MemoryShop) -> None:
    """The projection refuses older views, rightly; after a restore the shopper must see what the book says."""
    request = recorded(shop)
    backup = copy.deepcopy(shop.book.tables)
    ship_order(shop.desk, request.order_id, Parcel({MUG: 2}), shipment_id="s1", actor=STAFF)
    shop.run_until_idle()
    restore(shop, backup)
    done = reconciled(shop)
    assert (done.views_forgotten, done.views_projected) == (1, 1)
    view = shop.tracking.get(request.order_id)
    assert view is not None
    assert view.version == shop.record(request.order_id).state.version


def test_a_lost_order_that_was_shipped_is_left_to_a_person(shop: MemoryShop) -> None:
    """Its pieces left the house: giving them back would sell what is not there."""
    backup = copy.deepcopy(shop.book.tables)
    request = recorded(shop)
    ship_order(shop.desk, request.order_id, Parcel({MUG: 1}), shipment_id="s1", actor=STAFF)
    shop.run_until_idle()
    restore(shop, backup)
    done = reconciled(shop)
    assert [order.is_shipped for order in done.lost] == [True]
    assert give_back(done.lost, shop.inventory, MemoryOf(shop)) == 0
    assert shop.inventory.find_reservation(request.order_id) is not None


def test_it_may_be_run_again(shop: MemoryShop) -> None:
    """A run that was cut short is simply repeated."""
    backup = copy.deepcopy(shop.book.tables)
    recorded(shop)
    waiting = shop.place()
    restore(shop, backup)
    first, second = reconciled(shop), reconciled(shop)
    assert first.lost == second.lost
    assert second.sent_again == [waiting.order_id]
    shop.run_until_idle()
    assert shop.record(waiting.order_id).order_id == waiting.order_id
    assert len(reconciled(shop).lost) == 1


@pytest.fixture
def lost(shop: MemoryShop, monkeypatch: pytest.MonkeyPatch) -> OrderRequest:
    """A shop with one lost order, as the command finds it by its settings."""
    backup = copy.deepcopy(shop.book.tables)
    request = recorded(shop)
    restore(shop, backup)
    tools = SimpleNamespace(
        book=shop.book, inventory=shop.inventory, tracking=shop.tracking, queue=shop.queues
    )
    stores = SimpleNamespace(engine=SimpleNamespace(dispose=lambda: None))
    monkeypatch.setattr(after_restore, "open_shop", lambda settings: (stores, tools))
    monkeypatch.setattr(after_restore, "make_client", lambda name, settings: None)
    monkeypatch.setattr(after_restore, "DynamoMemory", lambda client, settings: MemoryOf(shop))
    return request


def test_the_command_lists_what_is_lost_and_gives_nothing_back_unasked(
    shop: MemoryShop, lost: OrderRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1: a person has to decide."""
    assert main([]) == 1
    printed = capsys.readouterr().out
    assert "1 lost" in printed
    assert lost.order_id in printed
    assert shop.inventory.find_reservation(lost.order_id) is not None


def test_the_command_writes_the_list_before_it_forgets(
    shop: MemoryShop, lost: OrderRequest, tmp_path: Path
) -> None:
    """Exit code 0: on disk is all that is left of the order, its pieces are for sale; the money a person must return."""
    file = tmp_path / "lost.json"
    assert main(["--give-back", str(file)]) == 0
    assert [each["order_id"] for each in json.loads(file.read_text("utf-8"))] == [lost.order_id]
    assert shop.inventory.find_reservation(lost.order_id) is None
    assert [(found.promise, found.problem.split(";")[0]) for found in shop.findings()] == [
        ("I5", "the provider captured 2990 and refunded 0")
    ]


def test_the_command_never_writes_over_an_earlier_list(
    shop: MemoryShop, lost: OrderRequest, tmp_path: Path
) -> None:
    """Whoever gives the same name twice keeps the first list, and every reservation."""
    file = tmp_path / "lost.json"
    file.write_text("the first list")
    assert main(["--give-back", str(file)]) == 2
    assert file.read_text() == "the first list"
    assert shop.inventory.find_reservation(lost.order_id) is not None
