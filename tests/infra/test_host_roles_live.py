"""Least privilege of the hosts, tried: with IAM enforced, what web and worker hosts call is allowed, and each permission
is needed. The calls are made by the product's own adapters, with the very role that 50-web gives the host.

What no local AWS answers for (Session Manager, CodeDeploy's commands, traces, a database's sign-in, logs) is listed with
its reason; tests/infra/test_role_actions.py compares those with the code that calls them.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import boto3
import pytest
from botocore.exceptions import ClientError

from cloudformation.deploy.template import Template
from local.postgres import Cluster, create_database, drop_database
from orders.adapters.aws import make_client
from orders.adapters.clock import SystemClock
from orders.adapters.dynamodb import sparse_index
from orders.adapters.dynamodb.inventory import DynamoInventory
from orders.adapters.dynamodb.tracking import DynamoTracking
from orders.adapters.ses import SesNotifier
from orders.adapters.sns import SnsEvents
from orders.adapters.sqs import QUEUES, SqsOrders, SqsQueue
from orders.doctor.__main__ import open_shop
from orders.doctor.after_restore import DynamoMemory
from orders.doctor.reading import read
from orders.domain.errors import CartwrightError
from orders.domain.ids import OrderId, Sku
from orders.messages import event_to_dict
from orders.ports import EmailMessage
from orders.services.sweep import sweep
from orders.settings import Settings
from tests.order_event_samples import order_event, order_part
from tests.order_samples import order_body, reservation, view
from webapp.clients.order_api import SignedOrderApi
from webapp.console.jobs.quarantine import take_out
from worker.control import remove_from_dlq

from .enforced import ACCOUNT, REGION, EnforcedStage, actions_of, each_action_less

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
LAYER = "50-web"


class Host:
    """What a program on a host works with, made with the role of the host, beside the account's owner."""

    def __init__(self, stage: EnforcedStage, database_url: str) -> None:
        self.stage = stage
        self.settings: Settings = replace(stage.settings, database_url=database_url)
        dynamodb, self.sqs = make_client("dynamodb", self.settings), make_client("sqs", self.settings)
        self.inventory = DynamoInventory(dynamodb, self.settings, SystemClock())
        self.tracking = DynamoTracking(dynamodb, self.settings)
        self.queues = SqsOrders(self.sqs, self.settings)
        self.dynamodb = dynamodb

    def queue(self, name: str, end: str = "queue") -> SqsQueue:
        """One of the stage's queues, or its dead-letter queue (`dlq`)."""
        return SqsQueue(self.sqs, getattr(self.settings, f"{name}_{end}_url"))

    def owner_sends(self, name: str, end: str, body: str) -> None:
        """The owner leaves a message in a queue."""
        url = getattr(self.settings, f"{name}_{end}_url")
        self.stage.cloud.client("sqs").send_message(QueueUrl=url, MessageBody=body)

    def stocked(self) -> Sku:
        """A SKU that nobody asked for before: programs remember what they read."""
        sku = Sku(f"HOST-{uuid.uuid4().hex[:8].upper()}")
        self.stage.inventory.set_up_sku(sku, 1250, "EUR")
        self.stage.inventory.restock(sku, 20, f"for {sku}")
        return sku

    def placed(self, *, ago: timedelta = timedelta()) -> tuple[OrderId, Sku]:
        """An accepted order of two pieces."""
        sku = self.stocked()
        wish = reservation([(sku, 2, 1250)], at=datetime.now(UTC) - ago)
        self.stage.inventory.reserve(wish, view(wish.order_id))
        return wish.order_id, sku


def takes_jobs(host: Host) -> None:
    """Receive, hide, delete and send again, on each queue of the worker's."""
    for name in ("orders", "high", "low"):
        body = uuid.uuid4().hex
        host.queues.send_many([body], queue=name)
        queue, seen = host.queue(name), []
        while body not in seen:
            received = queue.receive(10, 0, 30)
            seen += [each.body for each in received]
            handles = [each.handle for each in received]
            assert handles
            assert not queue.change_visibility_many(handles, 60)
            assert not queue.delete_many(handles)
        queue.depth()


def sets_aside_and_replays(host: Host) -> None:
    """Quarantine, and what `worker requeue` does."""
    for name in ("orders", "high", "low"):
        body, other = uuid.uuid4().hex, uuid.uuid4().hex
        dead = host.queue(name, "dlq")
        dead.send(body)
        host.owner_sends(name, "dlq", other)
        assert remove_from_dlq(dead, {"a": body}) == 1
        assert remove_from_dlq(dead, {"a": other}) == 1


def settles_stock(host: Host) -> None:
    """Every movement of an order, and the book's tracking view of it."""
    order_id, sku = host.placed()
    host.inventory.confirm(order_id)
    host.inventory.reduce(order_id, f"edit {order_id}", {sku: 1})
    host.inventory.ship(order_id, f"parcel {order_id}", {sku: 1})
    host.inventory.take_back(order_id, f"return {order_id}", {sku: 1})
    assert host.tracking.project(view(order_id, 5))
    cancelled, _ = host.placed()
    host.inventory.release(cancelled)


def announces(host: Host) -> None:
    """What happened goes to the topic."""
    topic = SnsEvents(make_client("sns", host.settings), host.settings)
    topic.publish([event_to_dict(order_event(), order_part())])


def examines_and_mends(host: Host) -> None:
    """The doctor reads every store; what was left behind is sent."""
    order_id, _ = host.placed(ago=timedelta(minutes=30))
    stores, tools = open_shop(host.settings)
    try:
        assert order_id in read(stores).reservations
        swept = sweep(inventory=tools.inventory, queue=tools.queue, clock=tools.clock, sweep_after_seconds=0)
    finally:
        stores.engine.dispose()
    assert swept.sent >= 1
    assert tools.inventory.find_reservation(order_id) is not None


def finds_one_among_many(host: Host) -> None:
    """More orders wait than one call reads (here: than one): each shard is asked."""
    order_id, _ = host.placed(ago=timedelta(minutes=30))
    with patch.object(sparse_index, "_ONE_PAGE", 1):
        waiting = host.inventory.unsent(datetime.now(UTC), 500)
    assert order_id in [each.order_id for each in waiting]


def forgets_lost_orders(host: Host) -> None:
    """What orders.doctor.after_restore does to an order that the restored book lacks."""
    order_id, _ = host.placed()
    memory = DynamoMemory(host.dynamodb, host.settings)
    memory.forget_view(order_id)
    memory.forget_reservation(order_id)


def shows_and_moves_stock(host: Host) -> None:
    """The shop's availability, and the console's stock pages."""
    order_id, sku = host.placed()
    host.inventory.restock(sku, 3, f"console {sku}")
    host.inventory.adjust(sku, -1, f"console {sku}")
    host.inventory.set_price(sku, 1300)
    host.inventory.set_up_sku(sku, 1300, "EUR", counters=2)
    assert host.inventory.levels([sku])[sku].available == 20
    assert any(level.sku == sku for level in host.inventory.all_levels())
    assert host.inventory.find_reservation(order_id) is not None


def shows_tracking(host: Host) -> None:
    """One order's page, and the pages that stream."""
    order_id, _ = host.placed()
    assert host.tracking.get(order_id) is not None
    assert order_id in host.tracking.get_many([order_id])


def queues_jobs_and_sees_backlogs(host: Host) -> None:
    """The console sends jobs and replays, and its dashboard counts."""
    for name in QUEUES:
        host.queues.send("{}", queue=name)
        host.queue(name).depth()


def reviews_dead_letters(host: Host) -> None:
    """The console takes a dead letter out, of any queue."""
    for name in QUEUES:
        message_id = uuid.uuid4().hex
        url = getattr(host.settings, f"{name}_dlq_url")
        SqsQueue(host.stage.cloud.client("sqs"), url).send("{}", attributes={"quarantine_id": message_id})
        host.queue(name, "dlq").depth()
        assert take_out(host.queue(name, "dlq"), message_id)


def sends_account_mail(host: Host) -> None:
    """A link for a forgotten password."""
    notifier = SesNotifier(make_client("sesv2", host.settings), None, host.settings)
    assert notifier.send_email(EmailMessage("ada@example.org", "Hello", "text", "<p>html</p>"))


def places_an_order(host: Host) -> None:
    """Checkout's call of the order API, signed with the role."""
    body = order_body([(host.stocked(), 1, 1250)])
    api = SignedOrderApi(replace(host.settings, order_api_timeout_seconds=4.0))
    assert api.submit(OrderId(str(body["order_id"])), json.dumps(body))
    assert api.find(OrderId(str(body["order_id"]))) is not None


def reads_settings(host: Host) -> None:
    """What read_settings.py asks before each start; the laptop's stage has no secrets (see test_payment_ways.py)."""
    session = boto3.Session(region_name=REGION)
    ssm = session.client("ssm", endpoint_url=host.stage.endpoint)
    pages = list(ssm.get_paginator("get_parameters_by_path").paginate(Path="/cartwright/local/"))
    assert pages[0]["Parameters"]


def fetches_bundles(host: Host) -> None:
    """User data and CodeDeploy's agent."""
    s3 = boto3.Session(region_name=REGION).client("s3", endpoint_url=host.stage.endpoint)
    bucket = host.stage.resource("cartwright-local-bootstrap", "ArtefactBucket")
    for key in ("hosts/x.tar.gz", "releases/x.tar.gz"):
        version = host.stage.cloud.client("s3").put_object(Bucket=bucket, Key=key, Body=b"x")["VersionId"]
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"x"
        assert s3.get_object(Bucket=bucket, Key=key, VersionId=version)["Body"].read() == b"x"


Deed = Callable[[Host], None]
EITHER: list[Deed] = [reads_settings, fetches_bundles]
WORKER: list[Deed] = [
    takes_jobs,
    sets_aside_and_replays,
    settles_stock,
    announces,
    examines_and_mends,
    finds_one_among_many,
]
WEB: list[Deed] = [
    shows_and_moves_stock,
    shows_tracking,
    queues_jobs_and_sees_backlogs,
    reviews_dead_letters,
    sends_account_mail,
    places_an_order,
]


class Hosts:
    """The hosts' roles on the enforcing AWS, and a database for what reads the book."""

    def __init__(self, stage: EnforcedStage, template: Template, database_url: str) -> None:
        self.stage, self.database_url = stage, database_url
        self.stack = stage.make_roles(template, {"MailIdentity": "cartwright.example"})
        self.roles = {name: stage.resource(self.stack, f"{name}Role") for name in ("Web", "Worker")}
        for role in self.roles.values():
            name, document = stage.policy_of(role)
            stage.put_policy(role, name, document)

    def refused(self, part: str, deeds: list[Deed]) -> list[str]:
        """The deeds that the role may not do."""
        with self.stage.as_role(self.roles[part]):
            host = Host(self.stage, self.database_url)
            return [refusal for deed in deeds if (refusal := _refusal(deed, host))]

    def is_refused_any(self, part: str, deeds: list[Deed]) -> bool:
        """Whether the role may not do one of them; the rest is not tried any more."""
        with self.stage.as_role(self.roles[part]):
            host = Host(self.stage, self.database_url)
            return any(_refusal(deed, host) for deed in deeds)


def _refusal(deed: Deed, host: Host) -> str:
    """Why a deed was refused, empty when it was done. Whatever else goes wrong is a failure of the test."""
    try:
        deed(host)
    except (CartwrightError, ClientError) as error:
        words = f"{deed.__name__}: {error} {error.__cause__ or ''}"
        assert "AccessDenied" in words or "not authorized" in words or "403" in words, words
        return words
    return ""


@pytest.fixture(scope="module")
def hosts(
    enforced: EnforcedStage, templates: dict[str, Template], postgres: Cluster, migrated_template: str
) -> Iterator[Hosts]:
    """The roles, and a database of their own."""
    create_database(postgres.superuser_dsn(), "host_roles", migrated_template)
    yield Hosts(enforced, templates[LAYER], postgres.url("host_roles"))
    drop_database(postgres.superuser_dsn(), "host_roles")


def test_a_worker_hosts_role_suffices(hosts: Hosts) -> None:
    """Jobs, quarantine, stock, events, the doctor."""
    assert hosts.refused("Worker", [*EITHER, *WORKER]) == []


def test_a_web_hosts_role_suffices(hosts: Hosts) -> None:
    """The shop, the console, account mail, checkout."""
    assert hosts.refused("Web", [*EITHER, *WEB]) == []


def test_neither_may_forget_an_order_until_a_person_lets_the_worker_do_so(hosts: Hosts) -> None:
    """The policy for a restore belongs to no role; attached, it is all that after_restore lacks."""
    iam, worker = hosts.stage.cloud.client("iam"), hosts.roles["Worker"]
    assert hosts.refused("Web", [forgets_lost_orders])
    assert hosts.refused("Worker", [forgets_lost_orders])
    policy = hosts.stage.resource(hosts.stack, "RecoveryPolicy")
    assert policy.startswith(f"arn:aws:iam::{ACCOUNT}:policy/")
    iam.attach_role_policy(RoleName=worker, PolicyArn=policy)
    try:
        assert hosts.refused("Worker", [forgets_lost_orders, examines_and_mends]) == []
    finally:
        iam.detach_role_policy(RoleName=worker, PolicyArn=policy)
    assert hosts.refused("Worker", [forgets_lost_orders])


@pytest.mark.parametrize(("part", "deeds"), [("Worker", WORKER), ("Web", WEB)])
def test_one_action_less_and_something_is_refused(hosts: Hosts, part: str, deeds: list[Deed]) -> None:
    """No permission is there for nothing."""
    role = hosts.roles[part]
    name, document = hosts.stage.policy_of(role)
    needless = []
    try:
        for action, fewer in each_action_less(document, set()):
            hosts.stage.put_policy(role, name, fewer)
            if not hosts.is_refused_any(part, deeds):
                needless.append(action)
    finally:
        hosts.stage.put_policy(role, name, document)
    assert needless == []
    assert sum(len(actions_of(each)) for each in document["Statement"]) > 10
