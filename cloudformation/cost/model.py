"""The monthly cost of a stage, resource by resource, and the cost of a thousand orders, hop by hop.

Every resource type of the templates must be known here: with a rule that prices it, or in the price file as free with
the reason. A type that is neither is an error, so that nothing new is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloudformation.cost.prices import PriceList, Unpriced
from cloudformation.cost.resolve import Resolved
from cloudformation.cost.rules import RULES, StageLook
from cloudformation.cost.work import OrderWork, order_work
from cloudformation.deploy.stages import Stage
from cloudformation.deploy.template import Json, Template

USAGE = Path(__file__).resolve().parent / "usage.json"


@dataclass(frozen=True)
class Line:
    """One position of the bill."""

    layer: str
    what: str
    quantity: float
    price: str
    usd: float


@dataclass(frozen=True)
class Bill:
    """What a stage costs in a month, whether anybody orders or not, and what a thousand orders add."""

    stage: str
    fixed: tuple[Line, ...]
    per_thousand: tuple[Line, ...]
    orders_per_month: int

    @property
    def fixed_usd(self) -> float:
        """In a month without orders."""
        return sum(line.usd for line in self.fixed)

    @property
    def per_thousand_usd(self) -> float:
        """What a thousand orders add."""
        return sum(line.usd for line in self.per_thousand)

    @property
    def month_usd(self) -> float:
        """With the orders that the stage is reckoned for."""
        return self.fixed_usd + self.per_thousand_usd * self.orders_per_month / 1000

    @property
    def whole_per_thousand_usd(self) -> float:
        """A thousand orders with their share of what stands there anyway."""
        return self.month_usd / self.orders_per_month * 1000


def bill_of(stage: Stage, templates: Mapping[str, Template], prices: PriceList, usage: Json) -> Bill:
    """The bill of a stage. Raises Unpriced for a resource type without a rule or a reason to be free."""
    chosen = {layer: templates[layer] for layer in stage.layers}
    outputs = {name for template in chosen.values() for name in template.handed_over}
    layers = {layer: Resolved(template, stage, outputs) for layer, template in chosen.items()}
    use = usage["stages"][stage.name]
    looked = StageLook(layers, prices, use)
    lines = [line for layer in layers.values() for line in _lines(layer, looked)]
    lines.append(_line("other", "logs that come anyway", use["other_log_gb"], "log_ingest_gb", prices))
    orders = tuple(_per_thousand(order_work(), usage["order"], layers, prices))
    return Bill(stage.name, tuple(lines), orders, int(use["orders_per_month"]))


def _lines(layer: Resolved, stage: StageLook) -> Iterator[Line]:
    for logical_id, kind, properties in layer.resources():
        if kind in RULES:
            for what, price, quantity in RULES[kind](properties, stage):
                yield _line(layer.layer, f"{logical_id} {what}".strip(), quantity, price, stage.prices)
        elif kind not in stage.prices.free:
            raise Unpriced(f"{layer.layer}/{logical_id}: {kind} has neither a price nor a reason to be free")


def _line(layer: str, what: str, quantity: float, price: str, prices: PriceList) -> Line:
    return Line(layer, what, quantity, price, quantity * prices.usd(price))


def _per_thousand(
    work: OrderWork, order: Mapping[str, Any], layers: Mapping[str, Resolved], prices: PriceList
) -> Iterator[Line]:
    """What a thousand orders add, in the order of their way."""
    thousand = 1000
    files = order["pages"] + order["static_files"]
    memory = {
        name: float(properties["MemorySize"]) / 1024
        for name, kind, properties in layers["40-orders"].resources()
        if kind == "AWS::Lambda::Function"
    }
    seconds = memory["SubmitOrderFunction"] * order["submit_milliseconds"] / 1000
    seconds += memory["NotifyCustomerFunction"] * order["notify_milliseconds"] / 1000 * order["emails"]
    has_firewall = any(
        kind == "AWS::WAFv2::WebACL" for each in layers.values() for _, kind, _ in each.resources()
    )
    positions = [
        ("browser: requests at the edge", thousand * files / 10_000, "cloudfront_requests_10k"),
        ("browser: bytes out", thousand * order["megabytes_out"] / 1000, "cloudfront_gb"),
        ("edge: firewall", thousand * files / 1e6 if has_firewall else 0.0, "waf_million"),
        # One capacity unit is 25 new connections a second; CloudFront keeps its own open, so bytes decide: 1 GB an hour.
        ("load balancer: capacity", thousand * order["megabytes_out"] / 1000, "alb_lcu_hour"),
        ("order API: requests", thousand / 1e6, "api_gateway_million"),
        ("Lambda: calls", thousand * (1 + order["emails"]) / 1e6, "lambda_million"),
        ("Lambda: time", thousand * seconds / 1e6, "lambda_gb_second_million"),
        ("DynamoDB: writes", thousand * work.write_units / 1e6, "dynamodb_write_million"),
        ("DynamoDB: reads", thousand * order["pages"] * 0.5 / 1e6, "dynamodb_read_million"),
        # Sent, received and deleted; the worker receives and deletes in tens at best, in ones at worst.
        ("SQS: requests", thousand * order["messages"] * 3 / 1e6, "sqs_million"),
        ("SNS: publishes", thousand * order["emails"] / 1e6, "sns_million"),
        ("SES: e-mails", order["emails"], "ses_thousand"),
        ("database: a year's storage", thousand * order["database_kilobytes"] * 12 / 1e6, "rds_gp3_gb"),
        ("logs", thousand * order["log_kilobytes"] / 1e6, "log_ingest_gb"),
        ("traces", thousand * order["pages"] * order["trace_share"] / 1e6, "xray_million"),
    ]
    for what, quantity, price in positions:
        yield _line("orders", what, quantity, price, prices)
