"""The local AWS as a child: private, with an environment of its own, and honest about a lost state."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from local.aws import LocalAws
from local.mailbox import Mailbox
from local.options import DEFAULT_REGION
from local.ports import any_free
from local.postmark import MESSAGES_FILE
from local.supervisor import Supervisor
from tests.integration.local.waiting import is_alive, listening_addresses, until

LOOPBACK_HEX = "0100007F"


def client(aws: LocalAws, service: str, read_timeout: float = 60) -> Any:
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=aws.region)
    patience = Config(read_timeout=read_timeout, retries={"total_max_attempts": 1})
    return session.client(service, endpoint_url=aws.endpoint_url, config=patience)


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    supervisor = Supervisor(say=print)
    yield supervisor
    supervisor.stop_all()


@pytest.fixture
def local_aws(tmp_path: Path) -> LocalAws:
    return LocalAws(tmp_path / "aws", any_free(), DEFAULT_REGION, tmp_path / "mail")


def start(aws: LocalAws, supervisor: Supervisor) -> int:
    aws.prepare()
    supervisor.start(aws.child(aws.folder / "aws.log"))
    return supervisor.pids()["aws"]


def test_its_state_outlives_a_stop_also_on_another_port(local_aws: LocalAws, supervisor: Supervisor) -> None:
    """Yesterday's messages are there today, even when the port was taken meanwhile."""
    start(local_aws, supervisor)
    sqs = client(local_aws, "sqs")
    sqs.send_message(QueueUrl=sqs.create_queue(QueueName="orders")["QueueUrl"], MessageBody="kept")
    supervisor.stop("aws")
    assert not local_aws.stopped_uncleanly()
    today = LocalAws(local_aws.folder, any_free(), DEFAULT_REGION, local_aws.mail)
    start(today, supervisor)
    sqs = client(today, "sqs")
    found = sqs.receive_message(QueueUrl=sqs.get_queue_url(QueueName="orders")["QueueUrl"])
    assert [message["Body"] for message in found["Messages"]] == ["kept"]


def test_a_kill_is_noticed_at_the_next_start(local_aws: LocalAws, supervisor: Supervisor) -> None:
    """SIGKILL loses the state since the start: the marker says so, until the next clean stop."""
    assert not local_aws.stopped_uncleanly()
    pid = start(local_aws, supervisor)
    os.kill(pid, signal.SIGKILL)
    until(lambda: not is_alive(pid), "the end of the local AWS")
    assert local_aws.stopped_uncleanly()
    supervisor.stop("aws")
    start(local_aws, supervisor)
    supervisor.stop("aws")
    assert not local_aws.stopped_uncleanly()


def test_a_stop_ends_long_polls_with_an_answer_and_writes_no_error(
    local_aws: LocalAws, supervisor: Supervisor
) -> None:
    """Who waits for messages is told that none came; who went away meanwhile holds nothing up; the log stays clean."""
    start(local_aws, supervisor)
    sqs = client(local_aws, "sqs")
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    answers: list[dict[str, Any]] = []
    poll = threading.Thread(
        target=lambda: answers.append(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20))
    )
    poll.start()
    left = client(local_aws, "sqs", read_timeout=1)
    with pytest.raises(ReadTimeoutError):
        left.receive_message(QueueUrl=url, WaitTimeSeconds=20)
    supervisor.stop("aws")
    poll.join(60)
    assert [answer.get("Messages", []) for answer in answers] == [[]]
    assert (local_aws.folder / "aws.log").read_text("utf-8") == ""
    assert not local_aws.stopped_uncleanly()


def test_it_listens_on_the_loopback_address_only(local_aws: LocalAws, supervisor: Supervisor) -> None:
    """Whoever reaches it can run code; by default it would listen on every interface, on two ports."""
    assert listening_addresses(start(local_aws, supervisor)) == {LOOPBACK_HEX}


def test_lambdas_inherit_no_secret_of_the_person(
    local_aws: LocalAws, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its environment is inherited by every Lambda process; on AWS they would have none of this."""
    for name in (
        "CARTWRIGHT_DATABASE_URL",
        "CARTWRIGHT_SECRET_KEY",
        "STRIPE_API_KEY",
        "PYTHONPATH",
        "AWS_PROFILE",
    ):
        monkeypatch.setenv(name, "leaked")
    pid = start(local_aws, supervisor)
    assert b"leaked" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_an_email_is_written_down_with_its_headers(local_aws: LocalAws, supervisor: Supervisor) -> None:
    """The in-box finds it by its correlation id, and it is there before the sender has its answer."""
    start(local_aws, supervisor)
    ses = client(local_aws, "sesv2")
    ses.create_email_identity(EmailIdentity="shop@cartwright.example")
    sent = ses.send_email(
        FromEmailAddress="Cartwright <shop@cartwright.example>",
        Destination={"ToAddresses": ["ada@example.com"]},
        Content={
            "Simple": {
                "Subject": {"Data": "Thank you – your order"},
                "Body": {"Text": {"Data": "We have it."}, "Html": {"Data": "<p>We have it.</p>"}},
                "Headers": [{"Name": "X-Correlation-Id", "Value": "c-1"}],
            }
        },
        EmailTags=[{"Name": "order_id", "Value": "o-1"}],
    )
    (mail,) = Mailbox(local_aws.mail / MESSAGES_FILE).mails(correlation_id="c-1")
    assert mail.id == sent["MessageId"]
    assert (mail.subject, mail.text, mail.to) == (
        "Thank you – your order",
        "We have it.",
        ("ada@example.com",),
    )
    assert mail.concerns("o-1")


def test_a_refused_email_is_not_in_the_inbox(local_aws: LocalAws, supervisor: Supervisor) -> None:
    """The in-box shows what was sent, not what was tried."""
    start(local_aws, supervisor)
    ses = client(local_aws, "sesv2")
    with pytest.raises(ses.exceptions.MessageRejected):
        ses.send_email(
            FromEmailAddress="stranger@nowhere.example",
            Destination={"ToAddresses": ["ada@example.com"]},
            Content={"Simple": {"Subject": {"Data": "x"}, "Body": {"Text": {"Data": "y"}}}},
        )
    assert Mailbox(local_aws.mail / MESSAGES_FILE).mails() == []


def test_a_text_message_is_written_down(local_aws: LocalAws, supervisor: Supervisor) -> None:
    """An SNS publish to a phone number is a text; one to a topic is none of the in-box's business."""
    start(local_aws, supervisor)
    sns = client(local_aws, "sns")
    sns.publish(TopicArn=sns.create_topic(Name="events")["TopicArn"], Message="not a text")
    sns.publish(
        PhoneNumber="+491701234567",
        Message="Your order & more is on its way ✓",
        MessageAttributes={"correlation_id": {"DataType": "String", "StringValue": "c-2"}},
    )
    (mail,) = Mailbox(local_aws.mail / MESSAGES_FILE).mails()
    assert (mail.channel, mail.to) == ("sms", ("+491701234567",))
    assert mail.text == "Your order & more is on its way ✓"
    assert mail.correlation_id == "c-2"
