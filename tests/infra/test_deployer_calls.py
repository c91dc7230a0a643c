"""The deployer's calls and how it reads the answers, checked against the services' own models by botocore's Stubber.

What the local AWS cannot be brought into (a stuck rollback, protection, paging, throttling) is played here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from cloudformation.deploy import changesets, records, stacks
from cloudformation.deploy.cloud import Cloud
from cloudformation.deploy.errors import DeployError, StackFailed, StackStuck, UnsafeChange
from cloudformation.deploy.plan import Change, Plan, changes_of

STACK = "cartwright-prod-data"
STACK_ID = f"arn:aws:cloudformation:eu-west-1:123456789012:stack/{STACK}/1234"
CHANGE_SET = f"arn:aws:cloudformation:eu-west-1:123456789012:changeSet/deploy-1/{STACK}"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Aws:
    """A Cloud whose clients answer from a script and refuse every call that is not in it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.cloud = Cloud("eu-west-1", clock=lambda: self.now, sleep=self._sleep)
        self.stubs = {name: self._stub(name) for name in ("cloudformation", "s3", "ssm")}

    def _stub(self, service: str) -> Stubber:
        client = boto3.client(service, "eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
        self.cloud._clients[service] = client
        stub = Stubber(client)
        stub.activate()
        return stub

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def expect(self, operation: str, answer: dict[str, Any], given: dict[str, Any] | None = None) -> None:
        """The next CloudFormation call."""
        self.stubs["cloudformation"].add_response(operation, answer, given)

    def stack(self, status: str, **more: Any) -> None:
        """The next call asks for the stack's state and hears this."""
        found = {"StackName": STACK, "StackId": STACK_ID, "StackStatus": status, "CreationTime": NOW, **more}
        self.expect("describe_stacks", {"Stacks": [found]})

    def no_stack(self) -> None:
        """The next call asks for the stack's state and hears that there is none."""
        self.stubs["cloudformation"].add_client_error(
            "describe_stacks", "ValidationError", f"Stack with id {STACK} does not exist", 400
        )


@pytest.fixture
def aws() -> Iterator[Aws]:
    """A scripted AWS; at the end every scripted call must have been made."""
    scripted = Aws()
    yield scripted
    for stub in scripted.stubs.values():
        stub.assert_no_pending_responses()


def event(number: int, status: str, resource: str = "Queue", reason: str = "") -> dict[str, Any]:
    """One stack event."""
    return {
        "StackId": STACK_ID,
        "EventId": f"event-{number}",
        "StackName": STACK,
        "LogicalResourceId": resource,
        "ResourceType": "AWS::SQS::Queue",
        "Timestamp": NOW,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


def no_reports(line: str) -> None:
    """For calls whose reports do not matter."""


def test_the_first_real_cause_is_told_not_its_consequences(aws: Aws) -> None:
    """CloudFormation cancels what runs beside a failure and reports that first; the cause is older."""
    events = [
        event(
            6,
            "UPDATE_ROLLBACK_IN_PROGRESS",
            STACK,
            "The following resource(s) failed to update: [Queue, Table].",
        ),
        event(5, "UPDATE_FAILED", "Table", "Resource update cancelled"),
        event(4, "CREATE_FAILED", "Queue", "Queue name is taken"),
        event(3, "CREATE_IN_PROGRESS", "Queue"),
        event(2, "CREATE_FAILED", "Old", "An older operation's failure"),
    ]
    aws.expect("describe_stack_events", {"StackEvents": events[:3], "NextToken": "more"})
    aws.expect(
        "describe_stack_events", {"StackEvents": events[3:]}, {"StackName": STACK, "NextToken": "more"}
    )
    assert stacks.first_cause(aws.cloud, STACK, "event-3") == "Queue (AWS::SQS::Queue): Queue name is taken"


def test_a_stuck_rollback_is_continued_before_anything_else(aws: Aws) -> None:
    """UPDATE_ROLLBACK_FAILED takes no change set; continuing the rollback frees it."""
    aws.stack("UPDATE_ROLLBACK_FAILED")
    aws.expect("continue_update_rollback", {}, {"StackName": STACK})
    aws.stack("UPDATE_ROLLBACK_IN_PROGRESS")
    aws.stack("UPDATE_ROLLBACK_COMPLETE")
    assert stacks.settle(aws.cloud, STACK, no_reports).exists


def test_a_rollback_that_stays_stuck_stops_the_deployment_with_its_cause(aws: Aws) -> None:
    """A person has to look; the message says at what."""
    aws.stack("UPDATE_ROLLBACK_FAILED")
    aws.expect("continue_update_rollback", {}, {"StackName": STACK})
    aws.stack("UPDATE_ROLLBACK_FAILED")
    aws.expect(
        "describe_stack_events", {"StackEvents": [event(1, "UPDATE_FAILED", "Table", "Limit exceeded")]}
    )
    with pytest.raises(StackFailed, match=r"Table .*Limit exceeded"):
        stacks.settle(aws.cloud, STACK, no_reports)


def test_an_operation_in_progress_is_waited_for_with_growing_pauses(aws: Aws) -> None:
    """Somebody else, or the run before this one, is at work."""
    reports: list[str] = []
    aws.stack("UPDATE_IN_PROGRESS")
    for _ in range(4):
        aws.stack("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    aws.stack("UPDATE_COMPLETE")
    assert stacks.settle(aws.cloud, STACK, reports.append).status == "UPDATE_COMPLETE"
    assert "UPDATE_IN_PROGRESS, waiting" in reports[0]
    assert aws.now == pytest.approx(1 + 1.5 + 2.25 + 3.375)


def test_patience_ends(aws: Aws) -> None:
    """After an hour the deployer gives up and says how to go on."""
    aws.cloud.patience_seconds = 2.0
    for _ in range(2):
        aws.stack("UPDATE_IN_PROGRESS")
    with pytest.raises(StackStuck, match="run the command again to resume"):
        stacks.wait(aws.cloud, stacks.StackState(STACK, "UPDATE_IN_PROGRESS", STACK_ID))


def create_answer(aws: Aws, kind: str, **expected: Any) -> None:
    """Script the creation of a change set."""
    given = {
        "StackName": STACK,
        "ChangeSetName": ANY,
        "ChangeSetType": kind,
        "Parameters": [{"ParameterKey": "Stage", "ParameterValue": "prod"}],
        "Tags": [{"Key": "app", "Value": "cartwright"}],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
        **(expected or {"TemplateBody": "{}"}),
    }
    aws.expect("create_change_set", {"Id": CHANGE_SET, "StackId": STACK_ID}, given)


def make(aws: Aws, state: stacks.StackState, body: str = "{}", bucket: str = "") -> Plan:
    """Ask for a change set."""
    return changesets.create(
        aws.cloud, "20-data", state, body, {"Stage": "prod"}, {"app": "cartwright"}, bucket
    )


def test_a_change_set_is_read_to_its_last_page(aws: Aws) -> None:
    """AWS gives a hundred changes at a time; the dangerous one may be on the second page."""
    create_answer(aws, "UPDATE")
    aws.expect("describe_change_set", {"Status": "CREATE_IN_PROGRESS"})
    aws.expect(
        "describe_change_set", {"Status": "CREATE_COMPLETE", "Changes": [change("Modify")], "NextToken": "2"}
    )
    aws.expect(
        "describe_change_set",
        {"Status": "CREATE_COMPLETE", "Changes": [change("Remove", "AWS::DynamoDB::Table")]},
        {"ChangeSetName": CHANGE_SET, "StackName": STACK, "NextToken": "2"},
    )
    plan = make(aws, stacks.StackState(STACK, "UPDATE_COMPLETE", STACK_ID))
    assert [each.action for each in plan.changes] == ["Remove", "Modify"]


def change(action: str, kind: str = "AWS::Lambda::Function", replacement: str = "False") -> dict[str, Any]:
    """One change as DescribeChangeSet tells it."""
    return {
        "Type": "Resource",
        "ResourceChange": {
            "Action": action,
            "LogicalResourceId": f"{action}It",
            "ResourceType": kind,
            "Replacement": replacement,
            "Details": [
                {"Target": {"Attribute": "Properties", "Name": "Name"}},
                {"Target": {"Attribute": "Tags"}},
            ],
        },
    }


@pytest.mark.parametrize(
    "reason",
    [
        "The submitted information didn't contain changes. Submit different information to create a change set.",
        "No updates are to be performed.",
    ],
)
def test_a_change_set_without_changes_is_dropped_and_is_no_error(aws: Aws, reason: str) -> None:
    """AWS calls it FAILED."""
    create_answer(aws, "UPDATE")
    aws.expect("describe_change_set", {"Status": "FAILED", "StatusReason": reason})
    aws.expect("delete_change_set", {}, {"ChangeSetName": CHANGE_SET, "StackName": STACK})
    plan = make(aws, stacks.StackState(STACK, "UPDATE_COMPLETE", STACK_ID))
    assert plan.lines() == ["20-data: no changes"]


def test_a_refused_template_leaves_no_empty_stack_behind(aws: Aws) -> None:
    """Asking for a CREATE change set makes a stack in REVIEW_IN_PROGRESS; it must not stay."""
    create_answer(aws, "CREATE")
    aws.expect("describe_change_set", {"Status": "FAILED", "StatusReason": "No export named X found"})
    aws.expect("delete_change_set", {}, {"ChangeSetName": CHANGE_SET, "StackName": STACK})
    aws.stack("REVIEW_IN_PROGRESS")
    aws.expect("delete_stack", {}, {"StackName": STACK})
    with pytest.raises(DeployError, match="No export named X found"):
        make(aws, stacks.StackState(STACK))


def test_a_large_template_goes_through_the_bucket_under_the_name_of_its_content(aws: Aws) -> None:
    """CloudFormation takes 51,200 bytes inline and a megabyte from S3."""
    body = json.dumps({"Description": "x" * 60_000})
    aws.stubs["s3"].add_response(
        "put_object",
        {},
        {"Bucket": "artefacts", "Key": ANY, "Body": body.encode(), "ContentType": "application/json"},
    )
    create_answer(aws, "UPDATE", TemplateURL=ANY)
    aws.expect("describe_change_set", {"Status": "CREATE_COMPLETE", "Changes": [change("Modify")]})
    make(aws, stacks.StackState(STACK, "UPDATE_COMPLETE", STACK_ID), body, "artefacts")


def test_a_large_template_without_a_bucket_is_refused(aws: Aws) -> None:
    """The bootstrap layer has to come first and stay small."""
    with pytest.raises(DeployError, match="no bucket"):
        make(aws, stacks.StackState(STACK, "UPDATE_COMPLETE", STACK_ID), "x" * 60_000)


def test_a_change_is_waited_for_from_its_first_event(aws: Aws) -> None:
    """Right after ExecuteChangeSet a stack may still show the end of the operation before."""
    aws.stack("UPDATE_COMPLETE")
    aws.expect("describe_stack_events", {"StackEvents": [event(1, "UPDATE_COMPLETE", STACK)]})
    aws.expect("execute_change_set", {}, {"ChangeSetName": CHANGE_SET, "StackName": STACK})
    aws.expect("describe_stack_events", {"StackEvents": [event(1, "UPDATE_COMPLETE", STACK)]})
    aws.expect("describe_stack_events", {"StackEvents": [event(2, "UPDATE_IN_PROGRESS", STACK)]})
    aws.stack("UPDATE_IN_PROGRESS")
    aws.stack("UPDATE_COMPLETE", Outputs=[{"OutputKey": "TableName", "OutputValue": "t"}])
    after = changesets.execute(aws.cloud, Plan("20-data", STACK, "update", (), CHANGE_SET))
    assert after.outputs == {"TableName": "t"}


def test_a_failed_change_names_the_cause_of_this_operation_only(aws: Aws) -> None:
    """Events of earlier operations are not read again."""
    aws.stack("UPDATE_COMPLETE")
    aws.expect("describe_stack_events", {"StackEvents": [event(1, "UPDATE_FAILED", "Old", "an old failure")]})
    aws.expect("execute_change_set", {})
    aws.expect(
        "describe_stack_events", {"StackEvents": [event(2, "UPDATE_FAILED", "Table", "too many indexes")]}
    )
    aws.stack("UPDATE_ROLLBACK_COMPLETE")
    aws.expect(
        "describe_stack_events",
        {
            "StackEvents": [
                event(2, "UPDATE_FAILED", "Table", "too many indexes"),
                event(1, "UPDATE_FAILED", "Old", "old"),
            ]
        },
    )
    with pytest.raises(StackFailed, match="too many indexes") as failure:
        changesets.execute(aws.cloud, Plan("20-data", STACK, "update", (), CHANGE_SET))
    assert failure.value.status == "UPDATE_ROLLBACK_COMPLETE"


@pytest.mark.parametrize("released", [set(), {"InventoryTable"}])
def test_protection_denies_replacing_and_deleting_data_except_what_is_released(
    aws: Aws, released: set[str]
) -> None:
    """The policy is AWS's own second lock, should the plan's check ever be wrong."""
    policies: list[dict[str, Any]] = []
    client = aws.cloud.client("cloudformation")
    client.meta.events.register(
        "provide-client-params.cloudformation.SetStackPolicy",
        lambda params, **_: policies.append(json.loads(params["StackPolicyBody"])),
    )
    aws.expect("set_stack_policy", {}, {"StackName": STACK, "StackPolicyBody": ANY})
    aws.expect("update_termination_protection", {}, {"StackName": STACK, "EnableTerminationProtection": True})
    changesets.protect(aws.cloud, STACK, released)
    deny = next(each for each in policies[0]["Statement"] if each["Effect"] == "Deny")
    assert deny["Action"] == ["Update:Replace", "Update:Delete"]
    assert "AWS::DynamoDB::Table" in deny["Condition"]["StringEquals"]["ResourceType"]
    assert deny.get("Resource") == (None if released else "*")
    assert deny.get("NotResource") == (["LogicalResourceId/InventoryTable"] if released else None)


def test_a_plan_that_endangers_data_is_refused_until_each_resource_is_named() -> None:
    """Removal, certain replacement and possible replacement count; other types do not."""
    changes = changes_of(
        [
            change("Remove", "AWS::DynamoDB::Table"),
            change("Modify", "AWS::RDS::DBInstance", "Conditional"),
            change("Add", "AWS::SQS::Queue"),
            change("Dynamic", "AWS::Lambda::Function", "True"),
        ]
    )
    plan = Plan("20-data", STACK, "update", changes)
    with pytest.raises(UnsafeChange) as refusal:
        plan.check(["20-data/RemoveIt"])
    assert "--allow-replace 20-data/ModifyIt" in str(refusal.value)
    assert "RemoveIt" not in str(refusal.value)
    plan.check(["20-data/RemoveIt", "20-data/ModifyIt"])


def test_a_plan_reads_as_counts_then_dangers_then_the_rest() -> None:
    """What a person must not overlook stands first."""
    plan = Plan(
        "20-data", STACK, "update", changes_of([change("Add"), change("Modify", "AWS::S3::Bucket", "True")])
    )
    assert plan.lines() == [
        "20-data: update cartwright-prod-data: 1 to add, 1 to change",
        "  ~ ModifyIt  AWS::S3::Bucket  REPLACED  DATA  (Name, Tags)",
        "  + AddIt  AWS::Lambda::Function  (Name, Tags)",
    ]
    assert not Change("Modify", "A", "AWS::SQS::Queue").endangers_data


def test_settings_are_read_from_every_page_and_become_environment_variables(aws: Aws) -> None:
    """SSM gives ten parameters at a time."""
    path = {"Path": "/cartwright/prod/", "Recursive": False, "WithDecryption": True}
    first = {"Name": "/cartwright/prod/orders-queue-url", "Value": "https://queue"}
    second = {"Name": "/cartwright/prod/inventory-table", "Value": "table"}
    aws.stubs["ssm"].add_response("get_parameters_by_path", {"Parameters": [first], "NextToken": "2"}, path)
    aws.stubs["ssm"].add_response(
        "get_parameters_by_path", {"Parameters": [second]}, {**path, "NextToken": "2"}
    )
    assert records.read_settings(aws.cloud, "prod") == {
        "CARTWRIGHT_INVENTORY_TABLE": "table",
        "CARTWRIGHT_ORDERS_QUEUE_URL": "https://queue",
    }


def test_a_fingerprint_changes_with_each_thing_that_is_deployed() -> None:
    """Template, parameters and tags; the order of the last two does not count."""
    base = records.fingerprint("{}", {"A": "1", "B": "2"}, {"app": "x"})
    assert base == records.fingerprint("{}", {"B": "2", "A": "1"}, {"app": "x"})
    others = [
        records.fingerprint("{} ", {"A": "1", "B": "2"}, {"app": "x"}),
        records.fingerprint("{}", {"A": "1", "B": "3"}, {"app": "x"}),
        records.fingerprint("{}", {"A": "1", "B": "2"}, {"app": "y"}),
    ]
    assert len({base, *others}) == 4
