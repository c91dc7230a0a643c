"""What a restore test brought back is examined with the doctor's checks, and a damaged copy does not pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from sqlalchemy import URL, Engine, create_engine, make_url, text
from sqlalchemy.pool import NullPool

from cloudformation.restored import Verdict, examine_book, examine_table, open_restored, report
from local.postgres import Cluster
from orders.adapters.aws import make_client
from orders.adapters.clock import SystemClock
from orders.adapters.dynamodb.inventory import DynamoInventory
from orders.doctor.checks import Finding
from orders.domain.ids import Sku
from orders.settings import Settings

MUG = Sku("MUG-RED")


@pytest.fixture
def book(database_url: str) -> Iterator[Engine]:
    """A restored order book."""
    engine = create_engine(database_url, poolclass=NullPool)
    yield engine
    engine.dispose()


def client(service: str) -> Any:
    """A client whose calls are played."""
    return boto3.client(service, "eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")


def test_an_inventory_that_kept_its_stock_passes(aws_settings: Settings) -> None:
    """Told apart by its key, counted, conserved."""
    dynamodb = make_client("dynamodb", aws_settings)
    inventory = DynamoInventory(dynamodb, aws_settings, SystemClock())
    inventory.set_up_sku(MUG, 1250, "EUR")
    inventory.restock(MUG, 100, "first")
    verdict = examine_table(aws_settings, dynamodb, aws_settings.inventory_table)
    assert (verdict.status, verdict.message) == (
        "SUCCESSFUL",
        "1 SKUs and 0 reservations. Every promise holds.",
    )


def test_an_inventory_that_lost_pieces_fails_and_names_them(aws_settings: Settings) -> None:
    """A counter whose parts do not add up was not copied as it was."""
    dynamodb = make_client("dynamodb", aws_settings)
    inventory = DynamoInventory(dynamodb, aws_settings, SystemClock())
    inventory.set_up_sku(MUG, 1250, "EUR")
    inventory.restock(MUG, 100, "first")
    found = dynamodb.scan(TableName=aws_settings.inventory_table)["Items"]
    counter = next(
        each["pk"] for each in found if each["pk"]["S"].startswith("STOCK#") and "available" in each
    )
    dynamodb.update_item(
        TableName=aws_settings.inventory_table,
        Key={"pk": counter},
        UpdateExpression="ADD available :lost",
        ExpressionAttributeValues={":lost": {"N": "-3"}},
    )
    verdict = examine_table(aws_settings, dynamodb, aws_settings.inventory_table)
    assert verdict.status == "FAILED"
    assert "I1 MUG-RED: received 100" in verdict.message


def test_a_tracking_table_is_read_to_the_end(aws_settings: Settings) -> None:
    """Its key is the order's id."""
    dynamodb = make_client("dynamodb", aws_settings)
    verdict = examine_table(aws_settings, dynamodb, aws_settings.tracking_table)
    assert verdict.message == "0 orders in tracking, each readable. Every promise holds."


def test_a_book_is_read_and_an_unbalanced_ledger_fails(book: Engine) -> None:
    """An order whose money does not add up does not pass; the same book without it does."""
    assert examine_book(book).status == "SUCCESSFUL"
    with book.begin() as connection:
        required = connection.execute(
            text(
                "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'orders'"
                " AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'"
            )
        ).all()
        values = {name: SAMPLES.get(name, BY_TYPE[kind]) for name, kind in required}
        names = ", ".join(values)
        connection.execute(text(f"INSERT INTO orders ({names}) VALUES ({', '.join(values.values())})"))  # noqa: S608
    verdict = examine_book(book)
    assert verdict.status == "FAILED"
    assert "no sale in the ledger" in verdict.message


SAMPLES = {
    "status": "'placed'",
    "payment_status": "'authorised'",
    "fulfilment_status": "'unfulfilled'",
    "currency": "'EUR'",
    "country": "'DE'",
}
BY_TYPE = {
    "uuid": "gen_random_uuid()",
    "character varying": "'x'",
    "text": "'x'",
    "integer": "1",
    "bigint": "1",
    "boolean": "false",
    "timestamp with time zone": "now()",
    "jsonb": "'{}'",
    "json": "'{}'",
    "date": "now()",
}


def test_a_restored_instance_gets_a_password_of_its_own_and_is_waited_for(
    postgres: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The managed secret belongs to the original; the address comes from the instance."""
    monkeypatch.setattr("cloudformation.restored.time.sleep", lambda seconds: None)
    rds = client("rds")
    stub = Stubber(rds)
    name = "awsbackup-restore-test-1"
    given: list[str] = []

    def keep(params: dict[str, Any], **_: Any) -> None:
        given.append(params["MasterUserPassword"])

    rds.meta.events.register("provide-client-params.rds.ModifyDBInstance", keep)
    instance = {"DBInstanceIdentifier": name, "MasterUsername": "u", "Endpoint": {"Address": "there"}}
    stub.add_response("modify_db_instance", {"DBInstance": instance})
    for status in ("modifying", "available"):
        stub.add_response(
            "describe_db_instances",
            {"DBInstances": [{**instance, "DBInstanceStatus": status}]},
            {"DBInstanceIdentifier": name},
        )
    seen: list[tuple[str, str, str]] = []

    def connect(host: str, user: str, password: str) -> URL:
        seen.append((host, user, password))
        return make_url(postgres.url("postgres"))

    with stub:
        open_restored(rds, name, connect)
    assert seen[0] == ("there", "u", given[0])
    assert len(given[0]) >= 24


@pytest.mark.parametrize(
    ("findings", "status"), [([], "SUCCESSFUL"), ([Finding("I1", "x", "lost")], "FAILED")]
)
def test_the_verdict_is_told_to_aws_backup(findings: list[Finding], status: str) -> None:
    """Checked against the service's own model."""
    backup = client("backup")
    with Stubber(backup) as stub:
        verdict = Verdict("1 SKUs", findings)
        stub.add_response(
            "put_restore_validation_result",
            {},
            {"RestoreJobId": "job", "ValidationStatus": status, "ValidationStatusMessage": verdict.message},
        )
        report(backup, "job", verdict)
        stub.assert_no_pending_responses()
