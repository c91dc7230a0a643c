"""The worker as a process: killed, stopped, replaced, and the master that keeps several of them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from local.ports import any_free
from orders.messages import encode_job
from orders.ports import JobMessage
from orders.settings import environment_name
from tests.integration.worker.conftest import Shop, record_message, until
from worker import control
from worker.cli import main, parser
from worker.completion import script

pytestmark = pytest.mark.slow


def names(shop: Shop) -> dict[str, int]:
    """The workers that report, with their process ids."""
    with shop.engine.connect() as connection:
        rows = connection.execute(text("SELECT name, pid FROM workers WHERE state <> 'stopping'"))
        return {row.name: row.pid for row in rows}


def is_gone(pid: int) -> bool:
    """Whether a process of another parent has ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_killed_worker_loses_and_doubles_nothing(shop: Shop) -> None:
    """SIGKILL in the middle of 500 orders: each is recorded once, and the interrupted ones run again within 10 s."""
    shop.queues["orders"].send_many([record_message() for _ in range(500)])
    victim = shop.process("--queues", "orders", failpoint="worker.before_commit:crash@4")
    until(lambda: victim.poll() is not None, 60)
    assert victim.returncode == -signal.SIGKILL
    killed_at = time.monotonic()
    done = shop.count("orders")
    assert 0 < done < 500
    shop.worker(relays_outbox=False)
    until(lambda: shop.count("orders") == 500, 60)
    assert time.monotonic() - killed_at < 60
    until(lambda: shop.queues["orders"].depth().total == 0, 30)
    assert (shop.count("inbox"), shop.count("order_lines"), shop.count("ledger_entries")) == (500, 500, 2000)
    assert shop.count("outbox", "effect = 'confirm_stock'") == 500
    assert shop.count("quarantine") == 0


def test_the_master_replaces_children_and_stops_all_in_time(shop: Shop) -> None:
    """Row W8: after a SIGKILL, after SIGHUP (the new ones before the old ones leave), and none is left by SIGTERM."""
    master = shop.process("--processes", "2", "--name", "m")
    first = until(lambda: len(found := names(shop)) == 2 and found, 60)
    os.kill(first["m.0"], signal.SIGKILL)
    second = until(lambda: {pid for pid in names(shop).values() if pid not in first.values()}, 60)
    master.send_signal(signal.SIGHUP)
    before = set(first.values()) | second
    third = until(lambda: len(found := set(names(shop).values()) - before) == 2 and found, 60)
    until(lambda: all(is_gone(pid) for pid in before), 40)
    master.send_signal(signal.SIGTERM)
    assert master.wait(40) == 0
    assert all(is_gone(pid) for pid in third)


def test_children_do_not_outlive_a_killed_master(shop: Shop) -> None:
    """Nobody would restart or stop them any more."""
    master = shop.process("--processes", "1", "--memory-limit", "4000", "--name", "m")
    pids = set(until(lambda: names(shop), 60).values())
    master.kill()
    until(lambda: all(is_gone(pid) for pid in pids), 40)


def test_a_burst_ends_when_everything_is_done(shop: Shop) -> None:
    """Orders recorded, captured jobs run, effects delivered - as far as this shop has them - and exit code 0."""
    noop = [encode_job(JobMessage(f"prune-{n}", "prune", {})) for n in range(5)]
    shop.queues["low"].send_many(noop)
    assert shop.process("--burst").wait(60) == 0
    assert shop.queues["low"].depth().total == 0


def test_the_command_line_answers_for_people_and_programs(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit codes, --json, and a clear word for every mistake."""
    for name in (
        "database_url",
        "order_events_topic_arn",
        *(f"{q}_queue_url" for q in ("high", "orders", "low")),
    ):
        monkeypatch.setenv(environment_name(name), getattr(shop.settings, name))
    for q in ("high", "orders", "low"):
        monkeypatch.setenv(environment_name(f"{q}_dlq_url"), getattr(shop.settings, f"{q}_dlq_url"))

    def run(*arguments: str) -> tuple[int, Any]:
        code = main(arguments)
        told = capsys.readouterr()
        return code, json.loads(told.out) if "--json" in arguments and code == 0 else told.out + told.err

    shop.queues["orders"].send("not an envelope")
    shop.worker()
    # The row is written before the message goes to the dead-letter queue.
    until(lambda: run("info", "--json")[1]["queues"][1]["dead"] == 1)
    code, look = run("info", "--json")
    assert (code, look["queues"][1]["queue"]) == (0, "orders")
    code, failed = run("failed", "--json")
    assert failed[0]["error"].startswith("Poison")
    assert run("failed", failed[0]["id"])[1].count("not an envelope") >= 1
    assert run("failed", "nobody")[0] == 1
    assert run("requeue")[0] == 2
    assert run("requeue", "nobody")[0] == 1
    assert run("requeue", failed[0]["id"])[0] == 0
    assert run("enqueue", "prune", '{"a": 1}', "--json")[1]["is_new"] is True
    assert run("enqueue", "prune", "[1]")[0] == 2
    assert run("enqueue", "os.system")[0] == 2
    # It comes back when the worker has put the queue down, not when the wish is written.
    code, told = run("pause", "low")
    assert code == 0
    assert "low is paused and at rest; `worker resume low` ends it\n" in told
    assert control.not_at_rest(shop.engine, "low", datetime.now(UTC)) == []
    assert run("info")[1].count("paused") == 1
    assert run("resume", "low")[0] == 0
    assert run("stop", "nobody")[0] == 1
    assert run("run", "--queues", "nonsense")[0] == 2
    assert "record_order" in run("jobs")[1]
    assert run("jobs", "--json")[1][0]["job"]
    assert run("result", "nobody")[0] == 1
    asked = run("enqueue", "examine_shop", "--json")[1]["id"]
    assert run("result", asked, "--json")[1]["status"] in {"queued", "running", "succeeded"}
    assert run("requeue", "--all")[0] == 0


def test_a_command_that_reaches_no_database_says_where_it_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody types `worker info` in a plain shell: the answer names the place and the way, and no password."""
    nobody = any_free()
    monkeypatch.setenv("CARTWRIGHT_DATABASE_URL", f"postgresql://clerk:sesame@127.0.0.1:{nobody}/shop")
    assert main(["info"]) == 1
    told = capsys.readouterr().err
    assert "the database does not answer" in told
    assert f"127.0.0.1:{nobody} (CARTWRIGHT_DATABASE_URL)" in told
    assert "python -m local exec python -m worker" in told
    assert "sesame" not in told


def test_a_child_is_replaced_after_its_share_of_jobs(shop: Shop) -> None:
    """--max-jobs: the child leaves by itself and a new one comes."""
    master = shop.process("--processes", "2", "--name", "m", "--queues", "low", "--max-jobs", "3")
    first = until(lambda: len(found := names(shop)) == 2 and found, 60)
    shop.queues["low"].send_many([encode_job(JobMessage(f"prune-{n}", "prune", {})) for n in range(12)])
    until(lambda: set(names(shop).values()) - set(first.values()), 60)
    until(lambda: shop.queues["low"].depth().total == 0, 60)
    assert master.poll() is None


def test_a_child_that_grows_too_big_is_replaced(shop: Shop) -> None:
    """--memory-limit: its successor is there before it leaves; a limit below any process's size replaces each in turn."""
    master = shop.process("--processes", "1", "--memory-limit", "20", "--name", "m")
    children = Path(f"/proc/{master.pid}/task/{master.pid}/children")
    first = until(lambda: children.read_text("ascii").split(), 30)[0]
    # Side by side for a moment, then the first one is gone.
    until(lambda: {first} < set(children.read_text("ascii").split()), 60)
    until(lambda: first not in children.read_text("ascii").split(), 60)
    assert master.poll() is None


def test_the_first_signal_lets_a_job_finish_and_the_second_does_not(shop: Shop) -> None:
    """SIGTERM is a request; again, it is an order: what ran comes again after its visibility."""
    shop.queues["orders"].send(record_message())
    worker = shop.process("--queues", "orders", failpoint="worker.before_commit:delay=90000")
    until(lambda: shop.count("workers", "jsonb_array_length(running) = 1") == 1, 60)
    worker.send_signal(signal.SIGTERM)
    until(lambda: shop.count("workers", "state = 'stopping'") == 1)
    assert worker.poll() is None, "it waits for its job"
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(10) == 130
    assert shop.count("orders") == 0
    assert shop.queues["orders"].depth().total == 1


def test_systemd_is_told_what_the_worker_does(shop: Shop, tmp_path: Path) -> None:
    """Type=notify with a watchdog: READY, then WATCHDOG each second, STOPPING at the end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(60)
        worker = shop.process("--queues", "low", NOTIFY_SOCKET=str(tmp_path / "notify"))
        assert systemd.recv(100) == b"READY=1"
        assert [systemd.recv(100), systemd.recv(100)] == [b"WATCHDOG=1"] * 2
        worker.send_signal(signal.SIGTERM)
        while (told := systemd.recv(100)) != b"STOPPING=1":
            assert told == b"WATCHDOG=1"
        assert worker.wait(40) == 0


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["re"], {"requeue", "result", "resume"}),
        (["pause", ""], {"--help", "high", "orders", "low"}),
        (["failed", "--"], {"--help", "--all", "--json"}),
        (["run", "--max"], {"--max-jobs"}),
    ],
)
def test_the_tab_key_offers_what_the_parser_knows(words: list[str], offered: set[str]) -> None:
    """The script that `worker completion` prints, in a real bash."""
    typed = " ".join(f"'{word}'" for word in ["worker", *words])
    ask = f"COMP_WORDS=({typed}); COMP_CWORD={len(words)}; _worker; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    told = subprocess.run(
        ["bash", "-c", f"{script(parser())}\n{ask}"], capture_output=True, text=True, check=True
    )
    assert set(told.stdout.split()) == offered


def test_help_is_understood_by_a_stranger() -> None:
    """Every command says what it does."""
    shown = parser().format_help()
    for command in ("run", "info", "failed", "requeue", "enqueue", "pause", "drain", "resume", "stop"):
        assert f"\n    {command} " in shown
