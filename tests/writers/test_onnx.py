"""Written ONNX models: valid, computed alike by ONNX Runtime, and read again as the same network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnx

from archcalc.api import Network, load
from archcalc.executor.inputs import random_inputs
from archcalc.executor.interpreter import Interpreter
from archcalc.executor.weights import initial_arrays
from archcalc.graph import Graph
from archcalc.spec import Source, SpecError, read_spec
from archcalc.writers.onnx.write import write_onnx
from archcalc.writers.spec.compact import forms, is_same, write_compact
from tests.executor.onnx_models import given, session

TOKENS = """
input: 4x6
layers:
  - tokens: concat(learned 1x6, identity) -> add(identity, learned (n0)x6)
  - body: attention heads=2 causal -> ln axis=last -> linear 8 -> gelu -> linear 6
  - last: rms_norm -> geglu
"""
SHARED = """
inputs: {left: 1x8x8, right: 1x8x8}
shared:
  tower: conv 4 k3 -> bn -> relu -> fc 5
layers:
  - one: tower
  - other: "@right -> tower"
  - same: sub(@one, @other) -> abs -> fc 1
heads:
  seen: "@one"
"""
IMAGE = """
input: 3x9x9
layers:
  - conv 6 k3 s2 same -> gn 2 -> prelu channels -> upconv 4 k2 s2 -> in -> maxpool 2 -> gap -> fc 3 -> softmax
"""
LANGUAGE = """
input: 6
layers:
  - tokens: embedding 11 8
  - body: add(identity, attention heads=2) -> linear 8 -> relu
  - logits: linear 11 nobias weights=@tokens
"""
STORED = """
input: 5
layers:
  - tokens: embedding 11 8
  - places: constant 5x8
  - body: add(@tokens, @places, learned 9x8 -> slice 2:7)
  - mixed: attention heads=4 kv_heads=2 rope causal -> linear 12 -> swiglu
  - scaled: mul(identity, learned 1x1 -> exp) -> ln axis=last noaffine
"""
WINDOWS = """
input: 16x8
layers:
  - x: rearrange '(a p b q) c = (a b) (p q) c' a=2 b=2 p=2 q=2
  - near: relative_bias 2x2 heads=2
  - cut: shift_mask 4x4 window=2 shift=1
  - out: "@x -> attention heads=2 score_bias=@near mask=@cut -> linear 4"
"""
NETWORKS = {
    "stored": STORED,
    "windows": WINDOWS,
    "tokens": TOKENS,
    "shared": SHARED,
    "image": IMAGE,
    "language": LANGUAGE,
}


def graph(text: str) -> Graph:
    return read_spec(Source("net.yaml", text)).graph


@pytest.mark.parametrize("opset", [18, 21])
@pytest.mark.parametrize("text", NETWORKS.values(), ids=NETWORKS)
def test_models_are_valid_and_onnx_runtime_agrees_for_any_batch(text: str, opset: int) -> None:
    network = graph(text)
    weights = initial_arrays(network, seed=3)
    model = write_onnx(network, weights, opset=opset)
    onnx.checker.check_model(onnx.load_from_string(model), full_check=True)
    run = session(model)
    for batch in (1, 3):
        inputs = random_inputs(network, batch=batch, seed=1)
        ours = Interpreter(network, weights).run(inputs).outputs
        theirs = dict(zip([each.name for each in run.get_outputs()], run.run(None, given(run, inputs)), strict=True))
        assert theirs.keys() == ours.keys()
        for name, expected in theirs.items():
            np.testing.assert_allclose(ours[name], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("weights", [True, False])
@pytest.mark.parametrize("text", NETWORKS.values(), ids=NETWORKS)
def test_models_read_as_the_same_network(tmp_path: Path, text: str, *, weights: bool) -> None:
    network = graph(text)
    again = written(network, tmp_path, weights=weights)
    before, after = Network(read_spec(Source("net.yaml", text))).analyze().totals, again.analyze().totals
    assert (after.trainable, after.macs) == (before.trainable, before.macs)
    outputs = [again.graph.shape(ref) for ref in again.graph.outputs.values()]
    assert outputs == [network.shape(ref) for ref in network.outputs.values()]
    assert again.graph.inputs == network.inputs


def test_an_input_that_only_an_embedding_reads_consists_of_integers(tmp_path: Path) -> None:
    assert session(write_onnx(graph(LANGUAGE))).get_inputs()[0].type == "tensor(int64)"
    other = graph("input: 6\nlayers:\n  - a: embedding 11 6\n  - b: reduce 'n c = n' mean\n  - add(@b, @input)")
    assert session(write_onnx(other)).get_inputs()[0].type == "tensor(float)"


@pytest.mark.parametrize("text", NETWORKS.values(), ids=NETWORKS)
def test_models_become_specs_of_the_same_network(tmp_path: Path, text: str) -> None:
    network = written(graph(text), tmp_path, weights=False)
    spec = write_compact(network.graph)
    again = Network(read_spec(Source("again.yaml", spec)))
    before, after = network.analyze().totals, again.analyze().totals
    assert (after.trainable, after.params, after.macs) == (before.trainable, before.params, before.macs)
    assert any(is_same(form, spec) for form in forms(network.graph))


def test_attention_is_recognised_in_a_model(tmp_path: Path) -> None:
    text = "input: 4x6\nlayers:\n  - layer: add(identity, ln axis=last -> attention heads=2) -> linear 3"
    spec = write_compact(written(graph(text), tmp_path, weights=True).graph)
    assert "ln axis=last -> attention heads=2" in spec


RECOGNISED = {
    "shared heads": "attention heads=4 kv_heads=2",
    "rotary": "attention heads=2 rope=500",
    "causal": "attention heads=2 causal nobias",
    "all": "attention heads=2 kv_heads=1 causal rope nobias",
    "depthwise": "reshape 8x3x4 -> dwconv k3 p1 -> relu6 -> bn noaffine",
    "gated": "glu -> ln axis=last noaffine",
}


@pytest.mark.parametrize("layers", RECOGNISED.values(), ids=RECOGNISED)
def test_layers_that_are_composed_are_recognised(tmp_path: Path, layers: str) -> None:
    network = written(graph(f"input: 12x8\nlayers:\n  - out: {layers}\n"), tmp_path, weights=True)
    assert f"out: {layers}\n" in write_compact(network.graph, network.constants())


@pytest.mark.parametrize("weights", [True, False])
def test_what_attention_adds_to_scores_is_recognised(tmp_path: Path, *, weights: bool) -> None:
    network = written(graph(WINDOWS), tmp_path, weights=weights)
    spec = write_compact(network.graph, network.constants())
    assert "relative_bias 2x2 heads=2" in spec
    assert "shift_mask 4x4 window=2 shift=1" in spec
    assert "attention heads=2 score_bias=" in spec
    totals = [Network(read_spec(Source("net.yaml", text))).analyze().totals for text in (WINDOWS, spec)]
    assert len({(each.params, each.trainable, each.macs) for each in totals}) == 1


def written(network: Graph, folder: Path, *, weights: bool) -> Network:
    path = folder / "net.onnx"
    path.write_bytes(write_onnx(network, initial_arrays(network) if weights else None))
    return load(str(path))


def test_layers_and_arrays_keep_their_names(tmp_path: Path) -> None:
    network = load("resnet18").graph
    model = onnx.load_from_string(write_onnx(network))
    made = {name for node in model.graph.node for name in node.output}
    assert {node.name for _, node in network.layers()} - {*network.outputs} <= made | {network.nodes[-1].name}
    assert "conv2_x.conv_1.weight" in made
    again = written(network, tmp_path, weights=False).graph
    lost = {node.name for _, node in network.layers()} - {node.name for _, node in again.layers()}
    assert lost == {"head/fc"}  # a node that flattens, and one that multiplies


def test_a_model_without_weights_is_small_and_runs() -> None:
    network = load("vgg16").graph
    model = write_onnx(network)
    assert len(model) < 100_000
    assert session(model).get_inputs()[0].shape == ["batch", 3, 224, 224]


def test_arrays_without_numbers_are_not_weights(tmp_path: Path) -> None:
    assert written(graph(SHARED), tmp_path, weights=False).arrays() is None


def test_projections_of_recurrent_layers_are_refused() -> None:
    with pytest.raises(SpecError, match="lstm_1: ONNX's LSTM has no projection"):
        write_onnx(graph("input: 5x4\nlayers: [lstm 3 proj=2]"))


def test_layers_that_a_version_cannot_express_are_all_named() -> None:
    network = graph("input: 3x9x9\nlayers: {a: avgpool 2 d2, b: conv 3 k1, c: avgpool 2 d2}")
    assert write_onnx(network, opset=19)
    with pytest.raises(SpecError) as error:
        write_onnx(network, opset=18)
    assert [problem.message for problem in error.value.problems] == [
        f"{name}: AveragePool has no attribute 'dilations' in opset 18" for name in ("a", "c")
    ]


@pytest.mark.parametrize("opset", [17, 999])
def test_other_versions_are_refused(opset: int) -> None:
    with pytest.raises(SpecError, match="the opset must be from 18 to"):
        write_onnx(graph(SHARED), opset=opset)


def test_a_bias_of_a_single_window_is_recognised(tmp_path: Path) -> None:
    text = "input: 1x4x8\nlayers:\n  - x: identity\n  - b: relative_bias 2x2 heads=2\n"
    text += '  - out: "@x -> attention heads=2 score_bias=@b"\n'
    network = written(graph(text), tmp_path, weights=False)
    assert "attention heads=2 score_bias=" in write_compact(network.graph, network.constants())
