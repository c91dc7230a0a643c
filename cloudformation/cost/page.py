"""docs/stages.md: the stages' parameters and what each stage costs, written from templates, stage files and prices."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from cloudformation.cost.model import USAGE, Bill, bill_of
from cloudformation.cost.prices import PriceList
from cloudformation.cost.resolve import Resolved
from cloudformation.deploy.artefacts import ROOT
from cloudformation.deploy.stages import Stage, load_stage
from cloudformation.deploy.template import Template, load_all

PAGE = ROOT / "docs" / "stages.md"
STAGES = ("local", "dev", "prod")
PAID = ("dev", "prod")
BEGIN, END = "<!-- written by make cost: {} -->", "<!-- end of {} -->"


def bills() -> dict[str, Bill]:
    """The bills of the stages that cost anything."""
    templates, prices = load_all(ROOT / "cloudformation"), PriceList()
    usage = json.loads(USAGE.read_text("utf-8"))
    return {name: bill_of(load_stage(name), templates, prices, usage) for name in PAID}


def sections() -> dict[str, str]:
    """The parts of the page that are written by the program, by name."""
    known = bills()
    return {
        "summary": _summary(known),
        "layers": _by_layer(known),
        "orders": _per_order(known),
        "parameters": _parameters(),
        "prices": f"{PriceList().statement} They were noted on {PriceList().noted_on}.",
    }


def refreshed(text: str) -> str:
    """The page with its written parts as they are now. Raises ValueError where a part's place is missing."""
    for name, content in sections().items():
        begin, end = BEGIN.format(name), END.format(name)
        if text.count(begin) != 1 or text.count(end) != 1:
            raise ValueError(f"{PAGE.name} must have one place for {name}")
        before, rest = text.split(begin)
        text = f"{before}{begin}\n\n{content}\n\n{end}{rest.split(end)[1]}"
    return text


def _money(usd: float) -> str:
    return f"{usd:,.0f}" if usd >= 100 else f"{usd:.2f}"


def _table(head: list[str], rows: Iterator[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *rows])


def _summary(known: Mapping[str, Bill]) -> str:
    def rows() -> Iterator[list[str]]:
        yield ["a month without an order", "0", *(_money(each.fixed_usd) for each in known.values())]
        yield ["a thousand orders more", "0", *(_money(each.per_thousand_usd) for each in known.values())]
        yield [
            "reckoned for so many orders a month",
            "",
            *(f"{each.orders_per_month:,}" for each in known.values()),
        ]
        yield ["a month with them", "0", *(_money(each.month_usd) for each in known.values())]
        yield [
            "a thousand orders, all in",
            "0",
            *(_money(each.whole_per_thousand_usd) for each in known.values()),
        ]

    return _table(["US dollars", *STAGES], rows())


def _by_layer(known: Mapping[str, Bill]) -> str:
    def rows() -> Iterator[list[str]]:
        layers = list(dict.fromkeys(line.layer for each in known.values() for line in each.fixed))
        for layer in sorted(layers):
            sums = [sum(line.usd for line in each.fixed if line.layer == layer) for each in known.values()]
            largest: dict[str, float] = {}
            for line in known["prod"].fixed:
                if line.layer == layer:
                    largest[line.what] = largest.get(line.what, 0.0) + line.usd
            top = sorted(largest, key=lambda what: -largest[what])[:3]
            named = ", ".join(f"{what} {_money(largest[what])}" for what in top)
            yield [layer, *(_money(each) for each in sums), named]

    return _table(["Layer", *PAID, "most of it on prod"], rows())


def _per_order(known: Mapping[str, Bill]) -> str:
    prices = PriceList()

    def rows() -> Iterator[list[str]]:
        for first, second in zip(*(each.per_thousand for each in known.values()), strict=True):
            quantity = f"{second.quantity:,.4g} × {prices.unit(second.price)}"
            yield [first.what, f"{first.usd:.4f}", f"{second.usd:.4f}", quantity]

    return _table(["Hop", *PAID, "on prod"], rows())


def _parameters() -> str:
    templates = load_all(ROOT / "cloudformation")
    stages = {name: load_stage(name) for name in STAGES}

    def rows() -> Iterator[list[str]]:
        for layer, template in templates.items():
            values = {name: _values(template, stage, templates) for name, stage in stages.items()}
            for parameter, declared in template.parameters.items():
                if parameter == "Stage" or parameter.endswith(("CodeKey", "BundleKey", "BundleSha256")):
                    continue
                cells = [values[name].get(parameter, "–") for name in STAGES]
                yield [layer, f"`{parameter}`", *cells, declared["Description"].replace("|", "\\|")]

    head = ["Layer", "Parameter", *STAGES, "What it is"]
    return _table(head, rows())


def _values(template: Template, stage: Stage, known: Mapping[str, Template]) -> dict[str, str]:
    """What a stage gives a layer: its own choice in bold, the default plain; nothing where it lacks the layer."""
    if template.layer not in stage.layers:
        return {}
    handed = {name for layer in stage.layers for name in known[layer].handed_over}
    chosen = {**stage.shared, **stage.parameters.get(template.layer, {})}
    values = {}
    for name, value in Resolved(template, stage, handed).parameters.items():
        if name in chosen:
            values[name] = f"**{value}**"
        else:
            values[name] = "(handed over)" if value == "handed-over" else (value or "(empty)")
    return values
