"""Templates as data: reads one layer's YAML, puts included files in place, stamps what must be new on each change.

AWS keeps two kinds of resource as unchangeable snapshots: a published Lambda version and an API Gateway deployment.
A changed function or API takes effect only when such a resource gets a new logical id. The templates name them plainly;
`stamp_snapshots` ends their ids with a hash of what they are a snapshot of.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cloudformation.deploy.errors import TemplateError

Json = dict[str, Any]

STACK_PREFIX = "cartwright"
_TEXT_INCLUDE = "#include "
_VARIABLE = re.compile(r"\$\{[A-Za-z0-9:.]+\}")
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _TemplateLoader(_Loader):  # type: ignore[misc]
    """YAML with CloudFormation's short tags, read into their long forms."""


def _short_tag(loader: Any, suffix: str, node: yaml.Node) -> Json:
    key = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {key: value}


_TemplateLoader.add_multi_constructor("!", _short_tag)
# A date stays the text that was written: "2012-10-17" is a policy version, not a day.
_TemplateLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in _TemplateLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class Template:
    """One layer: its file's stem (`20-data`), and its content with included files in place."""

    layer: str
    body: Json

    @property
    def name(self) -> str:
        """The layer's name without its number: `data`."""
        return self.layer.split("-", 1)[1]

    def stack_name(self, stage: str) -> str:
        """The name of this layer's stack on a stage."""
        return f"{STACK_PREFIX}-{stage}-{self.name}"

    @property
    def parameters(self) -> Mapping[str, Json]:
        """The declared parameters."""
        parameters: Mapping[str, Json] = self.body.get("Parameters") or {}
        return parameters

    @property
    def resources(self) -> Mapping[str, Json]:
        """The declared resources by logical id."""
        resources: Mapping[str, Json] = self.body["Resources"]
        return resources

    def exports(self, stage: str) -> set[str]:
        """The names this layer exports on a stage."""
        outputs = (self.body.get("Outputs") or {}).values()
        return {self._name(output["Export"]["Name"], stage) for output in outputs if "Export" in output}

    @property
    def handed_over(self) -> set[str]:
        """The outputs that are not exported: the deployer gives each to the later layers' parameter of that name.

        Exports do not cross regions; this does.
        """
        return {name for name, output in (self.body.get("Outputs") or {}).items() if "Export" not in output}

    def imports(self, stage: str) -> set[str]:
        """The exported names this layer needs on a stage, wherever they stand in the template."""
        return {self._name(value, stage) for value in find(self.body, "Fn::ImportValue")}

    def _name(self, value: Any, stage: str) -> str:
        text = value.get("Fn::Sub") if isinstance(value, dict) else value
        if not isinstance(text, str):
            raise TemplateError(
                f"{self.layer}: an export's or import's name must be a text or a plain Fn::Sub"
            )
        name = text.replace("${AWS::StackName}", self.stack_name(stage)).replace("${Stage}", stage)
        if "${" in name:
            raise TemplateError(f"{self.layer}: {text!r} may hold ${{Stage}} and ${{AWS::StackName}} only")
        return name


def load(path: Path) -> Template:
    """Read one template. Raises TemplateError where it, or a file it includes, cannot be read."""
    body = _include(_parse(path), path.parent)
    if not isinstance(body, dict) or not body.get("Resources"):
        raise TemplateError(f"{path.name} has no Resources")
    return Template(path.stem, body)


def load_all(folder: Path) -> dict[str, Template]:
    """Every numbered template of a folder, by layer, in the order of their numbers."""
    return {path.stem: load(path) for path in sorted(folder.glob("[0-9][0-9]-*.yaml"))}


def _parse(path: Path) -> Any:
    try:
        return yaml.load(path.read_bytes(), Loader=_TemplateLoader)  # noqa: S506  (built on the safe loader)
    except (OSError, yaml.YAMLError) as error:
        raise TemplateError(f"cannot read {path}: {error}") from error


def _include(node: Any, folder: Path) -> Any:
    """Put the files named by `Fn::Transform: AWS::Include` with a relative Location in place, and texts by `#include`.

    AWS itself includes from S3 only. A relative path keeps one source beside the code that answers to it,
    and the change set then shows what really changes.
    """
    if isinstance(node, str) and node.startswith(_TEXT_INCLUDE):
        return _text(node, folder)
    if isinstance(node, list):
        return [_include(item, folder) for item in node]
    if not isinstance(node, dict):
        return node
    transform = node.get("Fn::Transform")
    if isinstance(transform, dict) and transform.get("Name") == "AWS::Include":
        location = str(transform["Parameters"]["Location"])
        if "://" not in location:
            return _include(_parse((folder / location).resolve()), folder)
    return {key: _include(value, folder) for key, value in node.items()}


def _text(node: str, folder: Path) -> str:
    """The file behind `#include PATH ${Variable} ...`, which must use exactly the variables named after it.

    They are named so that a linter, which sees only the template, knows what Fn::Sub will find in the text.
    """
    location, *named = node.removeprefix(_TEXT_INCLUDE).split()
    try:
        text = (folder / location).resolve().read_text("utf-8")
    except OSError as error:
        raise TemplateError(f"cannot read {location}: {error}") from error
    used = set(_VARIABLE.findall(text))
    if used != set(named):
        raise TemplateError(
            f"{location} and its #include name different variables: {', '.join(sorted(used ^ set(named)))}"
        )
    return text


def find(node: Any, key: str) -> Iterator[Any]:
    """Every value held under `key` anywhere in a template."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name == key:
                yield value
            yield from find(value, key)
    elif isinstance(node, list):
        for item in node:
            yield from find(item, key)


def stamp_snapshots(template: Template, parameters: Mapping[str, str]) -> Json:
    """The template's body with a content hash at the end of each snapshot's logical id, references included."""
    renames = {}
    for logical_id, resource in template.resources.items():
        if resource["Type"] == "AWS::Lambda::Version":
            function = resource["Properties"]["FunctionName"]["Ref"]
            subject: Any = template.resources[function]["Properties"]
        elif resource["Type"] == "AWS::ApiGateway::Deployment":
            subject = _api_parts(template)
        else:
            continue
        renames[logical_id] = logical_id + _digest(_with_parameters(subject, parameters))
    return _rename(template.body, renames) if renames else template.body


def _api_parts(template: Template) -> Json:
    changing = {"AWS::ApiGateway::Deployment", "AWS::ApiGateway::Stage"}
    return {
        logical_id: resource
        for logical_id, resource in template.resources.items()
        if resource["Type"].startswith("AWS::ApiGateway::") and resource["Type"] not in changing
    }


def _with_parameters(node: Any, parameters: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        if set(node) == {"Ref"} and node["Ref"] in parameters:
            return parameters[node["Ref"]]
        return {key: _with_parameters(value, parameters) for key, value in node.items()}
    if isinstance(node, list):
        return [_with_parameters(item, parameters) for item in node]
    return node


def _rename(node: Any, renames: Mapping[str, str]) -> Any:
    if isinstance(node, list):
        return [_rename(item, renames) for item in node]
    if not isinstance(node, dict):
        return node
    renamed: Json = {}
    for key, value in node.items():
        if key == "Ref" and value in renames:
            renamed[key] = renames[value]
        elif key == "Fn::GetAtt" and value[0] in renames:
            renamed[key] = [renames[value[0]], *value[1:]]
        elif key == "DependsOn":
            names = [value] if isinstance(value, str) else value
            renamed[key] = [renames.get(name, name) for name in names]
        elif key == "Resources":
            renamed[key] = {renames.get(name, name): _rename(item, renames) for name, item in value.items()}
        else:
            renamed[key] = _rename(value, renames)
    return renamed


def _digest(subject: Any) -> str:
    return hashlib.sha256(json.dumps(subject, sort_keys=True).encode()).hexdigest()[:10]


def render(body: Json) -> str:
    """The text that is sent to CloudFormation: compact JSON, with the resources in a fixed order."""
    return json.dumps(body, separators=(",", ":"))
