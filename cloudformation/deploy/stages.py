"""The settings of a stage: which layers it has, what their parameters are, and how carefully it is treated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cloudformation.deploy.errors import TemplateError
from cloudformation.deploy.template import Template

PARAMETERS_FOLDER = Path(__file__).resolve().parent.parent / "parameters"
_KEYS = {"comment", "layers", "regions", "is_protected", "is_destroyable", "tags", "shared", "parameters"}


@dataclass(frozen=True)
class Stage:
    """One deployment stage. `is_protected` turns on termination protection and stack policies.

    `regions` names the layers that belong into another region than the stage's own. `shared` holds for every layer
    that has a parameter of that name; a layer's own value goes before it.
    """

    name: str
    layers: tuple[str, ...]
    is_protected: bool
    is_destroyable: bool
    tags: Mapping[str, str]
    parameters: Mapping[str, Mapping[str, str]]
    regions: Mapping[str, str] = field(default_factory=dict)
    shared: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_local(self) -> bool:
        """Whether this is the laptop, where the local AWS stands in for AWS."""
        return self.name == "local"

    def parameters_for(
        self,
        template: Template,
        artefact_keys: Mapping[str, str],
        handed_over: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        """The value of each parameter of a template that is not left to its default.

        Stage is the stage's name; XyzCodeKey is the key of the uploaded artefact `xyz`; `handed_over` are the outputs
        of earlier layers, which go after what the stage's file says. Raises TemplateError for a
        parameter that the template does not know and for one that has neither value nor default.
        """
        given = dict(self.parameters.get(template.layer, {}))
        unknown = given.keys() - template.parameters.keys()
        if unknown:
            raise TemplateError(
                f"{self.name}.json sets what {template.layer} does not know: {sorted(unknown)}"
            )
        values = {}
        for name, declared in template.parameters.items():
            if name == "Stage":
                values[name] = self.name
            elif name in artefact_keys:
                values[name] = artefact_keys[name]
            elif name in given:
                values[name] = given[name]
            elif name in self.shared:
                values[name] = self.shared[name]
            elif handed_over and handed_over.get(name):
                values[name] = handed_over[name]
            elif "Default" not in declared:
                raise TemplateError(f"{template.layer} needs {name}: set it in parameters/{self.name}.json")
        return values


def load_stage(name: str, folder: Path = PARAMETERS_FOLDER) -> Stage:
    """Read a stage's settings. Raises TemplateError with what is wrong."""
    path = folder / f"{name}.json"
    if not path.is_file():
        known = ", ".join(sorted(each.stem for each in folder.glob("*.json")))
        raise TemplateError(f"there is no stage {name!r}; parameters/ knows {known}")
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TemplateError(f"{path.name} is not JSON: {error}") from error
    if unknown := data.keys() - _KEYS:
        raise TemplateError(f"{path.name} has unknown keys: {', '.join(sorted(unknown))}")
    parameters = {layer: _texts(values) for layer, values in data.get("parameters", {}).items()}
    regions = data.get("regions", {})
    if strangers := (parameters.keys() | regions.keys()) - set(data["layers"]):
        raise TemplateError(f"{path.name} speaks of layers that it does not list: {sorted(strangers)}")
    return Stage(
        name=name,
        layers=tuple(data["layers"]),
        is_protected=bool(data["is_protected"]),
        is_destroyable=bool(data["is_destroyable"]),
        tags={"app": "cartwright", "stage": name, **data.get("tags", {})},
        parameters=parameters,
        regions=regions,
        shared=_texts(data.get("shared", {})),
    )


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    """JSON's true is CloudFormation's "true"."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
