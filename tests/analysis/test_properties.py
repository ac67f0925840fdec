"""What holds for every network: invariants over random ones with all operators."""

from __future__ import annotations

import json
from collections import Counter
from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archcalc.analysis.memory import peak_elements
from archcalc.analysis.propagate import Analysis, analyze
from archcalc.graph import Graph
from archcalc.ops.base import OPERATION_KINDS, REGISTRY
from archcalc.spec import Source, read_spec
from archcalc.spec.grammar import JOINS
from archcalc.spec.write import write_layer
from tests.operators.writer import Writer, document, written
from tests.random_networks import chain, layers, networks, shapes

many = settings(max_examples=60, derandomize=True)
few = settings(many, max_examples=10)


def read(text: str) -> Graph:
    return read_spec(Source("random.yaml", text)).graph


def sums(found: Analysis) -> dict[str, object]:
    totals = found.totals
    return {
        "params": totals.params,
        "trainable": totals.trainable,
        "connections": totals.connections,
        "macs": totals.macs,
        "operations": dict(totals.operations),
        "activations": totals.activations,
    }


@pytest.mark.parametrize("name", sorted(REGISTRY))
@few
@given(data=st.data())
def test_every_operator_can_be_written_and_analysed(name: str, data: st.DataObject) -> None:
    network = read(data.draw(layers(name)))
    assert name == "identity" or name in [node.op.name for _, node in network.layers()]
    analyze(network)


@pytest.mark.slow
@many
@given(networks())
def test_the_rows_sum_to_the_totals(text: str) -> None:
    network = read(text)
    for training in (False, True):
        found = analyze(network, training=training)
        rows = [layer for layer in found.layers if training or not layer.training]
        for quantity in ("params", "trainable", "connections", "macs", "activations", "mults", "flops"):
            assert getattr(found.totals, quantity) == sum(found.own_count(row, quantity) for row in rows)
        operations = Counter[str]()
        for row in rows:
            operations.update(row.operations)
        assert dict(found.totals.operations) == dict(operations)


@many
@given(networks())
def test_counts_are_integers_and_satisfy_their_relations(text: str) -> None:
    network = read(text)
    for layer in analyze(network).layers:
        node = network.nodes[layer.node]
        weights = node.op.weights(network.input_shapes(node))
        assert layer.params == sum(prod(weight.shape) for weight in weights)
        assert layer.trainable == sum(prod(weight.shape) for weight in weights if weight.trainable)
        assert 0 <= layer.trainable <= layer.params
        assert layer.activations == sum(prod(shape) for shape in layer.outputs)
        assert set(layer.operations) <= set(OPERATION_KINDS)
        counts = [layer.params, layer.trainable, layer.macs, layer.connections, layer.activations]
        counts += layer.operations.values()
        assert all(type(count) is int and count >= 0 for count in counts), layer
        assert layer.macs <= layer.mults <= layer.flops
        assert layer.macs <= layer.connections or not layer.params or layer.op == "attention"  # which has products
        assert layer.connections == 0 or layer.params > 0
        assert layer.macs == 0 or layer.op in (
            "conv",
            "dwconv",
            "moe",
            "sepconv",
            "upconv",
            "fc",
            "linear",
            "matmul",
            "einsum",
            "dft",
            "sdpa",
            "attention",
            "rnn",
            "lstm",
            "gru",
            "deform_conv",
        )


@pytest.mark.slow
@many
@given(networks(), st.integers(1, 5))
def test_a_batch_multiplies_everything_but_the_parameters(text: str, batch: int) -> None:
    network = read(text)
    one, several = analyze(network), analyze(network, batch=batch)
    assert (several.totals.params, several.totals.trainable) == (one.totals.params, one.totals.trainable)
    for quantity in ("connections", "macs", "mults", "flops", "activations"):
        assert getattr(several.totals, quantity) == batch * getattr(one.totals, quantity)
    assert [layer.output for layer in several.layers] == [(batch, *layer.output) for layer in one.layers]
    assert several.memory().peak == batch * one.memory().peak
    assert several.memory().params == one.memory().params


@many
@given(networks())
def test_folding_to_any_depth_keeps_the_sums(text: str) -> None:
    found = analyze(read(text), training=True)
    deepest = max((len(layer.path) for layer in found.layers), default=1)
    for depth in range(1, deepest + 2):
        rows = found.folded(depth)
        assert all(len(row.path) <= depth for row in rows)
        for quantity in ("params", "trainable", "connections", "macs", "mults", "flops", "activations"):
            assert sum(found.own_count(row, quantity) for row in rows) == getattr(found.totals, quantity)
        if rows:
            assert rows[-1].output == found.layers[-1].output
    assert len(found.folded(deepest)) == len(found.layers)


@pytest.mark.slow
@many
@given(networks())
def test_graphs_are_in_topological_order_with_positive_shapes_and_unique_names(text: str) -> None:
    network = read(text)
    names = [node.name for node in network.nodes]
    assert len(names) == len(set(names))
    for index, node in enumerate(network.nodes):
        assert all(ref.node < index for ref in node.inputs)
        assert all(ref.output < len(network.nodes[ref.node].outputs) for ref in node.inputs)
        assert all(type(size) is int and size > 0 for shape in node.outputs for size in shape)
        assert node.outputs == node.op.outputs(network.input_shapes(node))
        if not node.is_input:
            assert len(node.joined) >= 2 if node.op.arity is None else len(node.joined) == node.op.arity
    assert all(ref.node < len(names) for ref in {**network.outputs, **network.training_outputs}.values())
    assert all(set(layer.fields) <= set(network.inputs) for layer in analyze(network).layers)


@pytest.mark.slow
@many
@given(networks())
def test_reading_a_text_twice_gives_the_same_network(text: str) -> None:
    def everything(network: Graph) -> object:
        nodes = [
            (n.name, n.op.name, n.op.attributes(), n.inputs, n.outputs, n.path, n.head, n.training)
            for n in network.nodes
        ]
        return nodes, dict(network.outputs), dict(network.training_outputs), dict(network.stages)

    first, second = read(text), read(text)
    assert everything(first) == everything(second)
    assert sums(analyze(first)) == sums(analyze(second))


@pytest.mark.slow
@many
@given(networks())
def test_a_written_layer_reads_back_as_itself(text: str) -> None:
    network = read(text)
    for _, node in network.layers():
        attributes = node.op.attributes()
        if not node.inputs or node.op.name in JOINS or attributes.get("table") is not None:
            continue
        if node.op.tensor_arguments():  # which a line alone does not have
            continue
        line = f"{written(network.input_shapes(node)[0])} -> {write_layer(node.op)}"
        again = read_spec(Source("<expression>", line), inline=True).graph.nodes[-1]
        assert again.op.attributes() == attributes, line
        assert again.outputs == node.outputs


@pytest.mark.slow
@many
@given(networks())
def test_blanks_arrows_and_yaml_styles_do_not_change_the_network(text: str) -> None:
    expected = [(node.name, node.outputs) for node in read(text).nodes]
    for other in (
        text.replace("->", " → "),
        text.replace("→", "->").replace("->", "   ->\\n "),
        "# a comment\n" + json.dumps({k: json.loads(v) for k, v in (row.split(": ", 1) for row in text.splitlines())}),
        "".join(reversed(text.splitlines(keepends=True))),
    ):
        assert [(node.name, node.outputs) for node in read(other).nodes] == expected


@pytest.mark.slow
@many
@given(networks())
def test_the_peak_of_memory_lies_between_the_largest_tensor_and_all_of_them(text: str) -> None:
    network = read(text)
    for training in (False, True):
        sizes = [sum(map(prod, node.outputs)) for node in network.nodes if training or not node.training]
        peak = peak_elements(network, training=training)
        assert max(sizes) <= peak <= sum(sizes)
        for node in network.nodes:
            if training or not node.training:
                read_by_it = {ref: prod(network.shape(ref)) for ref in node.inputs}
                assert peak >= sum(read_by_it.values()) + sum(map(prod, node.outputs)) * (not node.is_input)


@pytest.mark.slow
@many
@given(networks())
def test_training_heads_do_not_count_unless_asked_for(text: str) -> None:
    network = read(text)
    without = read("".join(row for row in text.splitlines(keepends=True) if not row.startswith("training_heads:")))
    assert sums(analyze(network)) == sums(analyze(without))
    assert peak_elements(network) == peak_elements(without)
    assert list(network.outputs) == list(without.outputs)
    found = analyze(network, training=True)
    extra = [found.own_count(layer, "params") for layer in found.layers if layer.training]
    assert analyze(network, training=True).totals.params == analyze(network).totals.params + sum(extra)


@pytest.mark.slow
@many
@given(networks())
def test_stages_sum_to_the_network(text: str) -> None:
    network = read(text)
    found = analyze(network, training=True)
    stages = [name for name in network.stages if name not in network.inputs]
    inside = [layer for layer in found.layers if layer.path[0] in stages]
    by_stage = [found.stage(name) for name in stages if any(layer.path[0] == name for layer in inside)]
    assert sum(found.own_count(stage, "params") for stage in by_stage) == sum(
        found.own_count(layer, "params") for layer in inside
    )
    assert sum(stage.macs for stage in by_stage) == sum(layer.macs for layer in inside)
    for name in stages:
        alone = [layer for layer in inside if layer.path[0] == name]
        assert len(alone) != 1 or alone[0].name == name


@many
@given(st.data())
def test_a_repeat_equals_its_chain_written_as_often(data: st.DataObject) -> None:
    w = Writer(data.draw)
    shape = data.draw(shapes())
    text, after = chain(w, shape)
    if after != shape:
        return
    rest = {"inputs": {"input": written(shape)}, **w.sections()}
    repeated = read(document({**rest, "layers": f"({text})*3"}))
    longhand = read(document({**rest, "layers": f"{text} -> {text} -> {text}"}))
    assert [(n.name, n.outputs, n.inputs) for n in repeated.nodes] == [
        (n.name, n.outputs, n.inputs) for n in longhand.nodes
    ]
