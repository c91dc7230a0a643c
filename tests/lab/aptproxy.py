"""A caching package proxy on the bridge: the machines' only way out, and only to the mirrors of this machine's apt.

Files of the pool and by-hash indexes never change and are kept for ever; other indexes are asked for each time, and
the stored copy is used when the mirror is away, so that a second run needs no network at all.
Run as `python -m tests.lab.aptproxy ADDRESS PORT FOLDER MIRROR...`.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import http.server
import shutil
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

CHUNK_BYTES = 1 << 20
MIRROR_TIMEOUT_SECONDS = 60
ATTEMPTS = 3
# Nothing of the caller's environment may send the proxy to another proxy.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class PackageStore:
    """The stored files, and how one gets there: once, however many machines ask at the same time."""

    def __init__(self, folder: Path, mirrors: tuple[str, ...]) -> None:
        self._folder = folder
        self._mirrors = tuple(mirror.rstrip("/") + "/" for mirror in mirrors)
        self._locks: dict[Path, threading.Lock] = {}
        self._guard = threading.Lock()

    def fetch(self, url: str) -> tuple[int, Path | None]:
        """A status and, with 200, the file. 403 for what belongs to no mirror, 502 when the mirror is away."""
        if ".." in url or not url.startswith(self._mirrors):
            return 403, None
        path = self._folder / hashlib.sha256(url.encode()).hexdigest()
        with self._guard:
            lock = self._locks.setdefault(path, threading.Lock())
        with lock:
            if path.exists() and ("/pool/" in url or "/by-hash/" in url):
                return 200, path
            status = self._ask_mirror(url, path)
            return (200, path) if status == 200 or (status >= 500 and path.exists()) else (status, None)

    def _ask_mirror(self, url: str, path: Path) -> int:
        """Store a file and say 200, or the status that stands for its not being there. A mirror that stumbles is asked
        again: what stops a download of hundreds of files must be more than one broken connection."""
        status = 502
        for _ in range(ATTEMPTS):
            try:
                self._download(url, path)
            except urllib.error.HTTPError as error:
                status = error.code
                if status < 500:
                    return status
            # A reply that breaks off is an HTTPException and no OSError.
            except (OSError, http.client.HTTPException):
                status = 502
            else:
                return 200
        return status

    def _download(self, url: str, path: Path) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        with DIRECT.open(url, timeout=MIRROR_TIMEOUT_SECONDS) as reply, part.open("wb") as file:
            shutil.copyfileobj(reply, file, CHUNK_BYTES)
            # A connection that ends early looks like the end of the file to whoever reads it piece by piece.
            if reply.length:
                raise OSError(f"{url} broke off {reply.length} bytes before its end")
        part.replace(path)


class Handler(http.server.BaseHTTPRequestHandler):
    """One request of an apt: an absolute URL, as to any HTTP proxy."""

    protocol_version = "HTTP/1.1"
    store: PackageStore

    def do_GET(self) -> None:
        """Answer with the stored file."""
        status, path = self.store.fetch(self.path)
        self.send_response(status)
        self.send_header("Content-Length", str(path.stat().st_size if path else 0))
        self.end_headers()
        if path and self.command == "GET":
            # A machine may be killed while it downloads.
            with path.open("rb") as file, contextlib.suppress(ConnectionError):
                shutil.copyfileobj(file, self.wfile, CHUNK_BYTES)

    do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for.

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing: apt reports what it could not get."""


def main() -> None:
    """Serve until killed; the process holds nothing that could be lost."""
    address, port, folder, *mirrors = sys.argv[1:]
    Handler.store = PackageStore(Path(folder), tuple(mirrors))
    http.server.ThreadingHTTPServer((address, int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main()
