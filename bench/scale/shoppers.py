"""One web process, asked by ever more shoppers at once: its processor time per page."""

from __future__ import annotations

import http.client
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import cycle, islice
from pathlib import Path

from bench.scale.catalogue import filled
from bench.scale.points import MILLISECONDS, Point, processor_seconds
from bench.storefront import OWN_PAGE, addresses
from bench.web_server import gunicorn, local_stores
from local.postgres import Cluster

SHOPPERS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
SECONDS = 3.0


def shoppers(cluster: Cluster) -> list[Point]:
    """One web process, asked by ever more shoppers at once for pages of their own."""
    url = filled(cluster, 1000)
    with ExitStack() as stack:
        environment, _ = local_stores(stack, Path(stack.enter_context(tempfile.TemporaryDirectory())))
        server = stack.enter_context(
            gunicorn("webapp.wsgi:app", {**environment, "CARTWRIGHT_DATABASE_URL": url})
        )
        paths = addresses(url).lists
        _crowd(server.port, paths, 4)
        points = []
        for count in SHOPPERS:
            before = processor_seconds(server.processes())
            answered = _crowd(server.port, paths, count)
            used = processor_seconds(server.processes()) - before
            points.append(Point("shoppers", "shelf", count, used * 1000 / answered, MILLISECONDS))
    return points


def _crowd(port: int, paths: Sequence[str], count: int) -> int:
    """Let so many ask for a while, each as soon as it has its answer; returns how many answers there were."""
    answers: list[int] = []
    ends_at = time.monotonic() + SECONDS

    def ask(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        for path in islice(cycle(paths), number, None):
            if time.monotonic() > ends_at:
                break
            connection.request("GET", path, headers=OWN_PAGE)
            answer = connection.getresponse()
            answer.read()
            answers.append(answer.status)
        connection.close()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong := set(answers) - {200}:
        raise SystemExit(f"pages answered {wrong}")
    return len(answers)
