"""`python -m orders.doctor` over the real stores: it names each planted fault, mends what can be mended, and says so."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from local.ports import any_free
from orders.adapters.aws import make_client
from orders.adapters.memory.clock import MemoryClock
from orders.doctor.__main__ import main
from orders.doctor.checks import Remedy
from orders.domain.events import Actor
from orders.domain.ids import OrderId, new_order_id
from orders.services.cancel_order import cancel_order
from tests.integration.order_path.conftest import MUG, LiveShop

ROOT = Path(__file__).parents[3]
STAFF = Actor("staff", "grace")
LOOK_ONCE = ["--settle", "0"]


def message_lost(shop: LiveShop) -> OrderId:
    """An accepted order's message vanishes from its queue."""
    order_id = shop.place()
    shop.lose_messages()
    return order_id


def tracking_deleted(shop: LiveShop) -> OrderId:
    """The view of a recorded order is gone."""
    order_id = shop.place()
    shop.work()
    make_client("dynamodb", shop.settings).delete_item(
        TableName=shop.settings.tracking_table, Key={"order_id": {"S": order_id}}
    )
    return order_id


def tracking_behind(shop: LiveShop) -> OrderId:
    """The shopper sees an earlier state than the book has, and no effect is left that would show the later one."""
    order_id = shop.place()
    shop.work()
    make_client("dynamodb", shop.settings).update_item(
        TableName=shop.settings.tracking_table,
        Key={"order_id": {"S": order_id}},
        UpdateExpression="SET stage = :stage, version = :version",
        ExpressionAttributeValues={":stage": {"S": "placed"}, ":version": {"N": "1"}},
    )
    return order_id


def confirmation_lost(shop: LiveShop) -> OrderId:
    """The order is on record, its reservation may still expire, and nobody is about to confirm it."""
    order_id = shop.place()
    _work_without(shop, "confirm_stock")
    return order_id


def stock_of_the_cancelled(shop: LiveShop) -> OrderId:
    """The order is cancelled, but the promise to give its stock back got lost."""
    order_id = shop.place(2)
    shop.work()
    cancel_order(shop.context.desk, order_id, command_id="c1", actor=STAFF)
    _work_without(shop, "release_stock")
    return order_id


def overdue(shop: LiveShop) -> OrderId:
    """A reservation outlived its hour: no sweeper came, and its message is gone."""
    body = shop.body()
    shop.submit(body, MemoryClock(datetime.now(UTC) - timedelta(hours=3)))
    shop.lose_messages()
    return OrderId(body["order_id"])


def orphan_authorisation(shop: LiveShop) -> OrderId:
    """Money is held for an order that never came."""
    now = datetime.now(UTC)
    order_id = new_order_id(now)
    shop.authorise(order_id, 4990, at=now - timedelta(hours=1))
    return order_id


def movement_without_a_name(shop: LiveShop) -> str:
    """The console ended between moving the pieces and writing down who moved them."""
    shop.inventory.adjust(MUG, -2, "console:1")
    return "console:1"


def _work_without(shop: LiveShop, effect: str) -> None:
    """Work off everything, losing one kind of promised effect."""
    assert shop.context.engine is not None
    rule = f"CREATE RULE lost AS ON INSERT TO outbox WHERE new.effect = '{effect}' DO INSTEAD NOTHING"
    with shop.context.engine.begin() as connection:
        connection.execute(text(rule))
        connection.execute(text("DELETE FROM outbox WHERE effect = :effect"), {"effect": effect})
    shop.work()
    with shop.context.engine.begin() as connection:
        connection.execute(text("DROP RULE lost ON outbox"))


FAULTS: dict[str, tuple[Callable[[LiveShop], str], Remedy]] = {
    "message lost": (message_lost, Remedy.RESEND),
    "tracking deleted": (tracking_deleted, Remedy.PROJECT),
    "tracking behind": (tracking_behind, Remedy.PROJECT),
    "confirmation lost": (confirmation_lost, Remedy.CONFIRM),
    "stock of a cancelled order": (stock_of_the_cancelled, Remedy.RELEASE),
    "overdue reservation": (overdue, Remedy.EXPIRE),
    "orphan authorisation": (orphan_authorisation, Remedy.VOID),
    "a movement without a name": (movement_without_a_name, Remedy.JOURNAL),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_named_mended_and_gone(
    in_environment: LiveShop, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    """Exit code 1 with subject, promise and remedy; a repair through the product's own ports; then exit code 0."""
    shop, (plant, remedy) = in_environment, FAULTS[fault]
    shop.stock(20)
    shop.place()
    shop.work()
    assert main(LOOK_ONCE) == 0, capsys.readouterr().out
    subject = plant(shop)
    capsys.readouterr()

    assert main([*LOOK_ONCE, "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (subject, remedy.value) in {(found["subject"], found["remedy"]) for found in report["findings"]}
    assert {found["subject"] for found in report["findings"]} == {subject}

    main([*LOOK_ONCE, "--repair", "--yes"])
    said = capsys.readouterr().out
    assert f"would: {subject}: {remedy.value}" in said
    assert f"done: {subject}: {remedy.value}" in said
    shop.work()
    assert main(LOOK_ONCE) == 0, capsys.readouterr().out


def test_without_a_yes_nothing_is_changed(
    in_environment: LiveShop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dry run names what it would do; only a person's yes lets it."""
    in_environment.stock(5)
    order_id = tracking_deleted(in_environment)
    monkeypatch.setattr("builtins.input", lambda _: "n")
    assert main([*LOOK_ONCE, "--repair"]) == 1
    assert f"would: {order_id}" in capsys.readouterr().out
    assert in_environment.context.tracking.get(order_id) is None


def test_what_cannot_be_mended_stays_wrong_and_says_who_must_look(
    in_environment: LiveShop, capsys: pytest.CaptureFixture[str]
) -> None:
    """I1 broken by hand: no program knows which number is the true one."""
    in_environment.stock(5)
    make_client("dynamodb", in_environment.settings).update_item(
        TableName=in_environment.settings.inventory_table,
        Key={"pk": {"S": f"STOCK#{MUG}#0"}},
        UpdateExpression="SET available = :more",
        ExpressionAttributeValues={":more": {"N": "6"}},
    )
    assert main([*LOOK_ONCE, "--repair", "--yes"]) == 1
    said = capsys.readouterr().out
    assert f"left: {MUG}: {Remedy.NONE.value}" in said
    assert "received 5, but available 6" in said
    assert main(LOOK_ONCE) == 1


def test_waiting_effects_ask_for_a_worker(
    in_environment: LiveShop, capsys: pytest.CaptureFixture[str]
) -> None:
    """The doctor delivers nothing itself: a relay that is started does, in the order of the promises."""
    in_environment.stock(5)
    order_id = in_environment.place()
    in_environment.work()
    cancel_order(in_environment.context.desk, order_id, command_id="c1", actor=STAFF)
    capsys.readouterr()
    assert main([*LOOK_ONCE, "--json"]) == 1
    remedies = {found["remedy"] for found in json.loads(capsys.readouterr().out)["findings"]}
    assert Remedy.DELIVER.value in remedies
    in_environment.work()
    assert main(LOOK_ONCE) == 0, capsys.readouterr().out


@pytest.mark.parametrize("store", ["CARTWRIGHT_DATABASE_URL", "AWS_ENDPOINT_URL"])
def test_a_store_that_is_away_is_exit_code_two(
    in_environment: LiveShop,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    store: str,
) -> None:
    """Not healthy and not sick: it could not look."""
    nobody = any_free()
    away = {
        "CARTWRIGHT_DATABASE_URL": f"postgresql+psycopg://app@127.0.0.1:{nobody}/cartwright",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{nobody}",
    }
    monkeypatch.setenv(store, away[store])
    assert main(LOOK_ONCE) == 2
    assert "cannot be reached" in capsys.readouterr().err


def test_the_program_itself_answers_with_its_exit_code(in_environment: LiveShop) -> None:
    """As `make doctor` and a cron job see it."""
    in_environment.stock(5)
    in_environment.place()
    in_environment.work()

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command: list[Any] = [sys.executable, "-m", "orders.doctor", *words]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)

    healthy = run()
    assert (healthy.returncode, healthy.stderr) == (0, "")
    assert "Looked at 1 orders" in healthy.stdout
    assert "Every promise holds." in healthy.stdout
    assert run("--nonsense").returncode == 2
