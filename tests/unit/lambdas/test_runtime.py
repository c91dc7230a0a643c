"""What a container builds once: settings that refuse to be missing, logs on stdout, and nothing at import."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from lambdas import runtime
from orders.settings import SettingsError


@pytest.fixture(autouse=True)
def container(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A fresh container, and the test runner's logging put back afterwards."""
    monkeypatch.setattr(runtime, "_built", {})
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_it_is_built_once_per_program() -> None:
    assert runtime.runtime("submit_order") is runtime.runtime("submit_order")


def test_outside_the_laptop_a_missing_setting_refuses_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARTWRIGHT_STAGE", "dev")
    monkeypatch.delenv("CARTWRIGHT_ORDERS_QUEUE_URL", raising=False)
    with pytest.raises(SettingsError, match="CARTWRIGHT_ORDERS_QUEUE_URL"):
        runtime.runtime("submit_order", "orders_queue_url")


def test_logs_go_to_stdout_as_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The Lambda runtime's own handler would print nothing at INFO."""
    monkeypatch.setenv("CARTWRIGHT_LOG_FORMAT", "json")
    runtime.runtime("sweep")
    logging.getLogger("anything").info("swept", extra={"sent": 3})
    line = capsys.readouterr().out
    assert '"event":"swept"' in line
    assert '"program":"sweep"' in line
    assert '"sent":3' in line


def test_clients_are_made_before_a_snapshot_where_there_are_snapshots(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registered = []
    snapshots = ModuleType("snapshot_restore_py")
    vars(snapshots)["register_before_snapshot"] = registered.append
    monkeypatch.setitem(sys.modules, "snapshot_restore_py", snapshots)
    runtime.before_snapshot(len)
    assert registered == [len]


def test_without_snapshots_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "snapshot_restore_py", None)
    runtime.before_snapshot(len)
