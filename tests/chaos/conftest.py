"""Shops for the chaos tests: each fault has one of its own, so that all of them can be waited for at once."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from email.utils import parseaddr

import pytest

from local.aws import LocalAws
from local.postgres import Cluster, create_database, drop_database
from orders.adapters.aws import make_client
from orders.settings import Settings
from tests.aws_resources import create_resources
from tests.chaos.shop import ChaosShop

OpenShop = Callable[[str], AbstractContextManager[ChaosShop]]


def verify_sender(settings: Settings) -> None:
    """SES sends for verified domains only."""
    ses = make_client("sesv2", settings)
    domain = parseaddr(settings.mail_sender)[1].partition("@")[2]
    with contextlib.suppress(ses.exceptions.AlreadyExistsException):
        ses.create_email_identity(EmailIdentity=domain)


@pytest.fixture(scope="session")
def open_chaos_shop(
    postgres: Cluster, migrated_template: str, aws: LocalAws, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OpenShop]:
    """Opens a shop; may be called from several threads."""
    # Two copies of one template at the same moment would find it in use.
    one_at_a_time = threading.Lock()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws.client_environment().items():
            patch.setenv(name, value)

        verify_sender(Settings(aws_region=aws.region, aws_endpoint_url=aws.endpoint_url))

        @contextmanager
        def open_one(name: str) -> Iterator[ChaosShop]:
            database = f"chaos_{uuid.uuid4().hex[:12]}"
            settings = Settings(aws_region=aws.region, aws_endpoint_url=aws.endpoint_url)
            with one_at_a_time:
                create_database(postgres.superuser_dsn(), database, migrated_template)
                named = create_resources(settings, prefix=f"c{uuid.uuid4().hex[:10]}")
            settings = replace(settings, **named, database_url=postgres.url(database))
            shop = ChaosShop(settings, aws, tmp_path_factory.mktemp(name.replace(".", "-")))
            try:
                yield shop
            finally:
                shop.close()
                drop_database(postgres.superuser_dsn(), database)

        yield open_one
