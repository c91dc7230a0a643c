"""docs/stages.md and the bill behind it: from the templates themselves, complete, and never stale."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from cloudformation.cost.model import USAGE, Bill, bill_of
from cloudformation.cost.page import PAGE, bills, refreshed
from cloudformation.cost.prices import PriceList, Unpriced
from cloudformation.cost.rules import RULES
from cloudformation.cost.work import order_work
from cloudformation.deploy.artefacts import ROOT
from cloudformation.deploy.stages import load_stage
from cloudformation.deploy.template import Template, load_all

TEMPLATES = load_all(ROOT / "cloudformation")
USE = json.loads(USAGE.read_text("utf-8"))


def bill(stage: str = "prod", **parameters: dict[str, str]) -> Bill:
    """A stage's bill with some parameters changed, by layer with underscores."""
    chosen = load_stage(stage)
    changed = {layer: dict(values) for layer, values in chosen.parameters.items()}
    for layer, values in parameters.items():
        changed.setdefault(layer.replace("_", "-").removeprefix("layer-"), {}).update(values)
    return bill_of(dataclasses.replace(chosen, parameters=changed), TEMPLATES, PriceList(), USE)


def test_the_page_is_what_make_cost_would_write() -> None:
    """A changed template, parameter or price changes the page: run make cost."""
    text = PAGE.read_text("utf-8")
    assert text == refreshed(text), "docs/stages.md is stale: run make cost"


def test_every_resource_type_is_priced_or_free_for_a_reason() -> None:
    """And no type is both, and no reason is a shrug."""
    used = {resource["Type"] for template in TEMPLATES.values() for resource in template.resources.values()}
    free = PriceList().free
    assert used - RULES.keys() - free.keys() == set()
    assert RULES.keys() & free.keys() == set()
    assert [kind for kind, reason in free.items() if not reason.startswith("free") and len(reason) < 12] == []


def test_a_resource_that_nobody_priced_is_an_error() -> None:
    """A new kind of resource must not slip into the bill as nothing."""
    body = json.loads(json.dumps(TEMPLATES["30-messaging"].body))
    body["Resources"]["Search"] = {"Type": "AWS::OpenSearchService::Domain", "Properties": {}}
    templates = {**TEMPLATES, "30-messaging": Template("30-messaging", body)}
    with pytest.raises(Unpriced, match="30-messaging/Search: AWS::OpenSearchService::Domain"):
        bill_of(load_stage("dev"), templates, PriceList(), USE)


def test_a_size_that_nobody_priced_is_an_error() -> None:
    """Another instance class needs its price first."""
    with pytest.raises(Unpriced, match=r"rds\.db\.r9g\.metal"):
        bill(layer_20_data={"DatabaseInstanceClass": "db.r9g.metal"})


@pytest.mark.parametrize(
    ("changed", "hours_of", "times"),
    [
        ({"layer_20_data": {"DatabaseMultiAz": "false"}}, "rds.db.m8g.large", 1),
        ({"layer_10_network": {"NatPerZone": "false"}}, "nat_hour", 1),
        ({"layer_50_web": {"WebMinimum": "5"}}, "ec2.m8g.large", 8),
        ({"layer_10_network": {"InterfaceEndpoints": "false"}}, "interface_endpoint_hour", 0),
    ],
)
def test_the_bill_follows_the_parameters(changed: dict[str, Any], hours_of: str, times: int) -> None:
    """One database, one gateway, eight hosts: the hours on the bill are those of what is deployed."""
    hours = sum(line.quantity for line in bill(**changed).fixed if line.price == hours_of)
    assert hours == pytest.approx(times * PriceList().hours)


def test_a_bill_adds_up() -> None:
    """Each position is its quantity at its price; a month is what stands there and what its orders add."""
    prices = PriceList()
    for each in bills().values():
        for line in (*each.fixed, *each.per_thousand):
            assert line.usd == pytest.approx(line.quantity * prices.usd(line.price))
            assert line.quantity >= 0
        assert each.month_usd == pytest.approx(
            sum(line.usd for line in each.fixed)
            + sum(line.usd for line in each.per_thousand) * each.orders_per_month / 1000
        )


def test_prod_fits_its_own_budget() -> None:
    """The alarm of 80-monitoring must not ring in a usual month."""
    budget = float(load_stage("prod").parameters["80-monitoring"]["MonthlyBudget"])
    assert bill().month_usd < 0.8 * budget


def test_the_work_of_an_order_is_counted_from_the_products_own_items() -> None:
    """Two lines: one transaction over reservation, view and two counters; sizes as the adapter writes them."""
    work = order_work()
    assert work.transaction_items == 4
    assert work.counter_write_units == 2
    assert 1000 < work.message_bytes < work.reservation_bytes < 4096
    assert work.write_units == work.inventory_write_units + work.tracking_write_units
