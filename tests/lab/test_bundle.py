"""Bundles: the same sources make the same bundle, and nothing unknown gets into one."""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.lab import hosts


@pytest.fixture
def maker() -> Any:
    """ansible/bundle.py."""
    return hosts.bundler()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A tree of sources with one file."""
    (tmp_path / "source" / "program").mkdir(parents=True)
    (tmp_path / "source" / "program" / "__init__.py").write_text('"""A program."""\n', encoding="ascii")
    return tmp_path / "source"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A wheel, as pip would have downloaded it."""
    path = tmp_path / "wheels" / "thing-1.0-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("thing.py", "")
    return path


def kind_of(maker: Any) -> Any:
    return replace(maker.RELEASE, folders=("program",), files=())


def make(maker: Any, source: Path, output: Path, wheels: Path) -> Path:
    """Make a bundle of the tree with the one wheel; no package index is asked."""
    target = maker.Target("3.11", "x86_64")
    kept = maker.wheel_folder(kind_of(maker), target, wheels)
    if not kept.exists():
        kept.mkdir(parents=True)
    made: Path = maker.make(kind_of(maker), target, output, source, wheels)
    return made


def test_the_same_sources_make_the_same_bundle(maker: Any, source: Path, tmp_path: Path) -> None:
    """Byte for byte and under the same name, wherever and whenever it is made."""
    one = make(maker, source, tmp_path / "one", tmp_path / "kept")
    (source / "program" / "__pycache__").mkdir()
    (source / "program" / "__pycache__" / "junk.pyc").write_bytes(b"junk")
    other = make(maker, source, tmp_path / "other", tmp_path / "kept")
    assert one.name == other.name
    assert one.read_bytes() == other.read_bytes()
    said, name = one.with_name(f"{one.name}.sha256").read_text("ascii").split()
    assert (said, name) == (hashlib.sha256(one.read_bytes()).hexdigest(), one.name)


def test_changed_sources_make_a_release_of_another_name(maker: Any, source: Path, tmp_path: Path) -> None:
    """A host never takes a changed release for one that it has."""
    one = make(maker, source, tmp_path / "out", tmp_path / "kept")
    (source / "program" / "__init__.py").write_text('"""Another."""\n', encoding="ascii")
    other = make(maker, source, tmp_path / "out", tmp_path / "kept")
    assert one.name != other.name


def test_a_bundle_says_which_release_it_is_in_its_first_file(
    maker: Any, source: Path, tmp_path: Path
) -> None:
    """The release tool reads it without unpacking the rest."""
    bundle = make(maker, source, tmp_path / "out", tmp_path / "kept")
    with tarfile.open(bundle) as tar:
        names = tar.getnames()
        assert names[0] == "release.json"
        assert "program/__init__.py" in names
        assert {entry.uid for entry in tar} == {0}


def test_a_wheel_that_the_lock_file_does_not_know_is_refused(maker: Any, wheel: Path, tmp_path: Path) -> None:
    """Whatever the index answered: only what was pinned with its hash gets onto a host."""
    lock = tmp_path / "lock.txt"
    lock.write_text("thing==1.0 --hash=sha256:" + "0" * 64, encoding="ascii")
    with pytest.raises(maker.BundleError, match="does not know"):
        maker._pinned([wheel], lock)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    lock.write_text(f"thing==1.0 --hash=sha256:{digest}", encoding="ascii")
    assert maker._pinned([wheel], lock) == f"thing==1.0 --hash=sha256:{digest}\n"
