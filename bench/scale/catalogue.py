"""The shop's pages over the size of its catalogue: processor time of the web and of the database per page."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import cycle, islice
from pathlib import Path

from flask.testing import FlaskClient
from sqlalchemy import create_engine

from bench.scale.points import MILLISECONDS, Point, processor_seconds, told
from bench.storefront import OWN_PAGE, addresses
from bench.web_server import local_stores
from local.postgres import Cluster, create_database
from local.seed import migrate
from orders.settings import Settings
from webapp import create_app

PAGES = 200


def catalogue(cluster: Cluster, largest: int) -> list[Point]:
    """The shop's pages over the size of its catalogue."""
    points: list[Point] = []
    for size in (10**power for power in range(3, largest + 1)):
        url = filled(cluster, size)
        with ExitStack() as stack:
            environment, _ = local_stores(stack, Path(stack.enter_context(tempfile.TemporaryDirectory())))
            settings = Settings.from_environment({**environment, "CARTWRIGHT_DATABASE_URL": url})
            points += _pages(create_app(settings).test_client(), url, size)
        told(points)
    return points


def filled(cluster: Cluster, size: int) -> str:
    """A database with so many products; returns its URL."""
    name = f"catalogue_{size}"
    create_database(cluster.superuser_dsn(), name)
    url = cluster.url(name)
    migrate(url)
    generate = ["catalog", "generate", "--products", str(size), "--stocked-skus", "0"]
    subprocess.run(
        [sys.executable, "-m", "flask", "--app", "webapp.wsgi", *generate],
        env={**os.environ, "CARTWRIGHT_DATABASE_URL": url},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return url


def _pages(client: FlaskClient, url: str, size: int) -> Iterator[Point]:
    known = addresses(url)
    kinds = {"shelf": known.lists, "product": known.details, "search": known.searches}
    for kind, paths in kinds.items():
        chosen = list(islice(cycle(paths), PAGES))
        for path in chosen[:3]:  # Warm: templates, the tree of categories, connections.
            client.get(path, headers=OWN_PAGE)
        pids = _backends(url)
        before, used = processor_seconds(pids), []
        for path in chosen:
            began = time.process_time()
            answer = client.get(path, headers=OWN_PAGE)
            used.append((time.process_time() - began) * 1000)
            if answer.status_code != 200:
                raise SystemExit(f"{path} answered {answer.status_code}")
        asked = (processor_seconds(pids) - before) * 1000 / len(chosen)
        yield Point("catalogue", f"{kind}, web", size, statistics.median(used), MILLISECONDS)
        yield Point("catalogue", f"{kind}, database", size, asked, MILLISECONDS)


def _backends(url: str) -> list[int]:
    """The database's processes that serve the web."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT pid FROM pg_stat_activity"
            " WHERE application_name = 'cartwright-web' AND datname = current_database()"
        )
        pids = [int(row.pid) for row in found]
    engine.dispose()
    return pids
