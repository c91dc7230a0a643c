"""The rehearsal of the worst day: everything is deleted, restored from backups, and every order is accounted for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local.aws import REPOSITORY
from local.drill_stage import SIGN, DrillStage
from local.home import Home
from local.options import StartRefused


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], str]:
    """One whole drill in a home of its own: the home, its report, and what it printed."""
    folder = tmp_path_factory.mktemp("drill")
    home, report = folder / "home", folder / "report.json"
    # A shop's own home, told by the environment, must not matter to a drill.
    environment = {**os.environ, "CARTWRIGHT_HOME": str(folder / "shop")}
    done = subprocess.run(
        [sys.executable, "-m", "local.drill", "--home", home, "--json", report],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (folder / "shop").exists()
    return home, json.loads(report.read_text("utf-8")), done.stdout


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_every_accepted_order_is_kept_recorded_again_or_named_as_lost(
    drill: tuple[Path, dict[str, Any], str],
) -> None:
    """Six from before the backup, two that were waiting, three that only the inventory knew, two that nothing knew."""
    _, report, _ = drill
    assert report["is_healthy"], report
    assert report["is_accounted_for"], report
    assert (report["accepted"], report["kept"], report["sent_again"]) == (13, 6, 2)
    assert (len(report["lost_but_named"]), len(report["lost_without_trace"])) == (3, 2)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_it_states_rpo_and_rto_as_measured(drill: tuple[Path, dict[str, Any], str]) -> None:
    """RTO is at least the sum of its steps; no order older than the backup is lost."""
    _, report, printed = drill
    assert report["rto_seconds"] >= sum(report["steps"].values()) > 0
    assert 0 < report["oldest_loss_seconds"] <= report["rpo_seconds"]
    assert f"RPO {report['rpo_seconds']:.1f} s" in printed
    assert f"RTO {report['rto_seconds']:.1f} s" in printed


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_lost_orders_are_on_a_list(drill: tuple[Path, dict[str, Any], str]) -> None:
    """With what is needed to write to the shopper: when, what, and how much."""
    home, report, _ = drill
    listed = json.loads((home / "lost-orders.json").read_text("utf-8"))
    assert sorted(each["order_id"] for each in listed) == report["lost_but_named"]
    assert all(each["lines"] and each["accepted_at"] and each["total_of_lines_minor"] > 0 for each in listed)


def test_a_drill_never_empties_a_folder_that_it_did_not_make(tmp_path: Path) -> None:
    """A slip of the hand, `--home .local`, must not cost a shop."""
    (tmp_path / "precious").write_text("kept")
    with pytest.raises(StartRefused, match="is not empty"):
        DrillStage.prepared(tmp_path)
    assert (tmp_path / "precious").read_text() == "kept"


def test_a_drill_works_on_a_copy_of_a_shop_that_is_closed(tmp_path: Path) -> None:
    """The copy is the drill's; the shop's own files are only read. A running shop is refused."""
    shop = Home(tmp_path / "shop")
    shop.prepare()
    shop.postgres.mkdir()
    (shop.postgres / "PG_VERSION").write_text("16")
    stage = DrillStage.prepared(tmp_path / "drill", shop.path)
    assert (stage.home.postgres / "PG_VERSION").read_text() == "16"
    assert (stage.home.path / SIGN).exists()
    with shop.claimed(), pytest.raises(StartRefused, match="runs"):
        DrillStage.prepared(tmp_path / "drill", shop.path)
    assert sorted(path.name for path in shop.path.iterdir() if path.is_dir()) == ["logs", "postgres"]
