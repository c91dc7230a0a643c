"""Tables, queues and a topic for one test, with the properties that the project's own templates give them.

A test that needs the whole stack deploys it; most need only the resources, in milliseconds and with names of their own.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import yaml

from orders.settings import Settings

TEMPLATES = Path(__file__).parent.parent / "cloudformation"
QUEUES = ("orders", "high", "low", "notify")


class _CloudFormationLoader(yaml.SafeLoader):
    """Reads the short forms (!Ref, !Sub, ...) as plain data; the tests below read only literal properties."""


_CloudFormationLoader.add_multi_constructor(
    "!", lambda loader, tag, node: {tag: getattr(node, "value", None) and str(node.value)}
)


@cache
def template(name: str) -> dict[str, Any]:
    """A template as plain data."""
    loaded: dict[str, Any] = yaml.load((TEMPLATES / f"{name}.yaml").read_text("utf-8"), _CloudFormationLoader)  # noqa: S506
    return loaded


def _table(logical_id: str) -> dict[str, Any]:
    properties = template("20-data")["Resources"][logical_id]["Properties"]
    wanted = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    return {key: properties[key] for key in wanted if key in properties}


@cache
def _clients(region: str, endpoint_url: str) -> tuple[Any, Any, Any]:
    """Made once per test process: making one takes longer than creating every table and queue with it."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=region)
    dynamodb, sqs, sns = (
        session.client(service, endpoint_url=endpoint_url) for service in ("dynamodb", "sqs", "sns")
    )
    return dynamodb, sqs, sns


def create_resources(settings: Settings, prefix: str) -> dict[str, str]:
    """Create everything for one test and return the Settings fields that name it."""
    dynamodb, sqs, sns = _clients(settings.aws_region, settings.aws_endpoint_url)
    fields: dict[str, str] = {}
    for name, logical_id in (("inventory", "InventoryTable"), ("tracking", "TrackingTable")):
        fields[f"{name}_table"] = f"{prefix}-{name}"
        dynamodb.create_table(TableName=f"{prefix}-{name}", **_table(logical_id))
    for queue in QUEUES:
        dead = sqs.create_queue(QueueName=f"{prefix}-{queue}-dlq")["QueueUrl"]
        dead_arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 5})
        attributes = {"RedrivePolicy": redrive, "VisibilityTimeout": "6"}
        fields[f"{queue}_queue_url"] = sqs.create_queue(QueueName=f"{prefix}-{queue}", Attributes=attributes)[
            "QueueUrl"
        ]
        fields[f"{queue}_dlq_url"] = dead
    topic = sns.create_topic(Name=f"{prefix}-events")["TopicArn"]
    notify_arn = sqs.get_queue_attributes(QueueUrl=fields["notify_queue_url"], AttributeNames=["QueueArn"])
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=notify_arn["Attributes"]["QueueArn"],
        Attributes={"RawMessageDelivery": "true"},
    )
    fields["order_events_topic_arn"] = topic
    return fields
