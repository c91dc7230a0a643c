"""The layers and their order come from exports and imports alone."""

from __future__ import annotations

import pytest

from cloudformation.deploy.errors import TemplateError
from cloudformation.deploy.layers import in_order
from cloudformation.deploy.stages import load_stage
from cloudformation.deploy.template import Template

STAGES = ("local", "dev", "prod")


def layer(name: str, exports: tuple[str, ...] = (), imports: tuple[str, ...] = ()) -> Template:
    """A template that only exports and imports."""
    return Template(
        name,
        {
            "Resources": {
                "It": {
                    "Type": "AWS::SQS::Queue",
                    "Properties": {"Tags": [{"Fn::ImportValue": {"Fn::Sub": text}} for text in imports]},
                }
            },
            "Outputs": {
                f"Out{i}": {"Value": "x", "Export": {"Name": {"Fn::Sub": text}}}
                for i, text in enumerate(exports)
            },
        },
    )


@pytest.mark.parametrize("stage", STAGES)
def test_every_import_is_exported_by_a_layer_with_a_smaller_number(
    templates: dict[str, Template], stage: str
) -> None:
    """The numbers of the files tell a reader the order, so they must agree with the graph."""
    exported: set[str] = set()
    for name, template in sorted(templates.items()):
        missing = template.imports(stage) - exported
        assert not missing, f"{name} imports {sorted(missing)} before a layer exports it"
        exported |= template.exports(stage)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stages_layers_need_nothing_outside_the_stage(templates: dict[str, Template], stage: str) -> None:
    """A stage lists every layer that its layers import from, and the sorted order is the order of the numbers."""
    layers = load_stage(stage).layers
    ordered = in_order({name: templates[name] for name in layers}, stage)
    assert [template.layer for template in ordered] == sorted(layers)


def test_an_importer_comes_after_its_exporter_whatever_their_numbers() -> None:
    """The graph decides, not the file name."""
    first, second = (
        layer("20-b", ("${AWS::StackName}-X",)),
        layer("10-a", imports=("cartwright-${Stage}-b-X",)),
    )
    assert [each.layer for each in in_order({"10-a": second, "20-b": first}, "dev")] == ["20-b", "10-a"]


def test_an_import_that_nobody_exports_is_refused_by_name() -> None:
    """The message names the layer and the missing export."""
    with pytest.raises(TemplateError, match="10-a imports what no layer exports: cartwright-dev-b-X"):
        in_order({"10-a": layer("10-a", imports=("cartwright-${Stage}-b-X",))}, "dev")


def test_a_circle_is_refused() -> None:
    """Two layers that import from each other could never be created."""
    one = layer("10-a", ("${AWS::StackName}-X",), ("cartwright-${Stage}-b-Y",))
    two = layer("20-b", ("${AWS::StackName}-Y",), ("cartwright-${Stage}-a-X",))
    with pytest.raises(TemplateError, match="circle"):
        in_order({"10-a": one, "20-b": two}, "dev")


def test_an_export_with_two_owners_is_refused() -> None:
    """Export names are unique in an account's region."""
    with pytest.raises(TemplateError, match="both export"):
        in_order({"10-a": layer("10-a", ("same",)), "20-b": layer("20-b", ("same",))}, "dev")
