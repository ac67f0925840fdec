"""The stages of model files: which are united, and their names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from archcalc.api import Network, load
from archcalc.graph import Graph, Origin
from archcalc.spec import Source, read_spec
from archcalc.writers.spec.compact import forms, is_same, write_compact
from archcalc.writers.spec.stages import with_united_stages

KERAS = Path(__file__).parents[2] / "readers" / "keras" / "files"


def from_file(*layers: str, shape: str = "3x16x16") -> Graph:
    """Return a network as a model file gives it: every layer is a stage, and has an origin."""
    text = "\n".join([f"inputs: {{x: {shape}}}", "layers:", *(f"  - {layer}" for layer in layers)])
    graph = read_spec(Source("net.yaml", text)).graph
    origin = Origin("", "", "", "")
    return replace(graph, nodes=tuple([replace(node, origin=origin) for node in graph.nodes]))


def written(*layers: str, shape: str = "3x16x16") -> list[str]:
    """Return the stages of the spec of a model file."""
    network = from_file(*layers, shape=shape)
    text = write_compact(network)
    assert any(is_same(form, text) for form in forms(network))
    lines = text.splitlines()
    return [line.removeprefix("  - ") for line in lines[lines.index("layers:") + 1 :]]


def test_layers_belong_to_the_layer_of_weights_before_them() -> None:
    assert written(
        "conv1: conv 8 k3 p1 nobias", "bn1: bn", "relu: relu", "pool: maxpool 2", "conv2: conv 9 k3", "act: relu"
    ) == ["conv1: conv 8 k3 p1 nobias -> bn -> relu -> maxpool 2", "conv2: conv 9 k3 -> relu"]


def test_what_makes_a_vector_belongs_to_the_fully_connected_layer_behind() -> None:
    assert written("conv: conv 8 k3", "act: relu", "avgpool: gap", "drop: dropout", "fc: fc 10") == [
        "conv: conv 8 k3 -> relu",
        "fc: gap -> dropout -> fc classes",
    ]


def test_names_of_the_same_beginning_are_one_stage() -> None:
    layers = [f"block{stage}_conv{each}: conv {8 * stage} k3 p1" for stage in (1, 2) for each in (1, 2)]
    assert written(*layers, "predictions: fc 10") == [
        "block1: (conv 8 k3 p1)*2",
        "block2: (conv 16 k3 p1)*2",
        "predictions: fc classes",
    ]


def test_branches_that_meet_again_are_one_stage_however_they_are_interleaved() -> None:
    layers = ["a: conv 8 k3 p1", "b: conv 8 k1", "c: '@a -> conv 8 k3 p1'", "d: '@b -> relu'", "out: add(@c, @d)"]
    assert written(*layers) == ["a: conv 8 k3 p1", "out: add(conv 8 k3 p1, conv 8 k1 -> relu)"]


def test_joins_named_after_their_operator_are_numbered_stages() -> None:
    unit = ["c{0}: conv 8 k3 p1", "r{0}: relu", "add_{0}: add(@{1}, identity)"]
    before = ["start", "add_1", "add_2"]
    layers = [line.format(number + 1, before[number]) for number in range(3) for line in unit]
    assert written("start: conv 8 k3 p1", *layers) == [
        "start: conv 8 k3 p1",
        "stage: (add(identity, conv 8 k3 p1 -> relu))*3",
    ]


def test_a_tensor_that_is_an_output_ends_its_stage() -> None:
    text = "inputs: {x: 3x8x8}\nlayers:\n  - a: conv 4 k3\n  - b: relu\n  - c: conv 5 k3\nheads: {seen: '@a'}"
    graph = read_spec(Source("net.yaml", text)).graph
    origin = Origin("", "", "", "")
    graph = replace(graph, nodes=tuple([replace(node, origin=origin) for node in graph.nodes]))
    again = read_spec(Source("again.yaml", write_compact(graph))).graph
    assert [again.shape(ref) for ref in again.outputs.values()] == [graph.shape(ref) for ref in graph.outputs.values()]


def test_a_tensor_that_is_read_far_behind_keeps_its_name() -> None:
    layers = [
        "a: conv 8 k3 p1",
        "b: maxpool 2",
        "c: conv 8 k3 p1",
        "d: upsample 2",
        "e: concat(@a, identity)",
        "f: relu",
    ]
    assert "add" not in "".join(written(*layers))


def test_the_only_input_has_the_name_of_the_language() -> None:
    assert [*with_united_stages(from_file("a: conv 4 k3")).inputs] == ["input"]
    two = from_file("a: conv 4 k3", "input: conv 4 k3")
    assert [*with_united_stages(two).inputs] == ["x"]


def test_names_that_the_language_does_not_allow_are_replaced() -> None:
    network = from_file("a: conv 4 k3 p1", "b: add(@x, @other)", "c: relu", shape="4x8x8, other: 4x8x8")
    nodes = list(network.nodes)
    nodes[1] = replace(nodes[1], name="Sub/y:0", path=("Sub/y:0",), stage="Sub/y:0")
    nodes[2] = replace(nodes[2], name="Cast:0", path=("Cast:0",), stage="Cast:0")
    stages = {{"other": "Sub/y:0", "a": "Cast:0"}.get(name, name): ref for name, ref in network.stages.items()}
    text = write_compact(replace(network, nodes=tuple(nodes), stages=stages))
    assert [*read_spec(Source("again.yaml", text)).graph.inputs] == ["x", "Sub_y_0"]


def test_the_stages_of_a_spec_are_kept() -> None:
    network = load("alexnet").graph
    assert with_united_stages(network) is network


LINES = {"ResNet50": 25, "MobileNetV2": 25, "ConvNeXtTiny": 22, "vision_transformer": 15, "two_ends": 30}
"""At most this many lines."""


@pytest.mark.slow
@pytest.mark.parametrize("name", LINES)
def test_keras_models_read_as_the_same_network(name: str) -> None:
    network = load(str(KERAS / f"{name}.keras"))
    text = write_compact(network.graph)
    again = Network(read_spec(Source("again.yaml", text)))
    assert any(is_same(form, text) for form in forms(network.graph))
    before, after = network.analyze().totals, again.analyze().totals
    assert (before.macs, before.trainable, before.params) == (after.macs, after.trainable, after.params)
    assert len(text.splitlines()) <= LINES[name]
