"""The deployer against a running local AWS: deploy, repeat, change, fail, resume, destroy."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloudformation.deploy import changesets, records, stacks
from cloudformation.deploy.cloud import Cloud
from cloudformation.deploy.destroy import destroy_stage
from cloudformation.deploy.drift import drift_of
from cloudformation.deploy.errors import DeployError, StackFailed, TemplateError, UnsafeChange
from cloudformation.deploy.stage import Deployment, deploy_stage
from cloudformation.deploy.stages import load_stage
from orders.settings import Settings

from .conftest import REGION, write_handler

LAYERS = list(load_stage("local").layers)


class Run:
    """Deploys a copied project to the local AWS and keeps what was reported."""

    def __init__(self, endpoint: str, root: Path) -> None:
        self.endpoint = endpoint
        self.root = root
        self.cloud = Cloud(REGION, endpoint, patience_seconds=60)
        self.lines: list[str] = []

    def deploy(self, **options: Any) -> dict[str, str]:
        """Deploy the local stage; the settings it returns."""
        self.lines.clear()
        return deploy_stage(
            "local",
            region=REGION,
            endpoint_url=self.endpoint,
            report=self.lines.append,
            root=self.root,
            **options,
        )

    def deployment(self) -> Deployment:
        """A deployment of the local stage, for the commands other than apply."""
        return Deployment.of("local", REGION, self.endpoint, self.lines.append, self.root)

    def edit(self, layer: str, change: Callable[[str], str]) -> None:
        """Change the text of a template."""
        path = self.root / "cloudformation" / f"{layer}.yaml"
        before = path.read_text("utf-8")
        after = change(before)
        assert after != before, "the edit must change something"
        path.write_text(after, "utf-8")

    def add_resource(self, layer: str, text: str) -> None:
        """Add a resource to a template."""
        self.edit(layer, lambda body: body.replace("Resources:\n", f"Resources:\n{text}\n", 1))


@pytest.fixture
def run(empty_aws: str, project: Path) -> Run:
    """An empty local AWS and a project to deploy to it."""
    return Run(empty_aws, project)


def test_the_first_deployment_makes_every_layer_and_returns_the_settings(run: Run) -> None:
    """All four layers in order, and what the programs need to find them."""
    settings = run.deploy()
    assert [line.split(":")[0] for line in run.lines if "to add" in line] == LAYERS
    parsed = Settings.from_environment({"AWS_REGION": REGION, **settings})
    cloud = run.cloud
    for table in (parsed.inventory_table, parsed.tracking_table):
        assert cloud.client("dynamodb").describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE"
    for url in (
        parsed.orders_queue_url,
        parsed.high_queue_url,
        parsed.low_queue_url,
        parsed.notify_queue_url,
    ):
        attributes = cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])[
            "Attributes"
        ]
        assert json.loads(attributes["RedrivePolicy"])["maxReceiveCount"] == 5
    assert parsed.order_api_url.startswith(f"{run.endpoint}/_aws/execute-api/")
    cloud.client("sns").get_topic_attributes(TopicArn=parsed.order_events_topic_arn)


def test_what_the_local_cloudformation_drops_is_set_all_the_same(run: Run) -> None:
    """Time to live, point-in-time recovery and request validation work on a laptop as on AWS."""
    settings = run.deploy()
    dynamodb = run.cloud.client("dynamodb")
    tracking, inventory = settings["CARTWRIGHT_TRACKING_TABLE"], settings["CARTWRIGHT_INVENTORY_TABLE"]
    ttl = dynamodb.describe_time_to_live(TableName=tracking)["TimeToLiveDescription"]
    assert (ttl["TimeToLiveStatus"], ttl["AttributeName"]) == ("ENABLED", "expires_at")
    backups = dynamodb.describe_continuous_backups(TableName=inventory)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    gateway = run.cloud.client("apigateway")
    api = settings["CARTWRIGHT_ORDER_API_URL"].split("/")[-2]
    submit = next(item for item in gateway.get_resources(restApiId=api)["items"] if item["path"] == "/orders")
    method = gateway.get_method(restApiId=api, resourceId=submit["id"], httpMethod="POST")
    assert method["requestValidatorId"]
    assert method["authorizationType"] == "AWS_IAM"


def test_the_second_deployment_touches_nothing(run: Run) -> None:
    """No change set is made, so no new event appears on any stack."""
    first = run.deploy()
    before = {name: stacks.latest_event(run.cloud, name) for name in _stack_names(run)}
    assert run.deploy() == first
    assert run.lines == [f"{layer}: unchanged" for layer in LAYERS]
    assert {name: stacks.latest_event(run.cloud, name) for name in _stack_names(run)} == before


def test_a_changed_parameter_updates_its_layer_only(run: Run) -> None:
    """The other layers are left alone; the new value arrives in the function and in SSM."""
    run.deploy()
    settings = run.deploy(parameters={"40-orders": {"PublicUrl": "http://127.0.0.1:9999"}})
    assert settings["CARTWRIGHT_PUBLIC_URL"] == "http://127.0.0.1:9999"
    assert run.lines[: LAYERS.index("40-orders")] == [
        f"{layer}: unchanged" for layer in LAYERS if layer < "40"
    ]
    assert any(line.startswith("  ~ NotifyCustomerFunction") for line in run.lines)
    config = _function(run, "NotifyCustomer", "live")
    assert config["Environment"]["Variables"]["CARTWRIGHT_PUBLIC_URL"] == "http://127.0.0.1:9999"


def test_changed_code_is_published_and_served_by_the_alias(run: Run) -> None:
    """The alias moves to a new version; the version before it stays, to go back to."""
    run.deploy()
    before = _function(run, "GetOrder", "live")["Version"]
    untouched = _function(run, "Sweep", "live")["Version"]
    write_handler(run.root, "get_order", "second")
    run.deploy()
    after = _function(run, "GetOrder", "live")
    assert int(after["Version"]) == int(before) + 1
    assert _function(run, "Sweep", "live")["Version"] == untouched
    answer = run.cloud.client("lambda").invoke(FunctionName=f"{after['FunctionName']}:live", Payload=b"{}")
    assert json.loads(json.loads(answer["Payload"].read())["body"]) == "second"
    assert _function(run, "GetOrder", before)["CodeSha256"] != after["CodeSha256"]


def test_a_failed_update_is_rolled_back_and_the_first_real_cause_is_told(run: Run) -> None:
    """The layer works as before, and the message names the resource that failed and why."""
    run.deploy()
    before = run.cloud.client("ssm").get_parameter(Name="/cartwright/local/inventory-table")["Parameter"][
        "Value"
    ]
    run.cloud.client("ssm").put_parameter(Name="/cartwright/local/taken", Value="by somebody", Type="String")
    run.edit(
        "20-data",
        lambda text: text.replace('Description: "Name of the tracking table."', 'Description: "Changed."', 1),
    )
    run.add_resource("20-data", _parameter_resource("Planted", "taken"))
    with pytest.raises(StackFailed) as failure:
        run.deploy()
    assert "Planted (AWS::SSM::Parameter)" in failure.value.cause
    assert "taken" in failure.value.cause or "AlreadyExists" in failure.value.cause
    assert failure.value.status == "UPDATE_ROLLBACK_COMPLETE"
    now = run.cloud.client("ssm").get_parameter(Name="/cartwright/local/inventory-table")["Parameter"][
        "Value"
    ]
    assert now == before


def test_after_a_failed_first_deployment_the_next_one_starts_over(run: Run) -> None:
    """A stack in ROLLBACK_COMPLETE can only be removed; the deployer does it and says so."""
    run.cloud.client("ssm").put_parameter(
        Name="/cartwright/local/tracking-table", Value="taken", Type="String"
    )
    with pytest.raises(StackFailed, match="TrackingTableSetting"):
        run.deploy()
    assert stacks.describe(run.cloud, "cartwright-local-data").status == "ROLLBACK_COMPLETE"
    run.cloud.client("ssm").delete_parameter(Name="/cartwright/local/tracking-table")
    settings = run.deploy()
    assert "cartwright-local-data: removing what a failed create left behind" in run.lines
    assert settings["CARTWRIGHT_TRACKING_TABLE"]


def test_a_run_that_was_killed_before_it_executed_its_change_set_is_resumed(run: Run) -> None:
    """A stack left in REVIEW_IN_PROGRESS is taken up, not tripped over."""
    deployment = run.deployment()
    template = deployment.templates()[0]
    state = stacks.StackState(template.stack_name("local"))
    changesets.create(run.cloud, template.layer, state, json.dumps(template.body), {"Stage": "local"}, {})
    assert stacks.describe(run.cloud, state.name).status == "REVIEW_IN_PROGRESS"
    run.deploy()
    assert stacks.describe(run.cloud, state.name).status == "CREATE_COMPLETE"


def test_a_plan_changes_nothing_and_names_what_would_change(run: Run) -> None:
    """On an empty account, on a deployed one, and after an edit."""
    fresh = run.deployment().plan(None)
    assert [plan.layer for plan in fresh] == LAYERS
    assert stacks.describe_all(run.cloud, "cartwright-local-") == {}
    run.deploy()
    assert [plan.lines() for plan in run.deployment().plan(None)] == [
        [f"{plan.layer}: no changes"] for plan in fresh
    ]
    run.add_resource("20-data", _parameter_resource("Extra", "extra"))
    plan = next(plan for plan in run.deployment().plan(["data"]))
    assert [str(change) for change in plan.changes] == ["+ Extra  AWS::SSM::Parameter"]
    assert run.deployment().plan(["data"])[0].changes == plan.changes


def test_data_is_not_removed_unless_it_is_named(run: Run) -> None:
    """Deleting a table from the template stops the deployment; the table and its rows stay either way."""
    run.deploy()
    run.add_resource("30-messaging", _SPARE_QUEUE)
    run.deploy()
    spare = next(url for url in run.cloud.client("sqs").list_queues()["QueueUrls"] if "SpareQueue" in url)
    run.edit("30-messaging", lambda text: text.replace(_SPARE_QUEUE, "", 1))
    with pytest.raises(UnsafeChange, match="--allow-replace 30-messaging/SpareQueue"):
        run.deploy()
    assert stacks.describe(run.cloud, "cartwright-local-messaging").status == "UPDATE_COMPLETE"
    run.deploy(allow_replace=["30-messaging/SpareQueue"])
    assert any(line.startswith("  - SpareQueue") and "DATA" in line for line in run.lines)
    assert spare in run.cloud.client("sqs").list_queues()["QueueUrls"]


def test_destroying_asks_for_the_name_keeps_data_and_can_be_followed_by_a_deployment(run: Run) -> None:
    """The stacks go, the tables and queues stay with what they hold, and do not stand in the next deployment's way."""
    settings = run.deploy()
    low = settings["CARTWRIGHT_LOW_QUEUE_URL"]
    sqs = run.cloud.client("sqs")
    sqs.send_message(QueueUrl=low, MessageBody="kept")
    with pytest.raises(DeployError, match="not typed"):
        destroy_stage(run.deployment(), lambda question: "yes")
    kept = destroy_stage(run.deployment(), lambda question: "local")
    assert stacks.describe_all(run.cloud, "cartwright-local-") == {}
    assert records.read_settings(run.cloud, "local") == {}
    assert ("AWS::DynamoDB::Table", settings["CARTWRIGHT_INVENTORY_TABLE"]) in kept
    again = run.deploy()
    assert again["CARTWRIGHT_LOW_QUEUE_URL"] != low
    received = sqs.receive_message(QueueUrl=low, WaitTimeSeconds=5)
    assert [message["Body"] for message in received["Messages"]] == ["kept"]


def test_destroying_with_the_data_leaves_nothing(run: Run) -> None:
    """For a trial stage that nobody needs any more."""
    run.deploy()
    assert destroy_stage(run.deployment(), lambda question: "local", delete_data=True) == []
    assert run.cloud.client("dynamodb").list_tables()["TableNames"] == []
    assert run.cloud.client("sqs").list_queues().get("QueueUrls", []) == []
    assert run.cloud.client("s3").list_buckets()["Buckets"] == []


def test_what_was_changed_by_hand_is_reported_as_drift(run: Run) -> None:
    """And nothing is, right after a deployment."""
    settings = run.deploy(only=["bootstrap", "data", "messaging"])
    assert [drift for drift in drift_of(run.deployment()) if drift.type == "AWS::SQS::Queue"] == []
    run.cloud.client("sqs").set_queue_attributes(
        QueueUrl=settings["CARTWRIGHT_LOW_QUEUE_URL"], Attributes={"VisibilityTimeout": "77"}
    )
    drifted = [drift for drift in drift_of(run.deployment()) if drift.logical_id == "LowQueue"]
    assert [drift.status for drift in drifted] == ["MODIFIED"]


def test_the_local_stage_is_never_sent_to_aws() -> None:
    """Without the local AWS's address there is nothing it may talk to."""
    with pytest.raises(TemplateError, match="never goes to AWS"):
        deploy_stage("local", region=REGION, endpoint_url=None)


_SPARE_QUEUE = """  SpareQueue:
    Type: AWS::SQS::Queue
    DeletionPolicy: RetainExceptOnCreate
    UpdateReplacePolicy: Retain
"""


def _parameter_resource(logical_id: str, name: str) -> str:
    return (
        f"  {logical_id}:\n    Type: AWS::SSM::Parameter\n    Properties:\n"
        f"      Name: /cartwright/local/{name}\n      Type: String\n      Value: ours\n"
    )


def _stack_names(run: Run) -> list[str]:
    return sorted(stacks.describe_all(run.cloud, "cartwright-local-"))


def _function(run: Run, name: str, qualifier: str) -> dict[str, Any]:
    outputs = stacks.describe(run.cloud, "cartwright-local-orders").outputs or {}
    answer = run.cloud.client("lambda").get_function(
        FunctionName=outputs[f"{name}FunctionName"], Qualifier=qualifier
    )
    configuration: dict[str, Any] = answer["Configuration"]
    return configuration
