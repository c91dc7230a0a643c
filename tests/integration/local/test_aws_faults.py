"""The planted faults of the local AWS do to the server what the chaos report will say they did."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError

from local.aws import LocalAws
from local.aws_faults import Faults
from local.options import DEFAULT_REGION
from local.ports import any_free
from local.supervisor import Supervisor

Break = Callable[..., None]


@pytest.fixture(scope="module")
def faulty_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS that reads faults from a file."""
    folder = tmp_path_factory.mktemp("faulty")
    aws = LocalAws(folder / "aws", any_free(), DEFAULT_REGION, folder / "mail", False, folder / "faults.json")
    aws.prepare()
    supervisor = Supervisor(say=print)
    try:
        supervisor.start(aws.child(folder / "aws.log"))
        yield aws
    finally:
        supervisor.stop_all()


@pytest.fixture
def break_it(faulty_aws: LocalAws) -> Iterator[Break]:
    """Sets the faults; none are left afterwards."""
    assert faulty_aws.faults is not None
    file: Path = faulty_aws.faults

    def write(**shares: float) -> None:
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps(shares), "utf-8")
        fresh.replace(file)

    yield write
    write()


def client(aws: LocalAws, service: str) -> Any:
    """A client that makes one attempt, so that a fault is seen and not repaired."""
    config = Config(retries={"total_max_attempts": 1}, read_timeout=60)
    session = boto3.Session("test", "test", region_name=aws.region)
    return session.client(service, endpoint_url=aws.endpoint_url, config=config)


@pytest.fixture
def sqs(faulty_aws: LocalAws) -> Any:
    return client(faulty_aws, "sqs")


@pytest.fixture
def queue(sqs: Any) -> Iterator[str]:
    """A queue whose messages come back a second after they were received."""
    url = sqs.create_queue(QueueName="orders", Attributes={"VisibilityTimeout": "1"})["QueueUrl"]
    yield url
    sqs.delete_queue(QueueUrl=url)


def received(sqs: Any, queue: str, wait: int = 3) -> list[str]:
    """The bodies of what one long poll brings."""
    found = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=wait, MaxNumberOfMessages=10)
    return [message["Body"] for message in found.get("Messages", [])]


@pytest.mark.parametrize("fault", ["refused", "failed_before", "throttled"])
def test_a_call_that_fails_before_is_not_done(fault: str, sqs: Any, queue: str, break_it: Break) -> None:
    """The caller sees an error, and the queue stays empty."""
    break_it(**{fault: 1.0})
    with pytest.raises(ClientError):
        sqs.send_message(QueueUrl=queue, MessageBody="one")
    break_it()
    assert received(sqs, queue, wait=1) == []


@pytest.mark.parametrize(("fault", "error"), [("failed_after", ClientError), ("reply_lost", HTTPClientError)])
def test_a_call_that_fails_after_is_done(
    fault: str, error: type[Exception], sqs: Any, queue: str, break_it: Break
) -> None:
    """The caller sees an error, and yet the message is there: the fault that doubles orders."""
    break_it(**{fault: 1.0})
    with pytest.raises(error):
        sqs.send_message(QueueUrl=queue, MessageBody="one")
    break_it()
    assert received(sqs, queue) == ["one"]


def test_a_duplicated_message_comes_twice(sqs: Any, queue: str, break_it: Break) -> None:
    """Once at once and once later, also in a batch."""
    break_it(duplicated=1.0)
    sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": "a", "MessageBody": "one"}])
    break_it()
    counts = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    waiting = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed")
    assert sum(int(counts[name]) for name in waiting) == 2


def test_a_forgotten_deletion_is_confirmed_and_the_message_comes_again(
    sqs: Any, queue: str, break_it: Break
) -> None:
    """As SQS warns: a message may be received after it was deleted."""
    sqs.send_message(QueueUrl=queue, MessageBody="one")
    message = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=3)["Messages"][0]
    break_it(undeleted=1.0)
    done = sqs.delete_message_batch(
        QueueUrl=queue, Entries=[{"Id": "a", "ReceiptHandle": message["ReceiptHandle"]}]
    )
    break_it()
    assert [entry["Id"] for entry in done["Successful"]] == ["a"]
    assert received(sqs, queue) == ["one"]


def test_the_gateway_and_deployments_are_left_alone(faulty_aws: LocalAws, break_it: Break) -> None:
    """Only what the programs call while they serve is broken: the run itself must go on."""
    break_it(refused=1.0)
    assert "Stacks" in client(faulty_aws, "cloudformation").describe_stacks()


def test_a_wrong_name_is_refused() -> None:
    """A fault that is spelled wrongly would be a fault that never happened."""
    with pytest.raises(ValueError, match="not faults"):
        Faults.from_json('{"fails": 0.5}')
