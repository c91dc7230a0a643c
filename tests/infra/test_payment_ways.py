"""The ways between the shop and its payment provider: webhooks come in through the edge, calls go out, secrets are found."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest

from cloudformation.deploy.template import Json, Template, find

CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
"""Managed policies of CloudFront, by AWS's ids: nothing is kept, and every header, cookie and query goes to the shop."""
SIGNED = {"stripe-signature": "t=1764000000,v1=5257a869e7,v0=6ffbb59b2300"}


@dataclass(frozen=True)
class Request:
    """As the firewall sees one. `inspected` is how much of a body AWS WAF reads."""

    path: str = "/webhooks/stripe"
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    inspected: int = 64 * 1024


def matches(statement: Json, request: Request) -> bool:
    """Whether a WAF statement is true of a request; only the kinds that the rules for webhooks are made of."""
    ((kind, content),) = statement.items()
    if kind == "AndStatement":
        return all(matches(each, request) for each in content["Statements"])
    if kind == "NotStatement":
        return not matches(content["Statement"], request)
    (what,) = content["FieldToMatch"]
    if kind == "SizeConstraintStatement":
        assert what == "Body" and content["ComparisonOperator"] == "LE"  # noqa: PT018
        if len(request.body) > request.inspected:
            return bool(content["FieldToMatch"]["Body"]["OversizeHandling"] == "MATCH")
        return len(request.body) <= content["Size"]
    if what == "SingleHeader":
        value = request.headers.get(content["FieldToMatch"][what]["Name"])
    else:
        value = {"UriPath": request.path, "Method": request.method}[what]
    if value is None:
        return False
    if kind == "RegexMatchStatement":
        return re.search(content["RegexString"], value) is not None
    assert kind == "ByteMatchStatement", kind
    word = content["SearchString"]
    return value.startswith(word) if content["PositionalConstraint"] == "STARTS_WITH" else value == word


@pytest.fixture(scope="module")
def rules(templates: dict[str, Template]) -> dict[str, Json]:
    """The firewall's rules by name."""
    return {
        each["Name"]: each for each in templates["55-global"].resources["Firewall"]["Properties"]["Rules"]
    }


@pytest.mark.parametrize(
    ("request_", "is_blocked"),
    [
        (Request(headers=SIGNED), False),
        (Request(headers=SIGNED, body=b"x" * 65_536), False),
        (Request(headers=SIGNED, body=b"x" * 65_537), True),
        (Request(), True),
        (Request(headers={"stripe-signature": "please"}), True),
        (Request(headers=SIGNED, method="GET"), True),
        (Request(path="/webhooks/other"), True),
        (Request(path="/checkout/place"), False),
        (Request(path="/", method="GET"), False),
    ],
)
def test_only_what_looks_like_a_signed_event_of_fitting_size_comes_in(
    rules: dict[str, Json], request_: Request, is_blocked: bool
) -> None:
    """The signature itself is the shop's to check; this keeps noise away from it, and nothing else of the shop."""
    rule = rules["webhooks-that-are-none"]
    assert rule["Action"] == {"Block": {}}
    assert matches(rule["Statement"], request_) == is_blocked


def test_as_much_of_a_body_is_inspected_as_may_come_in(templates: dict[str, Template]) -> None:
    """CloudFront's default of 16 kB would call a longer event oversized."""
    firewall = templates["55-global"].resources["Firewall"]["Properties"]
    assert firewall["AssociationConfig"]["RequestBody"]["CLOUDFRONT"] == {
        "DefaultSizeInspectionLimit": "KB_64"
    }
    (size,) = find(firewall["Rules"], "Size")
    assert size == 64 * 1024


def test_a_signed_event_meets_neither_the_shoppers_limits_nor_rules_that_read_its_words(
    rules: dict[str, Json],
) -> None:
    """A name such as O'Brien in an event must not lose it, nor must a busy hour; it has a limit of its own."""
    event = Request(headers=SIGNED)
    shopper = Request(path="/", method="GET")
    scopes = {
        name: scope for name, rule in rules.items() for scope in find(rule["Statement"], "ScopeDownStatement")
    }
    for name in ("one-address-too-often", "common-attacks", "sql-injection"):
        assert not matches(scopes[name], event), name
        assert matches(scopes[name], shopper), name
    assert matches(scopes["webhooks-too-often"], event)
    assert not matches(scopes["webhooks-too-often"], shopper)


@pytest.mark.parametrize(
    ("request_", "counts"),
    [
        (Request(path="/checkout/place"), True),
        (Request(path="/de/checkout/place"), True),
        (Request(path="/account/sign-in"), True),
        (Request(path="/de/account/forgotten/code"), True),
        (Request(path="/console/sign-in"), True),
        (Request(path="/account/sign-in", method="GET"), False),
        (Request(path="/products/checkout/place"), False),
        (Request(path="/cart/lines"), False),
    ],
)
def test_what_is_guessed_or_tried_with_cards_is_counted_in_every_language(
    rules: dict[str, Json], request_: Request, counts: bool
) -> None:
    """A prefix of the address chooses a language, not a way past the limit."""
    (scope,) = find(rules["sign-ins-and-checkouts-too-often"]["Statement"], "ScopeDownStatement")
    assert matches(scope, request_) == counts


def test_the_edge_hands_a_webhook_on_whole_and_keeps_nothing(templates: dict[str, Template]) -> None:
    """With its signature header, its body and its method; no other behaviour takes its path."""
    config = templates["60-edge"].resources["Distribution"]["Properties"]["DistributionConfig"]
    default = config["DefaultCacheBehavior"]
    assert default["CachePolicyId"] == CACHING_DISABLED
    assert default["OriginRequestPolicyId"] == ALL_VIEWER
    assert "POST" in default["AllowedMethods"]
    assert [each["PathPattern"] for each in config["CacheBehaviors"]] == ["/static/*"]


@pytest.mark.parametrize("group", ["WebSecurityGroup", "WorkerSecurityGroup"])
def test_hosts_reach_the_provider_over_https_alone(templates: dict[str, Template], group: str) -> None:
    """api.stripe.com has no fixed addresses: any, on 443; every other way out stays inside the VPC."""
    network = templates["10-network"].resources
    ways = network[group]["Properties"]["SecurityGroupEgress"]
    outside = [way for way in ways if way["CidrIp"] == "0.0.0.0/0"]
    assert [(way["FromPort"], way["ToPort"]) for way in outside] == [(443, 443)]
    assert [way for way in ways if way not in outside and way["CidrIp"] != {"Ref": "VpcCidr"}] == []


def test_every_application_subnet_has_a_way_out_through_a_nat_gateway(templates: dict[str, Template]) -> None:
    """Private subnets have no other."""
    network = templates["10-network"].resources
    tables = {
        each["Properties"]["SubnetId"]["Ref"]: each["Properties"]["RouteTableId"]["Ref"]
        for each in network.values()
        if each["Type"] == "AWS::EC2::SubnetRouteTableAssociation"
    }
    leaving = {
        each["Properties"]["RouteTableId"]["Ref"]
        for each in network.values()
        if each["Type"] == "AWS::EC2::Route"
        and each["Properties"].get("DestinationCidrBlock") == "0.0.0.0/0"
        and "NatGatewayId" in each["Properties"]
    }
    application = [name for name in tables if name.startswith("App")]
    assert len(application) == 3
    assert {tables[name] for name in application} <= leaving


def test_hosts_may_read_every_secret_that_a_setting_names(templates: dict[str, Template]) -> None:
    """Stripe's two among them: a setting `-secret-arn` that the hosts cannot read would keep them from starting."""
    data = templates["20-data"].resources
    named = {
        each["Properties"]["Value"]["Ref"]: each["Properties"]["Name"]["Fn::Sub"]
        for each in data.values()
        if each["Type"] == "AWS::SSM::Parameter" and "-secret-arn" in str(each["Properties"]["Name"])
    }
    assert {"StripeSecretKey", "StripeWebhookSecret"} <= named.keys()
    statements = templates["50-web"].resources["HostPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    readable = str(next(each for each in statements if each["Sid"] == "ReadSecrets")["Resource"])
    assert [name for name in named if f"data-{name}Arn" not in readable] == []
