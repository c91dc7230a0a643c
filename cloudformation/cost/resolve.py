"""A template as one stage deploys it: conditions decided and parameters filled in, as far as that needs no AWS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any

from cloudformation.deploy.stages import Stage
from cloudformation.deploy.template import Json, Template

NO_VALUE = "AWS::NoValue"


class Resolved:
    """One layer of one stage."""

    def __init__(self, template: Template, stage: Stage, outputs: Set[str] = frozenset()) -> None:
        """`outputs` are the outputs of the stage's other layers: a parameter of such a name is handed over."""
        keys = {
            name: f"artefact/{name}"
            for name in template.parameters
            if name.endswith(("CodeKey", "BundleKey", "BundleSha256"))
        }
        # Its value is an address that only a deployment knows; here it is enough that there is one.
        handed = dict.fromkeys(outputs & template.parameters.keys(), "handed-over")
        given = stage.parameters_for(template, keys, handed)
        self.layer = template.layer
        self.parameters: dict[str, str] = {
            name: str(given.get(name, declared.get("Default", "")))
            for name, declared in template.parameters.items()
        }
        self._conditions: Mapping[str, Any] = template.body.get("Conditions") or {}
        self._resources = template.resources

    def resources(self) -> Iterator[tuple[str, str, Json]]:
        """Logical id, type and properties of each resource that the stage gets."""
        for logical_id, resource in self._resources.items():
            condition = resource.get("Condition")
            if condition is None or self.holds(condition):
                yield logical_id, resource["Type"], self.value(resource.get("Properties", {})) or {}

    def holds(self, condition: str) -> bool:
        """Whether a named condition is true on this stage."""
        return bool(self._decide(self._conditions[condition]))

    def value(self, node: Any) -> Any:
        """A value with Ref of parameters and Fn::If resolved; other functions stay as they are."""
        if isinstance(node, list):
            return [value for item in node if (value := self.value(item)) != NO_VALUE]
        if not isinstance(node, dict):
            return node
        if set(node) == {"Ref"}:
            return NO_VALUE if node["Ref"] == NO_VALUE else self.parameters.get(node["Ref"], node)
        if set(node) == {"Fn::If"}:
            condition, then, otherwise = node["Fn::If"]
            return self.value(then if self.holds(condition) else otherwise)
        pairs = ((name, self.value(each)) for name, each in node.items())
        return {name: value for name, value in pairs if value != NO_VALUE}

    def _decide(self, node: Any) -> bool:
        ((function, arguments),) = node.items()
        if function == "Condition":
            return self.holds(arguments)
        if function == "Fn::Equals":
            first, second = (str(self.value(each)).lower() for each in arguments)
            return first == second
        decided = (self._decide(each) for each in arguments)
        if function == "Fn::Not":
            return not next(decided)
        if function == "Fn::And":
            return all(decided)
        if function == "Fn::Or":
            return any(decided)
        raise ValueError(f"{self.layer}: nobody taught the cost model {function}")
