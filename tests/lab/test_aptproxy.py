"""The package proxy of the lab: what it stores is whole, and a mirror that stumbles stops nobody."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.aptproxy import PackageStore

PACKAGE = b"a package\n" * 100


class Mirror(http.server.BaseHTTPRequestHandler):
    """A mirror that answers by a script: "break" off in the middle, an error's number, or the package."""

    script: list[str]

    def do_GET(self) -> None:
        """The next answer."""
        answer = self.script.pop(0) if self.script else "package"
        self.send_response(int(answer) if answer.isdigit() else 200)
        self.send_header("Content-Length", str(0 if answer.isdigit() else len(PACKAGE)))
        self.end_headers()
        if not answer.isdigit():
            self.wfile.write(PACKAGE if answer == "package" else PACKAGE[:100])

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def mirror() -> Iterator[str]:
    """The mirror's address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/debian/"
    server.shutdown()
    thread.join()
    server.server_close()


def fetched(folder: Path, mirror: str, name: str, *script: str) -> tuple[int, bytes | None]:
    """What the store answers when the mirror answers by the script."""
    Mirror.script = list(script)
    status, path = PackageStore(folder, (mirror,)).fetch(f"{mirror}{name}")
    return status, path.read_bytes() if path else None


def test_a_reply_that_breaks_off_is_asked_for_again_and_never_stored(tmp_path: Path, mirror: str) -> None:
    """Half of a package, kept for ever, would spoil each run from then on."""
    assert fetched(tmp_path, mirror, "pool/a.deb", "break", "503") == (200, PACKAGE)
    assert fetched(tmp_path, mirror, "pool/b.deb", "break", "break", "break") == (502, None)
    assert fetched(tmp_path, mirror, "pool/b.deb") == (200, PACKAGE)


def test_an_index_is_answered_from_the_store_when_the_mirror_fails(tmp_path: Path, mirror: str) -> None:
    """And a package is not asked for twice."""
    assert fetched(tmp_path, mirror, "dists/Release", "503", "503", "503") == (503, None)
    assert fetched(tmp_path, mirror, "dists/Release") == (200, PACKAGE)
    assert fetched(tmp_path, mirror, "dists/Release", "503", "503", "503") == (200, PACKAGE)
    assert fetched(tmp_path, mirror, "dists/Release", "404") == (404, None)
    assert fetched(tmp_path, mirror, "pool/c.deb") == (200, PACKAGE)
    assert fetched(tmp_path, mirror, "pool/c.deb", "404") == (200, PACKAGE)


def test_nothing_but_the_mirrors_is_asked(tmp_path: Path, mirror: str) -> None:
    """No machine reaches anything else through it."""
    assert fetched(tmp_path, mirror, "../elsewhere") == (403, None)
    store = PackageStore(tmp_path, (mirror,))
    assert store.fetch("http://127.0.0.1:1/debian/pool/a.deb") == (403, None)
