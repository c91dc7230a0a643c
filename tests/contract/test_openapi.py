"""The API's contract and the Lambdas' own checks say the same, field for field; and the gateway can take it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import marshmallow
import pytest
import yaml
from marshmallow import fields, validate

from orders.domain.errors import RefusalReason
from orders.domain.ids import is_order_id
from orders.domain.order import FulfilmentStatus, OrderStatus, PaymentStatus, Stage
from orders.messages import schemas

OPENAPI = Path(__file__).parents[2] / "lambdas" / "openapi.yaml"
SCHEMAS: dict[str, type[marshmallow.Schema]] = {
    "OrderRequest": schemas.OrderRequestSchema,
    "Line": schemas.LineSchema,
    "Contact": schemas.ContactSchema,
    "Address": schemas.AddressSchema,
    "Shipping": schemas.ShippingSchema,
    "Tax": schemas.TaxSchema,
    "Payment": schemas.PaymentSchema,
    "CancellationWish": schemas.CancellationSchema,
}
ORDER_ID_PATTERN = "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    """lambdas/openapi.yaml."""
    loaded: dict[str, Any] = yaml.safe_load(OPENAPI.read_text("utf-8"))
    return loaded


def told(field: fields.Field[Any]) -> dict[str, Any]:
    """What a marshmallow field says, in the words of OpenAPI."""
    said: dict[str, Any] = {}
    for validator in field.validators:
        if isinstance(validator, validate.Length):
            kind = {fields.List: "Items", fields.Dict: "Properties"}.get(type(field), "Length")
            said |= {f"min{kind}": validator.min, f"max{kind}": validator.max}
        elif isinstance(validator, validate.Range):
            said |= {"minimum": validator.min, "maximum": validator.max}
        elif isinstance(validator, validate.Regexp):
            said["pattern"] = validator.regex.pattern
    if isinstance(field, fields.Nested):
        name = next(name for name, schema in SCHEMAS.items() if isinstance(field.schema, schema))
        said["$ref"] = f"#/components/schemas/{name}"
    elif isinstance(field, fields.List):
        said |= {"type": "array", "items": told(field.inner)}
    elif isinstance(field, fields.Dict):
        said |= {"type": "object", "additionalProperties": told(field.value_field)}
    elif isinstance(field, fields.Integer):
        said["type"] = "integer"
    elif isinstance(field, fields.Boolean):
        said["type"] = "boolean"
    else:
        said["type"] = "string"
        if isinstance(field, fields.Email):
            said["format"] = "email"
            said.pop("pattern", None)
    return {name: value for name, value in said.items() if value is not None}


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_field_type_and_limit_is_the_same_in_both(contract: dict[str, Any], name: str) -> None:
    ours = SCHEMAS[name]().fields
    theirs = contract["components"]["schemas"][name]
    assert theirs["additionalProperties"] is False
    assert sorted(theirs.get("required", [])) == sorted(key for key, field in ours.items() if field.required)
    assert set(theirs["properties"]) == set(ours)
    for key, field in ours.items():
        expected = told(field)
        if key == "order_id":
            expected["pattern"] = ORDER_ID_PATTERN
        found = {word: value for word, value in theirs["properties"][key].items() if word != "description"}
        assert found == expected, key


def test_the_pattern_of_an_order_id_is_the_domains() -> None:
    """The domain checks it by function; both must agree on what matters."""
    for text in (
        "01890a5d-ac96-774b-bcce-b302099a8057",
        "01890a5d-ac96-474b-bcce-b302099a8057",
        "01890A5D-ac96-774b-bcce-b302099a8057",
        "01890a5d-ac96-774b-7cce-b302099a8057",
        "01890a5d-ac96-774b-bcce-b302099a805",
    ):
        assert bool(re.fullmatch(ORDER_ID_PATTERN, text)) == is_order_id(text), text


@pytest.mark.parametrize(
    ("schema", "key", "values"),
    [
        ("OrderTracking", "stage", Stage),
        ("OrderTracking", "order_status", OrderStatus),
        ("OrderTracking", "payment_status", PaymentStatus),
        ("OrderTracking", "fulfilment_status", FulfilmentStatus),
        ("RefusedLine", "reason", RefusalReason),
    ],
)
def test_every_word_of_an_answer_is_listed(
    contract: dict[str, Any], schema: str, key: str, values: Any
) -> None:
    assert contract["components"]["schemas"][schema]["properties"][key]["enum"] == [str(v) for v in values]


def operations(contract: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in contract["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_operation_is_signed_validated_and_served_by_a_lambda(contract: dict[str, Any]) -> None:
    assert contract["security"] == [{"sigv4": []}]
    validator = contract["x-amazon-apigateway-request-validator"]
    assert contract["x-amazon-apigateway-request-validators"][validator] == {
        "validateRequestBody": True,
        "validateRequestParameters": True,
    }
    for name, operation in operations(contract):
        assert "security" not in operation, name
        integration = operation["x-amazon-apigateway-integration"]
        assert (integration["type"], integration["httpMethod"]) == ("aws_proxy", "POST"), name
        alias = operation["operationId"][0].upper() + operation["operationId"][1:] + "Alias"
        assert f"${{{alias}}}" in integration["uri"]["Fn::Sub"], name


def test_every_error_is_problem_json(contract: dict[str, Any]) -> None:
    for name, operation in operations(contract):
        for status, response in operation["responses"].items():
            if "$ref" in response:
                response = contract["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
            kind = "application/json" if status < "300" else "application/problem+json"
            assert list(response["content"]) == [kind], f"{name} {status}"


def test_it_keeps_to_what_the_gateway_understands(contract: dict[str, Any]) -> None:
    """API Gateway refuses or silently drops these (its "important notes" on OpenAPI)."""
    text = OPENAPI.read_text("utf-8")
    for word in ("nullable:", "propertyNames:", "exclusiveMinimum:", "discriminator:", "oneOf:", "anyOf:"):
        assert not re.search(rf"^[^#]*\b{word}", text, re.MULTILINE), word
    assert all(name.isalnum() for name in contract["components"]["schemas"])
    assert contract["openapi"] == "3.0.1"
