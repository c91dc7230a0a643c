"""The shortcut through the local AWS gives the answers of the long way."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPMessage
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.aws import LocalAws

DYNAMODB, SQS = "DynamoDB_20120810.", "AmazonSQS."
SHORT, LONG = "/", "/?way=long"
"""ministack heeds no query of such a call; the shortcut leaves whatever has one alone."""
RANDOM = {"MessageId"}

KEY = {"pk": {"S": "ORDER#1"}}
ITEM = {**KEY, "state": {"S": "reserved"}, "shard": {"S": "3"}, "at": {"N": "12.50"}, "note": {"S": "Käse"}}
NEW_ONLY = {
    "ConditionExpression": "attribute_not_exists(pk)",
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}


def call(
    aws: LocalAws, path: str, target: str, body: object, region: str = "eu-west-1"
) -> tuple[int, HTTPMessage, Any]:
    """One raw call: status, headers and what the body says."""
    connection = HTTPConnection(urlsplit(aws.endpoint_url).netloc, timeout=60)
    credential = f"test/20261123/{region}/any/aws4_request"
    headers = {
        "X-Amz-Target": target,
        "Content-Type": "application/x-amz-json-1.0",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0",
    }
    sent = body if isinstance(body, str) else json.dumps(body)
    try:
        connection.request("POST", path, sent.encode(), headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, json.loads(answer.read() or b"null")
    finally:
        connection.close()


@pytest.fixture
def shop(aws: LocalAws) -> LocalAws:
    """A table with one item and a sparse index, and a queue; the same names in another region, empty."""
    table = {
        "TableName": "shortcut",
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "shard")],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "sparse",
                "KeySchema": [{"AttributeName": "shard", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    }
    for region in ("eu-west-1", "us-west-2"):
        call(aws, LONG, f"{DYNAMODB}CreateTable", table, region)
        call(aws, LONG, f"{SQS}CreateQueue", {"QueueName": "shortcut"}, region)
    call(aws, LONG, f"{DYNAMODB}PutItem", {"TableName": "shortcut", "Item": ITEM})
    return aws


CALLS: dict[str, tuple[str, object]] = {
    "get": (f"{DYNAMODB}GetItem", {"TableName": "shortcut", "Key": KEY, "ConsistentRead": True}),
    "get nothing": (f"{DYNAMODB}GetItem", {"TableName": "shortcut", "Key": {"pk": {"S": "none"}}}),
    "no such table": (f"{DYNAMODB}GetItem", {"TableName": "elsewhere", "Key": KEY}),
    "put": (f"{DYNAMODB}PutItem", {"TableName": "shortcut", "Item": ITEM}),
    "refused put": (f"{DYNAMODB}PutItem", {"TableName": "shortcut", "Item": ITEM, **NEW_ONLY}),
    "wrong put": (f"{DYNAMODB}PutItem", {"TableName": "shortcut", "Item": {"pk": {"N": "1"}}}),
    "batch": (f"{DYNAMODB}BatchGetItem", {"RequestItems": {"shortcut": {"Keys": [KEY]}}}),
    "scan": (f"{DYNAMODB}Scan", {"TableName": "shortcut", "IndexName": "sparse", "Limit": 5}),
    "query": (
        f"{DYNAMODB}Query",
        {
            "TableName": "shortcut",
            "IndexName": "sparse",
            "KeyConditionExpression": "shard = :shard",
            "ExpressionAttributeValues": {":shard": {"S": "3"}},
        },
    ),
    "update": (
        f"{DYNAMODB}UpdateItem",
        {
            "TableName": "shortcut",
            "Key": KEY,
            "UpdateExpression": "SET #state = :sent",
            "ExpressionAttributeNames": {"#state": "state"},
            "ExpressionAttributeValues": {":sent": {"S": "sent"}},
            "ReturnValues": "ALL_NEW",
        },
    ),
    "cancelled transaction": (
        f"{DYNAMODB}TransactWriteItems",
        {"TransactItems": [{"Put": {"TableName": "shortcut", "Item": ITEM, **NEW_ONLY}}]},
    ),
    "no such action": (f"{DYNAMODB}MakeCoffee", {}),
    "no JSON": (f"{DYNAMODB}GetItem", "{"),
    "send": (f"{SQS}SendMessage", {"QueueUrl": "shortcut", "MessageBody": "Käse"}),
    "no such queue": (
        f"{SQS}SendMessage",
        {"QueueUrl": "http://127.0.0.1/000000000000/no", "MessageBody": "x"},
    ),
    "queue's name": (f"{SQS}GetQueueUrl", {"QueueName": "shortcut"}),
}


@pytest.mark.parametrize("region", ["eu-west-1", "us-west-2"])
@pytest.mark.parametrize("name", CALLS)
def test_both_ways_give_the_same_answer(shop: LocalAws, name: str, region: str) -> None:
    """Status, kind of content and content, in every region: what it holds is its own."""
    target, body = CALLS[name]
    if isinstance(body, dict) and body.get("QueueUrl") == "shortcut":
        _, _, found = call(shop, LONG, f"{SQS}GetQueueUrl", {"QueueName": "shortcut"}, region)
        body = {**body, "QueueUrl": found["QueueUrl"]}
    # Twice: what the first call changes, the second one finds.
    call(shop, LONG, target, body, region)
    short, long = (call(shop, way, target, body, region) for way in (SHORT, LONG))
    assert short[0] == long[0]
    assert short[1]["content-type"] == long[1]["content-type"]
    assert _told(short[2]) == _told(long[2])
    for name in ("x-amz-crc32", "x-amzn-errortype", "x-amzn-query-error"):
        assert short[1][name] == long[1][name]
    assert short[1]["x-amzn-requestid"]
    assert "access-control-allow-origin" in long[1]
    assert "access-control-allow-origin" not in short[1], "the shortcut was not taken"


def _told(content: Any) -> Any:
    return {key: value for key, value in content.items() if key not in RANDOM} if content else content


@pytest.mark.parametrize(
    ("path", "target"), [("/", "AWSEvents.ListRules"), ("/", "DynamoDBStreams_20120810.ListStreams")]
)
def test_other_services_take_the_long_way(shop: LocalAws, path: str, target: str) -> None:
    """The shortcut knows two services."""
    assert "access-control-allow-origin" in call(shop, path, target, {})[1]
