"""The whole API against its contract: generated requests through the real handlers on the local AWS.

schemathesis makes requests from lambdas/openapi.yaml, valid and broken. None may be answered with a 5xx, with a status
that is not documented, or with a body or header that is not as documented.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from lambdas import runtime
from orders.adapters.aws import make_client
from orders.adapters.clock import SystemClock
from orders.adapters.dynamodb.inventory import DynamoInventory
from orders.domain.ids import Sku, new_order_id
from orders.settings import Settings
from tests.aws_resources import create_resources
from tests.gateway_shim import application
from tests.order_samples import order_body

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    negative_data_rejection,
]
PRICES = {"MUG": 1250, "BOWL": 400, "LAST": 9900}
UNBOUND = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)


@pytest.fixture(scope="module")
def inventory(aws: Any) -> Iterator[DynamoInventory]:
    """The stock behind the handlers, which run as they do on AWS: settings, clients and all."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws.client_environment().items():
            patch.setenv(name, value)
        base = Settings(aws_region=aws.region, aws_endpoint_url=aws.endpoint_url)
        stage = replace(base, **create_resources(base, prefix="api-by-example"))
        for name in ("submit_order", "get_order", "cancel_order"):
            patch.setitem(runtime._built, name, runtime.Runtime(stage, SystemClock()))
        store = DynamoInventory(make_client("dynamodb", stage), stage, SystemClock())
        for sku, price in PRICES.items():
            store.set_up_sku(Sku(sku), price, "EUR")
            store.restock(Sku(sku), 1 if sku == "LAST" else 1_000_000, f"first-{sku}")
        yield store


@pytest.fixture(scope="module")
def api(inventory: DynamoInventory) -> Any:
    """The contract, with the API behind it."""
    return schemathesis.openapi.from_wsgi("/openapi.yaml", application)


OPERATIONS = [("/orders", "POST"), ("/orders/{order_id}", "GET"), ("/orders/{order_id}/cancel", "POST")]


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_no_request_gets_a_5xx_or_an_undocumented_answer(
    api: Any, path: str, method: str, mode: GenerationMode
) -> None:
    @settings(UNBOUND, max_examples=40)
    @given(case=api[path][method].as_strategy(generation_mode=mode))
    def check(case: Case) -> None:
        case.call_and_validate(checks=CHECKS)

    check()


def test_every_operation_of_the_contract_is_tried(api: Any) -> None:
    found = {(each.ok().path, each.ok().method.upper()) for each in api.get_all_operations()}
    assert found == set(OPERATIONS)


@st.composite
def orders(draw: st.DrawFn) -> dict[str, Any]:
    """Orders whose sums are right: what they meet is stock and prices."""
    skus = draw(st.lists(st.sampled_from([*PRICES, "NOBODY"]), min_size=1, max_size=4, unique=True))
    lines = [
        (sku, draw(st.integers(1, 999)), draw(st.sampled_from([PRICES.get(sku, 100), 0, 99_999])))
        for sku in skus
    ]
    text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=120)
    body = order_body(lines, new_order_id(datetime.now(UTC)), note=draw(text))
    return {**body, "contact": {**body["contact"], "name": draw(text) or "Ada"}}


@settings(UNBOUND, max_examples=60)
@given(body=orders(), repeats=st.integers(1, 2))
def test_orders_that_add_up_are_accepted_or_refused_by_line(
    api: Any, inventory: DynamoInventory, body: dict[str, Any], repeats: int
) -> None:
    operation = api["/orders"]["POST"]
    for _ in range(repeats):
        case = operation.Case(body=body, headers={"Idempotency-Key": body["order_id"]})
        response = case.call()
        case.validate_response(response, checks=CHECKS[:-1])
        assert response.status_code in {202, 409}
        found = inventory.find_reservation(body["order_id"])
        assert (found is not None) == (response.status_code == 202)
    read = api["/orders/{order_id}"]["GET"].Case(path_parameters={"order_id": body["order_id"]})
    answer = read.call()
    read.validate_response(answer, checks=CHECKS[:-1])
    assert answer.status_code == (200 if found else 404)
    cancel = api["/orders/{order_id}/cancel"]["POST"]
    wish = cancel.Case(path_parameters={"order_id": body["order_id"]}, body={"reason": "x"})
    answer = wish.call()
    wish.validate_response(answer, checks=CHECKS[:-1])
    assert answer.status_code == (202 if found else 404)
    assert all(level.is_conserved for level in inventory.all_levels())
