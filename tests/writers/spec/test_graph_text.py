"""Graphs written back as spec files: reading them again gives the same network."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings

import archcalc
from archcalc.analysis.fold import fold
from archcalc.analysis.propagate import analyze
from archcalc.graph import Graph, Input, Node, Ref
from archcalc.ops.base import REGISTRY, Operator
from archcalc.ops.dense import FullyConnected
from archcalc.spec import SpecError
from archcalc.writers.spec.graph_text import write_graph
from tests.random_networks import networks
from tests.sample import SAMPLE
from tests.spec.reading import chain, graph, names

few = settings(max_examples=60)


def attributes(op: Operator) -> dict[str, Any]:
    """Return the attributes of an operator, with one entry for equal axes, however many were written."""
    return {each.name: _once(getattr(op, each.name)) for each in fields(op)}


def _once(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) and value and len(set(value)) == 1 else value


def same_layers(one: Graph, other: Graph) -> None:
    """Require the same operators on the same tensors, and the same outputs; names may differ."""
    assert one.inputs == other.inputs
    assert (one.name, one.layout) == (other.name, other.layout)
    for a, b in zip(one.layers(), other.layers(), strict=True):
        assert (a[0], a[1].inputs, a[1].outputs) == (b[0], b[1].inputs, b[1].outputs)
        assert (a[1].head, a[1].training) == (b[1].head, b[1].training)
        assert type(a[1].op) is type(b[1].op)
        assert attributes(a[1].op) == attributes(b[1].op)
    assert [*one.outputs.values()] == [*other.outputs.values()]
    assert [*one.outputs][1:] == [*other.outputs][1:]
    assert one.training_outputs == other.training_outputs


def same_names(one: Graph, other: Graph) -> None:
    assert names(one) == names(other)
    assert [node.stage for node in one.nodes] == [node.stage for node in other.nodes]
    assert one.outputs == other.outputs
    assert one.stages == other.stages


@pytest.mark.parametrize("name", SAMPLE)
def test_bundled_networks_read_back_as_they_were(name: str) -> None:
    network = archcalc.load(name).graph
    again = graph(write_graph(network))
    same_layers(network, again)
    same_names(network, again)
    before, after = analyze(network, training=True), analyze(again, training=True)
    for one, other in zip(before.layers, after.layers, strict=True):
        assert (one.params, one.macs, one.operations) == (other.params, other.macs, other.operations)
        assert one.fields.keys() == other.fields.keys()
        for axes, others in zip(one.fields.values(), other.fields.values(), strict=True):
            assert [axis.size if axis.is_local else axis.word for axis in axes] == [
                axis.size if axis.is_local else axis.word for axis in others
            ]


@pytest.mark.parametrize("name", SAMPLE)
def test_folded_networks_read_back_as_they_are(name: str) -> None:
    folded = fold(archcalc.load(name).graph).folded
    same_layers(folded, graph(write_graph(folded)))


@pytest.mark.slow
@few
@given(networks())
def test_random_networks_read_back_as_they_were(text: str) -> None:
    network = graph(text)
    again = graph(write_graph(network))
    same_layers(network, again)
    folded = fold(network).folded
    same_layers(folded, graph(write_graph(folded)))


def written(text: str) -> list[str]:
    """Return the lines of the layers and what follows them, of a spec that was read and written again."""
    lines = write_graph(graph(text)).splitlines()
    return lines[lines.index("layers:") + 1 :]


def test_repetitions_are_found_again() -> None:
    text = "input: 4x8x8\nlayers:\n  - a: (conv 4 k3 p1 -> relu)*3 -> add(conv 4 k1 -> bn, identity) -> relu -> tanh\n"
    assert written(text) == ["  - a: (conv 4 k3 p1 -> relu)*3 -> add(conv 4 k1 -> bn, identity) -> relu -> tanh"]


def test_stages_joins_references_and_heads_stay() -> None:
    text = """\
        inputs: {image: 3x16x16, prior: 1x16x16}
        tables: {t: "X. / XX / .X"}
        layers:
          - conv 3 k1 -> relu
          - enc: conv 2 k3 half table=t -> relu
          - low: maxpool 2
          - mid: upconv 2 k2 s2 -> concat(@enc, @prior, identity)
        heads: {mask: "@enc -> conv 1 k1 -> sigmoid", same: "@prior"}
        training_heads: {aux: fc 3}
        """
    found = written(text)
    assert found == [
        "  - conv 3 k1 -> relu",
        "  - enc: conv 2 k3 half table=table1 -> relu",
        "  - low: maxpool 2",
        "  - mid: upconv 2 k2 s2 -> concat(@enc, @prior, identity)",
        "heads:",
        '  mask: "@enc -> conv 1 k1 -> sigmoid"',
        '  same: "@prior"',
        "training_heads:",
        "  aux: fc 3",
    ]
    same_names(graph(text), graph(write_graph(graph(text))))


def test_a_stage_that_has_lost_its_layers_still_names_its_tensor() -> None:
    network = graph("input: 3x8x8\nlayers:\n  - c: conv 4 k3\n  - b: bn\n  - d: concat(@c, @b)\n")
    assert not fold(network).folds  # c has two readers
    network = graph("input: 3x8x8\nlayers:\n  - c: conv 4 k3\n  - b: bn\n  - d: concat(@b, relu)\n")
    folded = fold(network).folded
    again = graph(write_graph(folded))
    same_names(folded, again)
    assert again.stages["b"] == again.stages["c"] == Ref(1)


def test_layers_without_readers_are_written_as_stages() -> None:
    text = "inputs: {a: 2x8x8, b: 2x8x8}\nlayers:\n  - s: conv 3 k3 -> add(@a, @b) -> relu\n  - t: concat(@s, @b)\n"
    assert written(text) == [
        "  - s_conv: conv 3 k3",
        "  - s_add: add(@a, @b)",
        "  - s: relu",
        "  - t: concat(identity, @b)",
    ]
    same_layers(graph(text), graph(write_graph(graph(text))))


def test_a_graph_that_no_spec_wrote_can_be_written() -> None:
    """Two additions that read the same two tensors: no chain with joins is like this."""
    shape = (4,)
    relu, tanh, add = (REGISTRY[name]() for name in ("relu", "tanh", "add"))
    layers = [
        Node("in.0", Input(shape), (), (shape,)),
        Node("a.b/relu", relu, (Ref(0),), (shape,)),
        Node("a.b/tanh", tanh, (Ref(0),), (shape,)),
        Node("a.b/one", add, (Ref(1), Ref(2)), (shape,)),
        Node("a.b/two", add, (Ref(2), Ref(1)), (shape,)),
        Node("end", add, (Ref(3), Ref(4)), (shape,)),
    ]
    network = Graph("made by hand", tuple(layers), {"end": Ref(5)})
    again = graph(write_graph(replace(network, nodes=(replace(layers[0], name="in"), *layers[1:]))))
    assert [node.inputs for node in again.nodes] == [node.inputs for node in layers]
    assert names(again) == ["a_b_relu", "a_b_tanh", "a_b_one", "a_b_two", "end"]


def test_a_second_output_cannot_be_written() -> None:
    relu = REGISTRY["relu"]()
    layers = (
        Node("x", Input((4,)), (), ((4,),)),
        Node("two", relu, (Ref(0),), ((4,), (4,))),
        Node("end", relu, (Ref(1, 1),), ((4,),)),
    )
    with pytest.raises(SpecError, match="'end' reads the second output"):
        write_graph(Graph("x", layers, {"end": Ref(2)}))


@pytest.mark.parametrize("stages", ["aba", "abab", "abcab"])
def test_stages_whose_layers_stand_in_several_places_keep_their_outputs(stages: str) -> None:
    """As in a model file, where a stage is the outermost module of a layer."""
    shape = (4,)
    kinds = [REGISTRY[name]() for name in ("relu", "tanh", "sigmoid", "silu", "gelu")]
    nodes = [Node("x", Input(shape), (), (shape,))]
    nodes += [
        Node(f"{stage}/{op.name}", op, (Ref(number),), (shape,), stage=stage)
        for number, (stage, op) in enumerate(zip(stages, kinds, strict=False))
    ]
    last = {stage: Ref(number) for number, stage in enumerate(stages, 1)}
    join = Node("end", REGISTRY["add"](), (last["a"], last["b"]), (shape,), stage="end")
    network = Graph("net", (*nodes, join), {"end": Ref(len(nodes))}, {**last, "end": Ref(len(nodes))})
    again = graph(write_graph(network))
    same_layers(network, again)
    assert again.stages.items() >= network.stages.items()


def test_a_stage_that_has_the_name_of_a_head_gets_another() -> None:
    """As in a model file, whose outputs have the names of layers."""
    shape, relu = (4,), REGISTRY["relu"]()
    nodes = [Node("x", Input(shape), (), (shape,))]
    nodes += [Node(name, relu, (Ref(number),), (shape,), stage=name) for number, name in enumerate(["relu", "end"])]
    stages = {"relu": Ref(1), "end": Ref(2)}
    network = Graph("net", tuple(nodes), {"output": Ref(2), "relu": Ref(1), "end": Ref(2)}, stages)
    same_layers(network, graph(write_graph(network)))


def test_all_reasons_are_named() -> None:
    """Two pairs of layers with one matrix, but biases of their own."""
    fc = FullyConnected(features=4)
    nodes = [Node("x", Input((4,)), (), ((4,),))]
    for number in range(4):
        tied = {"weight": number} if number % 2 else {}
        nodes.append(Node(f"fc{number}", fc, (Ref(number),), ((4,),), tied=tied))
    with pytest.raises(SpecError) as found:
        write_graph(Graph("net", tuple(nodes), {"fc3": Ref(4)}))
    assert [each.message for each in found.value.problems] == [
        "'fc1' shares weights of 'fc0', but not the bias, which a spec cannot express",
        "'fc3' shares weights of 'fc2', but not the bias, which a spec cannot express",
    ]


def test_titles_and_layouts_are_kept() -> None:
    network = replace(chain("reshape 4x4x8 -> conv 3 k1", "8x16"), name='"odd": # title é', layout="hwc")
    again = graph(write_graph(network))
    same_layers(network, again)
