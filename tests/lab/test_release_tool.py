"""The release tool's own rules, without a host: names, links, hashes, and what is deleted when."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import shutil
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.lab.hosts import ANSIBLE

SOURCE = ANSIBLE / "roles/python_app/files/cartwright_release.py"


@pytest.fixture(scope="module")
def tool() -> Any:
    """The program, as a module."""
    spec = importlib.util.spec_from_file_location("cartwright_release", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Its other half lies beside it, where Python looks when it runs as a program.
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SOURCE.parent))
        spec.loader.exec_module(module)
    return module


@pytest.fixture
def host(tool: Any, tmp_path: Path) -> Any:
    """A host without parts: releases can be linked and deleted on it, and nothing is started."""
    (tmp_path / "releases").mkdir()
    (tmp_path / "assets").mkdir()
    return tool.Host({"root": str(tmp_path), "releases_kept": 5}, [])


def put_release(host: Any, name: str, age: int) -> None:
    """A release that was installed `age` seconds ago, with one asset that nginx serves."""
    folder = host.root / "releases" / name
    folder.mkdir()
    asset = folder / "shop.css"
    asset.write_text(name, encoding="ascii")
    os.link(asset, host.root / "assets" / f"shop.{name}.css")
    (folder / ".complete").touch()
    moment = 1_800_000_000 - age
    os.utime(folder / ".complete", (moment, moment))


def bundle(folder: Path, release: str) -> Path:
    """An archive that only says which release it is."""
    path = folder / "bundle.tar.gz"
    data = json.dumps({"release": release}).encode()
    with tarfile.open(path, "w:gz") as tar:
        entry = tarfile.TarInfo("release.json")
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
    return path


@pytest.mark.parametrize("name", ["", ".", "..", "../etc", "a/b", "a\n", "-rf", "x" * 101])
def test_a_name_that_could_lead_elsewhere_is_refused(tool: Any, host: Any, name: str) -> None:
    """A release's name becomes a path and a unit's name."""
    with pytest.raises(tool.Refused, match="no name of a release"):
        host.folder(name)


def test_a_bundle_with_another_hash_is_refused_before_it_is_opened(
    tool: Any, host: Any, tmp_path: Path
) -> None:
    """What was changed on its way to the host is not unpacked."""
    with pytest.raises(tool.Refused, match="has the hash"):
        tool.install(host, bundle(tmp_path, "good"), "0" * 64)
    assert host.installed() == []


def test_an_installed_release_is_not_installed_again(tool: Any, host: Any, tmp_path: Path) -> None:
    """A repeat changes nothing, whatever the bundle holds."""
    put_release(host, "good", 1)
    assert tool.install(host, bundle(tmp_path, "good"), None) == {"changed": False, "release": "good"}


def test_only_what_is_complete_can_be_served(tool: Any, host: Any) -> None:
    """An installation that was cut short is no release."""
    (host.root / "releases" / "half").mkdir()
    with pytest.raises(tool.Refused, match="not installed"):
        tool.activate(host, "half")
    with pytest.raises(tool.Refused, match="no earlier release"):
        tool.rollback(host)


def test_switching_and_going_back_move_two_links(tool: Any, host: Any) -> None:
    """`current` and `previous` change places; a second switch to the same release changes nothing."""
    put_release(host, "one", 2)
    put_release(host, "two", 1)
    assert tool.activate(host, "one")["changed"]
    assert tool.activate(host, "two") == {"changed": True, "release": "two", "previous": "one"}
    assert not tool.activate(host, "two")["changed"]
    assert tool.rollback(host)["release"] == "one"
    status = tool.status(host)
    assert (status["current"], status["previous"]) == ("one", "two")


def test_five_releases_stay_with_the_current_and_the_one_before_among_them(tool: Any, host: Any) -> None:
    """However old they are. The assets of deleted releases go, those of the others stay."""
    for age in range(8):
        put_release(host, f"r{age}", age)
    host.link("current", "r7")
    host.link("previous", "r6")
    done = tool.prune(host)
    assert sorted(done["deleted"]) == ["r3", "r4", "r5"]
    assert sorted(host.installed()) == ["r0", "r1", "r2", "r6", "r7"]
    assert {path.name for path in (host.root / "assets").iterdir()} == {
        f"shop.{name}.css" for name in ("r0", "r1", "r2", "r6", "r7")
    }
    assert not tool.prune(host)["changed"]


@pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="hosts have Python there")
def test_packages_that_a_host_has_already_are_not_installed_again(tool: Any, host: Any) -> None:
    """A release with the same wheels shares their files, and keeps them when the other release is deleted."""
    folders = sys.modules[tool.build_environment.__module__]
    for name in ("one", "two", "other"):
        put_release(host, name, 0)
        (host.folder(name) / "wheelhouse").mkdir()
        text = "thing==2 --hash=sha256:bb" if name == "other" else "thing==1 --hash=sha256:aa"
        (host.folder(name) / "requirements.txt").write_text(text, encoding="ascii")
    tool.run("/usr/bin/python3", "-m", "venv", "--without-pip", host.folder("one") / "venv")
    [packages] = (host.folder("one") / "venv").glob("lib/*/site-packages")
    (packages / "thing.py").write_text("VALUE = 1", encoding="ascii")
    wanted_by = {name: folders._with_the_same_packages(host, host.folder(name)) for name in ("two", "other")}
    assert wanted_by == {"two": host.folder("one"), "other": None}

    folders.build_environment(host, host.folder("two"))
    shutil.rmtree(host.folder("one"))
    python = host.folder("two") / "venv" / "bin" / "python"
    assert tool.run(python, "-c", "import thing; print(thing.VALUE, thing.__file__)").split() == [
        "1",
        str(host.folder("two") / packages.relative_to(host.folder("one")) / "thing.py"),
    ]
    assert not (host.folder("two") / "wheelhouse").exists()
