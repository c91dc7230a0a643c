"""Least privilege, read from the templates: who may do what, and every exception with its reason."""

from __future__ import annotations

from collections.abc import Iterator

from cloudformation.deploy.template import Json, Template

EVERYTHING_ALLOWED = {
    "00-bootstrap/RoleBoundary/WhatKnowsNoResources": "a boundary grants nothing; these services know no resources",
    "70-pipeline/BuildInVpcPolicy/SeeTheVpc": "looking at subnets, groups and interfaces knows no resources",
    "90-backup/ValidationRole/GiveTheVerdict": "AWS Backup's verdict on a restore job knows no resources",
    "80-monitoring/CanaryRole/SendFigures": "figures know no resources; a condition binds them to the canary's namespace",
    "50-web/HostPolicy/TalkToTheAgentsServices": "Session Manager, CodeDeploy, X-Ray and figures know no resources",
}
"""Allow statements on Resource '*', each with the reason why it cannot be narrower. Key policies are not listed: in
them '*' means the key itself."""


def statements(templates: dict[str, Template]) -> Iterator[tuple[str, Json]]:
    """Every statement of every role and managed policy, as `layer/resource/Sid`."""
    for layer, template in templates.items():
        for logical_id, resource in template.resources.items():
            properties = resource.get("Properties", {})
            if resource["Type"] == "AWS::IAM::Role":
                documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
            elif resource["Type"] in {"AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"}:
                documents = [properties["PolicyDocument"]]
            else:
                continue
            for document in documents:
                for statement in document["Statement"]:
                    yield f"{layer}/{logical_id}/{statement.get('Sid', '?')}", statement


def as_list(value: object) -> list[object]:
    """IAM lets one value stand for a list of one."""
    return value if isinstance(value, list) else [value]


def test_every_statement_has_a_name_that_says_what_for(templates: dict[str, Template]) -> None:
    """The Sid is read by whoever audits the role."""
    assert [name for name, _ in statements(templates) if name.endswith("/?")] == []


def test_everything_is_allowed_only_where_it_is_listed_with_a_reason(templates: dict[str, Template]) -> None:
    """At most one Allow in twenty, and each known."""
    allows = [(name, each) for name, each in statements(templates) if each["Effect"] == "Allow"]
    wide = {name for name, each in allows if "*" in as_list(each.get("Resource"))}
    assert wide == set(EVERYTHING_ALLOWED)
    assert len(wide) <= 0.05 * len(allows)


def test_no_role_may_do_everything_of_a_service(templates: dict[str, Template]) -> None:
    """`sqs:*` would include deleting the queue."""
    for name, statement in statements(templates):
        if statement["Effect"] == "Allow" and "/RoleBoundary/" not in name:
            assert [
                action for action in as_list(statement.get("Action", "*")) if str(action).endswith("*")
            ] == [], name


MAY_SCAN = {
    "40-orders/SweepRole/FindUnsentAndExpired": "one page of the two indexes that hold nothing but orders on their way",
    "50-web/WorkerRole/FindWhatWasLeftBehind": "the same, for the doctor",
    "50-web/WebRole/ReadAndMoveStock": "the console lists low stock and the reservations that hold it",
    "50-web/WorkerRole/SettleStock": "the doctor reads whole tables",
    "50-web/WorkerRole/WriteTracking": "the doctor reads whole tables",
    "90-backup/ValidationRole/ReadRestoredTables": "tables that were restored for a test",
}
MAY_DELETE_FROM_THE_INVENTORY = {
    "50-web/RecoveryPolicy/ForgetLostOrders": "attached by a person while a restore is reconciled",
}


def test_nobody_changes_a_table_and_only_the_listed_scan_one(templates: dict[str, Template]) -> None:
    """Least of all a function: a scan of a large table costs money and takes the order path's share."""
    changing = {"dynamodb:DeleteTable", "dynamodb:UpdateTable", "dynamodb:CreateTable"}
    scanning, deleting = set(), set()
    for name, statement in statements(templates):
        if statement["Effect"] != "Allow" or name.startswith("00-bootstrap/"):
            continue
        actions = {str(action) for action in as_list(statement["Action"])}
        assert not actions & changing, name
        if "dynamodb:Scan" in actions:
            scanning.add(name)
        if "dynamodb:DeleteItem" in actions and "inventory" in str(statement.get("Resource")).lower():
            deleting.add(name)
    assert scanning == set(MAY_SCAN)
    assert deleting == set(MAY_DELETE_FROM_THE_INVENTORY)


def test_the_policy_that_deletes_belongs_to_no_role(templates: dict[str, Template]) -> None:
    """It waits for a person (docs/runbook/restore-database.md)."""
    attached = [
        policy
        for template in templates.values()
        for resource in template.resources.values()
        for policy in resource.get("Properties", {}).get("ManagedPolicyArns", [])
    ]
    assert {"Ref": "RecoveryPolicy"} not in attached
    recovery = templates["50-web"].resources["RecoveryPolicy"]["Properties"]
    assert not {"Roles", "Users", "Groups"} & recovery.keys()


def test_each_function_has_a_role_of_its_own(templates: dict[str, Template]) -> None:
    """A shared role grows to the sum of its users."""
    roles = [
        resource["Properties"]["Role"]["Fn::GetAtt"][0]
        for template in templates.values()
        for resource in template.resources.values()
        if resource["Type"] == "AWS::Lambda::Function"
    ]
    assert len(roles) == len(set(roles))


def test_every_role_is_bounded_but_the_one_that_makes_them(templates: dict[str, Template]) -> None:
    """Whatever a later template grants, no role leaves this region and account or touches IAM."""
    unbounded = [
        f"{layer}/{logical_id}"
        for layer, template in templates.items()
        for logical_id, resource in template.resources.items()
        if resource["Type"] == "AWS::IAM::Role" and "PermissionsBoundary" not in resource["Properties"]
    ]
    assert unbounded == ["00-bootstrap/CloudFormationRole"]
    makes = templates["00-bootstrap"].resources["CloudFormationRole"]["Properties"]["Policies"][0][
        "PolicyDocument"
    ]
    creating = next(each for each in makes["Statement"] if "iam:CreateRole" in each["Action"])
    assert creating["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": {"Ref": "RoleBoundary"}}}
