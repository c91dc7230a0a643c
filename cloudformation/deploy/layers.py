"""The order of the layers, read from what they export and import; nobody writes it down a second time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from cloudformation.deploy.errors import TemplateError
from cloudformation.deploy.template import Template


def in_order(templates: Mapping[str, Template], stage: str) -> list[Template]:
    """Templates sorted so that each comes after every layer it imports or is handed something from; equal ones by number.

    Raises TemplateError for an import that no layer exports, a name exported twice, or a circle.
    """
    exporters = _exporters(templates.values(), stage)
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for template in templates.values():
        missing = template.imports(stage) - exporters.keys()
        if missing:
            raise TemplateError(
                f"{template.layer} imports what no layer exports: {', '.join(sorted(missing))}"
            )
        givers = [
            other.layer for other in templates.values() if other.handed_over & template.parameters.keys()
        ]
        sorter.add(template.layer, *(exporters[name] for name in template.imports(stage)), *givers)
    try:
        sorter.prepare()
    except CycleError as error:
        raise TemplateError(
            f"layers import from each other in a circle: {' -> '.join(error.args[1])}"
        ) from error
    ordered: list[Template] = []
    ready: list[str] = []
    while sorter.is_active():
        ready += sorter.get_ready()
        ready.sort()
        layer = ready.pop(0)
        ordered.append(templates[layer])
        sorter.done(layer)
    return ordered


def _exporters(templates: Iterable[Template], stage: str) -> dict[str, str]:
    exporters: dict[str, str] = {}
    for template in templates:
        for name in template.exports(stage):
            if name in exporters:
                raise TemplateError(f"{template.layer} and {exporters[name]} both export {name}")
            exporters[name] = template.layer
    return exporters
